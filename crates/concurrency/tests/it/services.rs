//! Services: cancelled last, and never before.

use std::{
    future::pending,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{Failure, Reason, Scope, ScopeError, TaskGroup, cancelled, hand_off, scope, try_scope};
use bowline_testing::Polled;
use tokio::{runtime::Handle, sync::oneshot, task::yield_now, time::Instant};

use crate::support::{Alive, Census, Owes, SlowDrop, finish, on_both, on_drop, paused, stays_pending};

/// No test waits for it.
const GRACE: Duration = Duration::from_secs(3600);

/// Drops a census entry, and notes that the others were gone by then.
struct Last {
    others: Census,
    alone: Arc<AtomicBool>,
    _here: Option<Alive>,
}

impl Drop for Last {
    fn drop(&mut self) {
        self.alone.store(self.others.alive() == 0, SeqCst);
    }
}

#[test]
fn tg_89_service_is_cancelled_when_the_body_and_all_children_have_ended_and_never_before() {
    on_both(|| async {
        let reason = Arc::new(Mutex::new(None));
        let (end, gate) = oneshot::channel::<()>();
        let seen = reason.clone();
        let body = async move |group: &TaskGroup| {
            let note = seen.clone();
            group.spawn_service("heartbeat", async move {
                let reason = cancelled().await;
                *note.lock().unwrap() = Some(reason);
                yield_now().await; // It may take its time.
                *note.lock().unwrap() = Some(Reason::Shutdown);
            });
            drop(group.spawn(async move { gate.await.is_ok() }));
        };
        let mut open = Polled::new(TaskGroup::builder().grace(GRACE).scope(body));
        stays_pending(&mut open).await; // The body has ended, the child has not.
        assert!(reason.lock().unwrap().is_none());
        end.send(()).unwrap();
        finish(&mut open).await;
        assert!(matches!(*reason.lock().unwrap(), Some(Reason::Shutdown)), "it was waited for");
    });
}

#[test]
fn tg_89_service_without_a_grace_is_dropped_last_and_waited_for() {
    on_both(|| async {
        for _ in 0..20 {
            let (children, services) = (Census::default(), Census::default());
            let alone = Arc::new(AtomicBool::new(false));
            scope(async |group| {
                let here = services.enter();
                let last = Last { others: children.clone(), alone: alone.clone(), _here: Some(here) };
                let slow = SlowDrop::new(services.enter());
                group.spawn_service("heartbeat", async move {
                    let _here = (last, slow);
                    pending::<()>().await;
                });
                for _ in 0..5 {
                    let here = SlowDrop::new(children.enter());
                    drop(group.spawn(async move {
                        let _here = here;
                        yield_now().await;
                    }));
                }
            })
            .await;
            assert!(alone.load(SeqCst));
            assert_eq!(services.alive(), 0);
        }
    });
}

#[test]
fn tg_89_service_learns_why_it_ends_and_may_end_earlier() {
    on_both(|| async {
        let (tell, told) = oneshot::channel();
        TaskGroup::builder()
            .grace(GRACE)
            .scope(async |group| {
                group.spawn_service("done at once", async {});
                group.spawn_service("heartbeat", async move { drop(tell.send(cancelled().await)) });
                group.spawn(yield_now()).await;
            })
            .await;
        assert!(matches!(told.await, Ok(Reason::ScopeEnded)));
        assert_eq!(scope(async |group| group.spawn_service("done at once", async {})).await, ());
    });
}

#[test]
fn tg_89_service_may_add_children_while_children_run() {
    on_both(|| async {
        let added = Arc::new(AtomicUsize::new(0));
        scope(async |group| {
            let (spawner, count) = (group.spawner(), added.clone());
            let (ask, asked) = oneshot::channel::<()>();
            group.spawn_service("accept", async move {
                let _ = asked.await;
                for _ in 0..3 {
                    let count = count.clone();
                    spawner
                        .spawn(async move {
                            yield_now().await;
                            count.fetch_add(1, SeqCst);
                        })
                        .unwrap();
                }
                pending().await
            });
            let (up, is_up) = (added.clone(), Arc::new(AtomicBool::new(false)));
            drop(group.spawn(async move {
                ask.send(()).unwrap();
                while up.load(SeqCst) == 0 {
                    yield_now().await;
                }
                is_up.store(true, SeqCst);
            }));
        })
        .await;
        assert_eq!(added.load(SeqCst), 3);
    });
}

#[test]
fn tg_90_services_hear_of_a_cancellation_after_the_body_and_the_children_are_gone() {
    on_both(|| async {
        for fails in [false, true] {
            let (census, (open, gate)) = (Census::default(), oneshot::channel());
            let (tell, mut told) = oneshot::channel();
            let others = census.clone();
            let body = async |group: &TaskGroup<&str>| -> Result<(), _> {
                let _here = census.enter();
                group.spawn_service("connection", async move {
                    let reason = cancelled().await;
                    let _ = tell.send((reason, others.alive()));
                });
                let owes = Owes::new(census.enter(), gate);
                drop(group.spawn(async move {
                    let _owes = owes;
                    cancelled().await;
                }));
                let spawner = group.spawner();
                drop(group.try_spawn(async move {
                    if fails {
                        return Err("boom");
                    }
                    spawner.cancel("enough");
                    Ok(())
                }));
                pending().await
            };
            let mut open_scope = Polled::new(TaskGroup::builder().grace(GRACE).try_scope(body));
            while census.alive() != 1 {
                open_scope.assert_pending();
                yield_now().await;
            }
            stays_pending(&mut open_scope).await; // A release is owed, the body is gone.
            assert!(told.try_recv().is_err(), "the service has not heard of it");
            open.send(()).unwrap();
            let result = finish(&mut open_scope).await;
            let (reason, alive) = told.try_recv().unwrap();
            assert_eq!(alive, 0);
            match fails {
                true => assert!(matches!(reason, Reason::SiblingFailed)),
                false => assert!(matches!(reason, Reason::Explicit(_))),
            }
            assert!(result.is_err());
        }
    });
}

#[test]
fn bg_20_error_of_a_service_fails_the_group_with_the_cause() {
    on_both(|| async {
        let census = Census::default();
        let result: Result<(), _> = try_scope(async |group: &TaskGroup<&str>| {
            let here = census.enter();
            drop(group.spawn(async move {
                let _here = here;
                pending::<()>().await;
            }));
            group.try_spawn_service("connection", async {
                yield_now().await;
                Err("broken pipe")
            });
            pending().await
        })
        .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("it failed") };
        assert_eq!(errors.named().collect::<Vec<_>>(), [(Some("connection"), &"broken pipe")]);
        assert_eq!(census.alive(), 0);
        // Also one from its end.
        let result = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group: &TaskGroup<&str>| {
                group.try_spawn_service("log", async {
                    cancelled().await;
                    Err("disk full")
                });
                Ok(())
            })
            .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "disk full");
    });
}

#[test]
fn bg_20_panic_of_a_service_is_resumed_at_the_owner() {
    on_both(|| async {
        for late in [false, true] {
            let census = Census::default();
            let here = census.enter();
            let failed = tokio::spawn(TaskGroup::builder().grace(GRACE).scope(async move |group| {
                group.spawn_service("log", async move {
                    if late {
                        cancelled().await;
                    }
                    panic!("in the service")
                });
                if !late {
                    let _here = here;
                    pending::<()>().await;
                }
            }));
            assert_eq!(failed.await.unwrap_err().into_panic().downcast_ref(), Some(&"in the service"));
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn bg_20_panic_of_the_destructors_of_a_service_is_resumed_at_the_owner_too() {
    on_both(|| async {
        let failed = tokio::spawn(scope(async |group| {
            let bad = on_drop(|| panic!("in a destructor"));
            group.spawn_service("log", async move {
                let _bad = bad;
                pending().await
            });
        }));
        assert_eq!(failed.await.unwrap_err().into_panic().downcast_ref(), Some(&"in a destructor"));
    });
}

#[test]
fn service_of_a_cancelled_group_never_runs() {
    on_both(|| async {
        let census = Census::default();
        let result: Result<(), _> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group: &TaskGroup<&str>| {
                group.cancel("enough");
                cancelled().await;
                let here = census.enter();
                group.spawn_service("late", async move {
                    let _here = here;
                    unreachable!("it never runs");
                });
                assert_eq!(census.alive(), 0);
                Err("over")
            })
            .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "over");
    });
}

#[test]
fn limit_of_the_group_does_not_count_services() {
    on_both(|| async {
        let ran = TaskGroup::builder()
            .limit(NonZeroUsize::MIN)
            .scope(async |group| {
                group.spawn_service("first", pending());
                group.spawn_service("second", pending());
                group.spawn(async { true }).await
            })
            .await;
        assert!(ran);
    });
}

#[test]
fn service_that_does_not_answer_is_dropped_after_the_grace() {
    paused(async {
        let (census, began) = (Census::default(), Instant::now());
        let here = census.enter();
        TaskGroup::builder()
            .grace(Duration::from_secs(2))
            .scope(async |group| {
                group.spawn_service("deaf", async move {
                    let _here = here;
                    pending::<()>().await;
                });
            })
            .await;
        assert_eq!(began.elapsed().as_secs(), 2);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn service_has_the_grace_anew_when_the_children_have_used_theirs() {
    paused(async {
        let began = Instant::now();
        let result = TaskGroup::builder()
            .grace(Duration::from_secs(2))
            .try_scope(async |group: &TaskGroup<&str>| -> Result<(), _> {
                group.spawn_service("deaf", pending());
                drop(group.spawn(async {
                    cancelled().await;
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }));
                yield_now().await;
                group.cancel("enough");
                pending().await
            })
            .await;
        assert!(result.is_err());
        assert_eq!(began.elapsed().as_secs(), 3);
    });
}

#[test]
fn service_that_settles_too_slowly_is_given_up_and_named() {
    paused(async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        scope(async |_| {
            Scope::current().observe_failures(move |failure: &Failure| list.lock().unwrap().push(failure.to_string()));
            let (open, gate) = oneshot::channel::<()>();
            let began = Instant::now();
            let result = TaskGroup::builder()
                .name("pages")
                .settle_within(Duration::from_secs(1))
                .try_scope(async |group: &TaskGroup<&str>| {
                    let owes = on_drop(move || {
                        hand_off(&Handle::current(), "goodbye", async move { drop(gate.await) });
                    });
                    group.spawn_service("connection", async move {
                        let _owes = owes;
                        pending::<()>().await;
                    });
                    group.spawn(yield_now()).await; // The service is up.
                    Ok(1)
                })
                .await;
            assert_eq!(result.unwrap(), 1);
            assert_eq!(began.elapsed().as_secs(), 1);
            open.send(()).unwrap();
        })
        .await;
        let heard = heard.lock().unwrap();
        assert!(heard.len() == 1 && heard[0].contains("goodbye"), "{heard:?}");
    });
}
