//! What fails in a group, and what the owner gets to see of it.

use std::{
    fmt,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{Reason, Scope, ScopeError, TaskGroup, cancelled, is_cancelled, scope, settled, try_scope};
use bowline_testing::{DropLog, Polled};
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{Census, Owes, SlowDrop, finish, on_both, stays_pending};

/// No test waits for it: it ends with the last child.
const GRACE: Duration = Duration::from_secs(3600);

fn failures<T: fmt::Debug, E: Clone + fmt::Debug>(result: Result<T, ScopeError<E>>) -> Vec<E> {
    let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not cancelled") };
    errors.into_vec()
}

#[test]
fn tg_04_first_failure_cancels_siblings_and_the_body() {
    on_both(|| async {
        let census = Census::default();
        let result = try_scope(async |group: &TaskGroup<&'static str>| {
            let inside = SlowDrop::new(census.enter());
            drop(group.spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            }));
            drop(group.try_spawn(async { Err::<(), _>("boom") }));
            let _body = census.enter();
            pending::<()>().await;
            unreachable!("the body does not go on");
            #[expect(unreachable_code, reason = "gives the body its type")]
            Ok(())
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(failures(result), ["boom"], "the cancellation of the sibling is no failure");
    });
}

#[test]
fn tg_05_every_failure_is_returned_in_order() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group: &TaskGroup<u32>| {
                let (third, order) = oneshot::channel();
                drop(group.named("third").try_spawn(async move {
                    let _ = order.await;
                    Err::<(), _>(3)
                }));
                drop(group.named("second").try_spawn(async move {
                    cancelled().await;
                    // Sent by the drop: the error of this one is recorded before.
                    let _third = SendOnDrop(Some(third));
                    Err::<(), _>(2)
                }));
                drop(group.named("first").try_spawn(async { Err::<(), _>(1) }));
                pending::<Result<(), u32>>().await
            })
            .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not cancelled") };
        assert_eq!(errors.len(), 3);
        assert_eq!(errors.first(), &1);
        let named: Vec<_> = errors.named().collect();
        assert_eq!(named, [(Some("first"), &1), (Some("second"), &2), (Some("third"), &3)]);
        assert_eq!(errors.to_string(), "first: 1 (and 2 other failures)");
        assert!(errors.cancelled_by().is_none(), "the first failure was the cause");
        assert_eq!(errors.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
    });
}

/// Tells, when it is dropped, that whoever held it has gone.
struct SendOnDrop(Option<oneshot::Sender<()>>);

impl Drop for SendOnDrop {
    fn drop(&mut self) {
        let _ = self.0.take().unwrap().send(());
    }
}

/// Fails at its first poll; tells of it when it is dropped, which is after the failure was recorded.
struct Fails(#[expect(dead_code, reason = "held for its drop")] std::sync::mpsc::Sender<()>);

impl Future for Fails {
    type Output = Result<(), u32>;

    fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::task::Poll::Ready(Err(1))
    }
}

#[test]
fn tg_05_failure_of_a_child_that_was_running_when_its_sibling_failed() {
    // On two threads: no grace is needed for two failures.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let result = runtime.block_on(try_scope(async |group: &TaskGroup<u32>| {
        let (failed, seen) = std::sync::mpsc::channel();
        let (up, ready) = oneshot::channel();
        drop(group.try_spawn(async move {
            let _ = up.send(());
            assert!(seen.recv().is_err(), "the sibling has gone");
            Err::<(), _>(2)
        }));
        let _ = ready.await;
        drop(group.try_spawn(Fails(failed)));
        pending::<Result<(), u32>>().await
    }));
    assert_eq!(failures(result), [1, 2]);
}

#[test]
fn tg_09_error_of_the_body_cancels_the_children() {
    on_both(|| async {
        let census = Census::default();
        let result: Result<(), ScopeError<&str>> = try_scope(async |group| {
            let inside = SlowDrop::new(census.enter());
            drop(group.spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            }));
            yield_now().await;
            Err("the body")
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(failures(result), ["the body"]);
    });
}

#[test]
fn tg_10_children_of_a_body_that_fails_at_once_never_run() {
    // One worker: a child that is spawned from there is not polled before the body has returned.
    for mut builder in [tokio::runtime::Builder::new_current_thread(), tokio::runtime::Builder::new_multi_thread()] {
        let runtime = builder.worker_threads(1).build().unwrap();
        let log = DropLog::default();
        let inside = log.clone();
        let body = runtime.spawn(async move {
            let result = try_scope(async |group: &TaskGroup<u32>| {
                let (unpolled, log) = (inside.probe("captured"), inside.clone());
                drop(group.spawn(async move {
                    let _polled = log.probe("polled");
                    drop(unpolled);
                }));
                Err::<(), _>(1)
            })
            .await;
            assert_eq!(inside.drops(), ["captured"]);
            result
        });
        assert_eq!(failures(runtime.block_on(body).unwrap()), [1]);
    }
}

#[test]
fn tg_40_body_that_fails_without_a_child_has_the_same_shape_of_error() {
    on_both(|| async {
        // Decision D2: one failure is not wrapped into anything that has to be unpacked.
        let alone = try_scope(async |_: &TaskGroup<&'static str>| Err::<(), _>("boom")).await;
        let in_company = try_scope(async |group: &TaskGroup<&'static str>| {
            drop(group.spawn(pending::<()>()));
            Err::<(), _>("boom")
        })
        .await;
        for result in [alone, in_company] {
            let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not cancelled") };
            assert_eq!(errors.to_string(), "the body: boom");
            assert_eq!(errors.into_vec(), ["boom"]);
        }
    });
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    NoRoute,
    Garbled(u8),
}

#[test]
fn tg_41_failures_of_different_kinds_are_both_returned() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group: &TaskGroup<Kind>| {
                drop(group.try_spawn(async {
                    cancelled().await;
                    Err::<(), _>(Kind::Garbled(7))
                }));
                group.try_spawn(async { Err::<u32, _>(Kind::NoRoute) }).await;
                Ok(())
            })
            .await;
        assert_eq!(failures(result), [Kind::NoRoute, Kind::Garbled(7)]);
    });
}

#[test]
fn tg_42_failure_of_a_child_wakes_a_body_that_sleeps_for_ever() {
    on_both(|| async {
        let (fail, gate) = oneshot::channel::<()>();
        let mut open = Polled::new(try_scope(async |group: &TaskGroup<&'static str>| {
            drop(group.try_spawn(async move {
                let _ = gate.await;
                Err::<(), _>("boom")
            }));
            pending::<Result<(), &str>>().await
        }));
        stays_pending(&mut open).await;
        assert!(!open.is_woken(), "nothing has happened yet");
        fail.send(()).unwrap();
        assert_eq!(failures(finish(&mut open).await), ["boom"]);
    });
}

#[test]
fn tg_44_cancellations_are_no_failures_at_any_depth() {
    on_both(|| async {
        let (told, reason) = oneshot::channel();
        let result = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |outer: &TaskGroup<Kind>| {
                // Ends cancelled itself, and so do the scopes below it: values that say so, and no failures.
                drop(outer.try_spawn(async move {
                    let nested =
                        TaskGroup::builder().cancel_when(cancelled()).try_scope(async |middle: &TaskGroup<Kind>| {
                            drop(middle.try_spawn(async {
                                try_scope(async |_: &TaskGroup<Kind>| pending::<Result<(), Kind>>().await)
                                    .await
                                    .map_err(|_| Kind::Garbled(0))
                            }));
                            pending::<Result<(), Kind>>().await
                        });
                    match nested.await.unwrap_err().into_first() {
                        Ok(failure) => Err(failure),
                        Err(reason) => {
                            let _ = told.send(reason);
                            Ok(())
                        }
                    }
                }));
                outer.try_spawn(async { Err::<(), _>(Kind::NoRoute) }).await;
                Ok(())
            })
            .await;
        assert_eq!(failures(result), [Kind::NoRoute]);
        assert!(matches!(reason.await.unwrap(), Reason::Explicit(_)));
    });
}

#[test]
fn tg_66_whichever_fails_first_the_other_is_cleaned_up_before_the_scope_returns() {
    for fails in ["body", "child"] {
        on_both(move || async move {
            let (release, gate) = oneshot::channel();
            let census = Census::default();
            let owes = Owes::new(census.enter(), gate);
            let mut open = Polled::new(try_scope(async |group: &TaskGroup<&'static str>| {
                let mine = match fails {
                    "body" => {
                        drop(group.spawn(async move {
                            let _owes = owes;
                            pending::<()>().await;
                        }));
                        return Err("body");
                    }
                    _ => owes,
                };
                drop(group.try_spawn(async { Err::<(), _>("child") }));
                pending::<()>().await;
                drop(mine);
                Ok(())
            }));
            stays_pending(&mut open).await;
            assert_eq!(census.alive(), 1, "the release waits for the gate, and the scope for the release");
            release.send(()).unwrap();
            assert_eq!(failures(finish(&mut open).await), [fails]);
            assert_eq!(census.alive(), 0);
        });
    }
}

#[test]
fn tg_29_owner_that_caught_the_error_goes_on_undisturbed() {
    on_both(|| async {
        let value = scope(async |outer| {
            outer
                .spawn(async {
                    let failed = try_scope(async |group: &TaskGroup<Kind>| {
                        group.try_spawn(async { Err::<(), _>(Kind::NoRoute) }).await;
                        Ok(())
                    });
                    assert!(failed.await.is_err());
                    assert!(is_cancelled().is_none(), "the cancellation has stayed inside");
                    yield_now().await;
                    settled().await;
                    scope(async |group| group.spawn(async { 7 }).await).await
                })
                .await
        });
        assert_eq!(value.await, 7);
    });
}

#[test]
fn tg_82_failure_is_heard_of_once_by_the_owner_and_by_no_observer() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let sink = heard.clone();
        scope(async move |_| {
            Scope::current().observe_failures(move |failure| sink.lock().unwrap().push(failure.to_string()));
            let result = try_scope(async |group: &TaskGroup<&'static str>| {
                group.try_spawn(async { Err::<(), _>("boom") }).await;
                Ok(())
            });
            assert_eq!(failures(result.await), ["boom"]);
        })
        .await;
        assert!(heard.lock().unwrap().is_empty());
    });
}
