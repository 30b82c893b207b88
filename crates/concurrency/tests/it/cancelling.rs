//! The cancellation of a scope: its reason, who sees it, and what it leaves alone.

use std::time::Duration;

use bowline_concurrency::{
    BackgroundTasks, Reason, Scope, ScopeError, TaskGroup, cancelled, is_cancelled, scope, timeout, try_scope,
};
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{LONG, forever, on_both};

type Group = TaskGroup<&'static str>;

/// What somebody said, where nothing but an explicit reason is expected.
#[track_caller]
fn said(reason: &Reason) -> &str {
    match reason {
        Reason::Explicit(message) => message,
        other => panic!("not said by anybody: {other:?}"),
    }
}

#[track_caller]
fn cancellation<T: std::fmt::Debug>(result: Result<T, ScopeError<&'static str>>) -> String {
    match result {
        Err(ScopeError::Cancelled(reason)) => said(&reason).to_owned(),
        other => panic!("not cancelled by hand: {other:?}"),
    }
}

#[test]
fn cs_01_second_cancellation_changes_nothing_and_the_first_reason_stays() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .deadline(LONG)
            .grace(LONG)
            .try_scope(async |group: &Group| -> Result<(), _> {
                assert!(is_cancelled().is_none(), "a body that asks may go on");
                group.cancel("first");
                group.cancel("second");
                group.spawner().cancel("third");
                assert_eq!(said(&cancelled().await), "first");
                group.cancel("fourth");
                yield_now().await;
                assert_eq!(said(&is_cancelled().unwrap()), "first");
                assert_eq!(said(&group.cancellation().unwrap()), "first");
                Err("own") // A failure cancels, too.
            })
            .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("it has failed") };
        assert_eq!(said(errors.cancelled_by().unwrap()), "first");
    });
}

#[test]
fn cs_02_every_wait_that_listens_ends_until_the_scope_is_left() {
    // Only waits that listen: code that does not is dropped, and there is no second await to fail.
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| {
                assert!(is_cancelled().is_none());
                group.cancel("stop");
                for _ in 0..3 {
                    assert_eq!(said(&cancelled().await), "stop");
                    yield_now().await;
                }
                scope(async |_| assert_eq!(said(&cancelled().await), "stop")).await;
                Ok(7)
            })
            .await;
        assert_eq!(result.unwrap(), 7);
        assert!(is_cancelled().is_none(), "left");
    });
}

#[test]
fn cs_04_body_that_ends_without_an_await_after_the_cancellation_has_its_value() {
    on_both(|| async {
        let mut was = None;
        let result = try_scope(async |group: &Group| {
            yield_now().await;
            group.cancel("too late");
            was = group.cancellation();
            Ok(7)
        })
        .await;
        assert_eq!(result.unwrap(), 7);
        assert_eq!(said(&was.unwrap()), "too late");
    });
}

#[test]
fn cs_05_of_an_inner_and_an_outer_scope_that_are_cancelled_the_outer_one_decides() {
    for outer_first in [true, false] {
        on_both(move || async move {
            let result = try_scope(async |outer: &Group| -> Result<(), _> {
                let inner = try_scope(async |inner: &Group| -> Result<(), _> {
                    if outer_first {
                        outer.cancel("outer");
                    }
                    inner.cancel("inner");
                    outer.cancel("outer");
                    forever().await
                })
                .await;
                // The inner one has ended as well, and says why; nothing is awaited after it.
                assert_eq!(cancellation(inner), "inner");
                yield_now().await;
                unreachable!("the outer scope goes no further than to its next await")
            })
            .await;
            assert_eq!(cancellation(result), "outer");
        });
    }
}

#[test]
fn cs_14_every_source_of_a_cancellation_is_told_apart_by_who_listens() {
    on_both(|| async {
        assert_eq!(said(&heard_below(|group| group.cancel("by hand")).await), "by hand");
        let failing = heard_below(|group| drop(group.try_spawn(async { Err::<(), _>("boom") }))).await;
        assert!(matches!(failing, Reason::SiblingFailed), "{failing:?}");
    });

    /// What a child hears that is two scopes below the one that `cancel` cancels.
    async fn heard_below(cancel: impl FnOnce(&Group)) -> Reason {
        let (tell, told) = oneshot::channel();
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async move |group: &Group| -> Result<(), _> {
                let (up, ready) = oneshot::channel();
                drop(group.spawn(async move {
                    scope(async move |inner| {
                        drop(inner.spawn(async move {
                            up.send(()).unwrap();
                            tell.send(cancelled().await).unwrap();
                        }));
                    })
                    .await;
                }));
                ready.await.unwrap();
                cancel(group);
                forever().await
            })
            .await;
        assert!(result.is_err());
        told.await.unwrap()
    }
}

#[test]
fn cs_14_deadline_and_shutdown_are_told_apart_by_who_listens() {
    on_both(|| async {
        let mut heard = None;
        let guarded = timeout(Duration::from_millis(1), async { heard = Some(cancelled().await) });
        guarded.named("page 7").grace(LONG).await.unwrap();
        let Some(Reason::DeadlineElapsed(deadline)) = heard else { panic!("{heard:?}") };
        assert_eq!(deadline.name(), Some("page 7"));

        let tasks = BackgroundTasks::new();
        let (up, ready) = oneshot::channel();
        let task = tasks.spawn("listens", async {
            up.send(()).unwrap();
            cancelled().await
        });
        ready.await.unwrap();
        tasks.shutdown(LONG).await;
        let heard = task.unwrap().await.unwrap();
        assert!(matches!(heard, Reason::Shutdown), "{heard:?}");
    });
}

#[test]
fn cs_14_every_source_of_a_cancellation_is_told_apart_in_destructors() {
    struct OnDrop(Option<oneshot::Sender<Reason>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.take().unwrap().send(Scope::current().reason_for_drop()).unwrap();
        }
    }
    /// What a child that does not listen sees when it is dropped.
    async fn seen_below(cancel: impl FnOnce(&Group)) -> Reason {
        let (tell, told) = oneshot::channel();
        let result = try_scope(async move |group: &Group| -> Result<(), _> {
            let seen = OnDrop(Some(tell));
            drop(group.spawn(async move {
                let _seen = seen;
                forever::<()>().await;
            }));
            yield_now().await;
            cancel(group);
            forever().await
        })
        .await;
        assert!(result.is_err());
        told.await.unwrap()
    }

    on_both(|| async {
        assert_eq!(said(&seen_below(|group| group.cancel("by hand")).await), "by hand");
        let failing = seen_below(|group| drop(group.try_spawn(async { Err::<(), _>("boom") }))).await;
        assert!(matches!(failing, Reason::SiblingFailed), "{failing:?}");
    });
}

#[test]
fn cs_21_task_that_catches_its_cancellation_delivers_its_value() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| {
                let catches = group.spawn(async { said(&cancelled().await).len() });
                assert!(is_cancelled().is_none(), "the body listens as well, and is not dropped");
                yield_now().await;
                group.cancel("stop");
                Ok(catches.await)
            })
            .await;
        assert_eq!(result.unwrap(), 4);

        let tasks = BackgroundTasks::new();
        let (up, ready) = oneshot::channel();
        let catches = tasks.spawn("catches", async {
            up.send(()).unwrap();
            cancelled().await;
            7
        });
        ready.await.unwrap();
        let report = tasks.shutdown(LONG).await;
        assert_eq!(
            (catches.unwrap().await, report.cooperative, report.aborted),
            (Some(7), vec!["catches".into()], vec![])
        );
    });
}
