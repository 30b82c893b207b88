//! Learning of a cancellation.

use std::{future::pending, time::Duration};

use bowline_concurrency::{
    BackgroundTasks, Reason, TaskGroup, cancelled, hand_off, is_cancelled, scope, shutdown_requested, timeout,
    try_scope,
};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use crate::support::{on_both, paused};

#[test]
fn cs_14_background_task_below_scopes_learns_the_reason() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let (tell, told) = oneshot::channel();
        let (up, ready) = oneshot::channel();
        drop(tasks.spawn("deep", async move {
            // Through a scope and its child: the reason flows along spawn edges and inline nodes.
            scope(async move |group| {
                group
                    .spawn(async move {
                        assert!(is_cancelled().is_none());
                        up.send(()).unwrap();
                        tell.send(cancelled().await).unwrap();
                    })
                    .await;
            })
            .await;
        }));
        ready.await.unwrap();
        let report = tasks.shutdown(Duration::from_secs(10)).await;
        assert_eq!(report.cooperative, ["deep"]);
        assert!(matches!(told.await.unwrap(), Reason::Shutdown));
    });
}

#[test]
fn cancelled_waits_for_ever_where_nothing_is_cancelled() {
    paused(async {
        assert!(timeout(Duration::from_secs(3600), cancelled()).await.is_err());
        assert!(timeout(Duration::from_secs(3600), shutdown_requested()).await.is_err());
    });
}

#[test]
fn cs_09_handed_off_work_is_not_told_of_the_cancellation_that_it_cleans_up_after() {
    struct Lease(Option<oneshot::Sender<bool>>);
    impl Drop for Lease {
        fn drop(&mut self) {
            assert!(is_cancelled().is_some(), "the destructor is told");
            let tell = self.0.take().unwrap();
            hand_off(&Handle::current(), "release", async move {
                let told_at_once = tokio::select! {
                    biased;
                    _ = cancelled() => true,
                    () = yield_now() => is_cancelled().is_some(),
                };
                tell.send(told_at_once).unwrap();
            });
        }
    }
    on_both(|| async {
        let (tell, told) = oneshot::channel();
        let (up, ready) = oneshot::channel::<()>();
        let failed = try_scope(async move |group: &TaskGroup<&str>| {
            drop(group.spawn(async move {
                let _lease = Lease(Some(tell));
                let _ = up.send(());
                pending::<()>().await;
            }));
            ready.await.unwrap();
            Err::<(), _>("the body")
        });
        assert!(failed.await.is_err());
        assert!(!told.await.unwrap());
    });
}

#[test]
fn what_handed_off_work_leaves_behind_is_waited_for_too() {
    on_both(|| async {
        let (tell, mut told) = oneshot::channel();
        scope(async move |_| {
            hand_off(&Handle::current(), "outer", async move {
                yield_now().await;
                hand_off(&Handle::current(), "inner", async move {
                    yield_now().await;
                    tell.send(()).unwrap();
                });
            });
        })
        .await;
        assert!(told.try_recv().is_ok());
    });
}
