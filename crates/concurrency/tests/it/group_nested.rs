//! Groups inside groups.

use std::{future::pending, time::Duration};

use bowline_concurrency::{ScopeError, TaskGroup, cancelled, is_cancelled, scope, settled, try_scope};
use bowline_testing::{DropLog, Polled};
use tokio::{
    sync::{broadcast, mpsc, oneshot},
    task::yield_now,
};

use crate::support::{Census, Owes, SlowDrop, finish, on_both, stays_pending};

/// No test waits for it: it ends with the last child.
const GRACE: Duration = Duration::from_secs(3600);

type Outcome<T> = Result<T, ScopeError<&'static str>>;

/// A child with a scope whose child owes a release, which waits for the gate.
async fn nested(census: Census, gate: oneshot::Receiver<()>, up: oneshot::Sender<()>) {
    let _here = SlowDrop::new(census.enter());
    let owes = Owes::new(census.enter(), gate);
    let work = async move |inner: &TaskGroup| {
        inner
            .spawn(async move {
                let _owes = owes;
                let _ = up.send(());
                pending::<()>().await;
            })
            .await;
    };
    scope(work).await;
}

#[test]
fn tg_06_cancelled_scope_waits_for_the_orphans_of_nested_ones() {
    on_both(|| async {
        let census = Census::default();
        let ((open, gate), (up, is_up)) = (oneshot::channel(), oneshot::channel());
        let (give, given) = oneshot::channel();
        let mut work = Polled::new(try_scope(async |group: &TaskGroup<&'static str>| {
            let _ = give.send(group.spawner());
            drop(group.spawn(nested(census.clone(), gate, up)));
            pending::<Result<(), _>>().await
        }));
        work.assert_pending();
        is_up.await.unwrap();
        given.await.unwrap().cancel("the owner");
        stays_pending(&mut work).await;
        open.send(()).unwrap();
        // Cancelled, which is no group of errors.
        assert!(
            matches!(finish(&mut work).await, Err(ScopeError::Cancelled(reason)) if reason.to_string() == "the owner")
        );
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_06_dropped_scope_leaves_the_orphans_of_nested_ones_to_the_scope_around() {
    on_both(|| async {
        let census = Census::default();
        let ((open, gate), (up, is_up)) = (oneshot::channel(), oneshot::channel());
        let mut around = Polled::new(scope(async |_| {
            tokio::select! {
                () = scope(async |group| group.spawn(nested(census.clone(), gate, up)).await) => unreachable!(),
                _ = is_up => {}
            }
        }));
        while census.alive() < 2 {
            around.assert_pending();
            yield_now().await;
        }
        stays_pending(&mut around).await;
        open.send(()).unwrap();
        finish(&mut around).await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_11_errors_of_nested_groups_show_their_path() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .name("import")
            .try_scope(async |outer: &TaskGroup<ScopeError<&str>>| {
                outer
                    .named("source 1")
                    .try_spawn(TaskGroup::builder().name("pages").try_scope(async |inner: &TaskGroup<&'static str>| {
                        inner.named("page 7").try_spawn(async { Err::<(), _>("not found") }).await;
                        Ok(())
                    }))
                    .await;
                Ok(())
            })
            .await;
        let ScopeError::Failed(outer) = result.unwrap_err() else { panic!("failed, not cancelled") };
        assert_eq!(outer.to_string(), "import: source 1: pages: page 7: not found");
        assert_eq!(outer.scope(), Some("import"));
        // One level for each group.
        let ScopeError::Failed(inner) = outer.into_first() else { panic!("failed, not cancelled") };
        assert_eq!((inner.scope(), inner.len(), inner.first()), (Some("pages"), 1, &"not found"));
    });
}

#[test]
fn tg_12_failure_of_the_outer_group_cancels_the_inner_one() {
    on_both(|| async {
        let census = Census::default();
        let result: Outcome<()> = try_scope(async |outer| {
            let (up, ready) = oneshot::channel::<()>();
            drop(outer.try_spawn(async move {
                let _ = ready.await;
                Err::<(), _>("outer")
            }));
            try_scope(async |inner: &TaskGroup<&'static str>| {
                let inside = SlowDrop::new(census.enter());
                drop(inner.spawn(async move {
                    let _inside = inside;
                    let _ = up.send(());
                    pending::<()>().await;
                }));
                pending::<Result<(), &str>>().await
            })
            .await
            .map_err(|_| "inner")
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(result.unwrap_err().errors().unwrap().iter().copied().collect::<Vec<_>>(), ["outer"]);
    });
}

#[test]
fn tg_30_groups_that_fail_at_the_same_moment_lose_neither_failure() {
    on_both(|| async {
        let (fail, _) = broadcast::channel::<()>(1);
        let result = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |outer: &TaskGroup<&'static str>| {
                assert!(is_cancelled().is_none()); // Having asked, the body may end in its own way.
                let mut gate = fail.subscribe();
                drop(outer.try_spawn(async move {
                    let _ = gate.recv().await;
                    Err::<(), _>("outer")
                }));
                try_scope(async |inner: &TaskGroup<&'static str>| {
                    let mut gate = fail.subscribe();
                    drop(inner.try_spawn(async move {
                        let _ = gate.recv().await;
                        Err::<(), _>("inner")
                    }));
                    fail.send(()).unwrap();
                    pending::<Result<(), &str>>().await
                })
                .await
                .map_err(|error| error.into_first().unwrap())
            })
            .await;
        let mut both = result.unwrap_err().errors().unwrap().iter().copied().collect::<Vec<_>>();
        both.sort_unstable();
        assert_eq!(both, ["inner", "outer"]);
    });
}

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Scopes in each other; the child of each asks, and tells the reason that it got.
fn ask(depth: usize, tell: mpsc::Sender<(usize, String)>, up: oneshot::Sender<()>) -> BoxFuture {
    Box::pin(async move {
        scope(async |group| {
            if depth == 0 {
                let _ = up.send(());
            } else {
                drop(group.spawn(ask(depth - 1, tell.clone(), up)));
            }
            let reason = cancelled().await.to_string();
            tell.send((depth, reason)).await.unwrap();
        })
        .await;
    })
}

#[test]
fn tg_46_cancellation_of_the_outermost_is_learned_at_every_depth_at_once() {
    on_both(|| async {
        let (tell, mut told) = mpsc::channel(3);
        let (up, is_up) = oneshot::channel();
        let mut work =
            Polled::new(TaskGroup::builder().grace(GRACE).try_scope(async |group: &TaskGroup<&'static str>| {
                drop(group.spawn(ask(2, tell, up)));
                is_up.await.unwrap();
                group.cancel("the outermost");
                pending::<Result<(), _>>().await
            }));
        assert!(matches!(finish(&mut work).await, Err(ScopeError::Cancelled(_))));
        let mut depths = Vec::new();
        while let Some((depth, reason)) = told.recv().await {
            assert_eq!(reason, "the outermost");
            depths.push(depth);
        }
        depths.sort_unstable();
        assert_eq!(depths, [0, 1, 2]);
    });
}

#[test]
fn tg_60_scope_that_is_dropped_takes_the_ones_inside_with_it() {
    on_both(|| async {
        let log = DropLog::default();
        let (up, is_up) = oneshot::channel();
        let mut outer = Polled::new(scope(async |outer| {
            let (inner_child, outer_child) = (log.probe("inner"), log.probe("outer"));
            drop(outer.spawn(async move {
                let _here = outer_child;
                pending::<()>().await;
            }));
            scope(async |inner| {
                inner
                    .spawn(async move {
                        let _here = inner_child;
                        let _ = up.send(());
                        pending::<()>().await;
                    })
                    .await;
            })
            .await;
        }));
        outer.assert_pending();
        is_up.await.unwrap();
        drop(outer);
        settled().await;
        assert_eq!((log.live(), log.count("inner"), log.count("outer")), (0, 1, 1));
    });
}
