//! Children that are started: ready before their caller goes on.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    Failure, Ready, Reason, Scope, ScopeError, StartError, TaskGroup, cancelled, scope, timeout, try_scope,
};
use bowline_testing::Polled;
use tokio::{runtime::Builder, sync::oneshot, task::yield_now};

use crate::{
    support::{Census, Owes, SlowDrop, ends, finish, on_both, on_drop, stays_pending},
    world::World,
};

/// No test waits for it.
const GRACE: Duration = Duration::from_secs(3600);
/// Passes in real time, in tests that do not depend on how long it is.
const SOON: Duration = Duration::from_millis(2);

#[test]
fn tg_47_start_gives_the_value_and_the_child_stays_in_the_group() {
    on_both(|| async {
        let census = Census::default();
        let here = census.enter();
        scope(async |group| {
            let (end, gate) = oneshot::channel::<()>();
            let start = group.named("server").start(|ready| async move {
                let _here = here;
                yield_now().await;
                ready.signal(4711);
                gate.await.is_ok()
            });
            let (port, server) = start.await.unwrap();
            assert_eq!((port, server.name()), (4711, Some("server")));
            assert!(!server.is_finished());
            end.send(()).unwrap();
            assert!(server.await);
            let (value, server) = group.start(|ready| async { ready.signal("ready and done") }).await.unwrap();
            assert_eq!(value, "ready and done");
            server.await;
            let (_, server) = group.start(|ready| async { ready.signal(0) }).await.unwrap();
            drop(server); // The scope waits for it all the same.
        })
        .await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_49_error_after_the_child_was_ready_fails_the_group() {
    on_both(|| async {
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let (fail, gate) = oneshot::channel::<()>();
            let start = group.named("server").try_start(|ready| async move {
                ready.signal(());
                let _ = gate.await;
                Err::<(), _>("lost its socket")
            });
            let ((), server) = start.await.unwrap();
            fail.send(()).unwrap();
            server.await;
            Ok(())
        })
        .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("it failed") };
        assert_eq!(errors.named().collect::<Vec<_>>(), [(Some("server"), &"lost its socket")]);
    });
}

#[test]
fn tg_49_error_before_the_child_is_ready_is_the_callers_alone() {
    on_both(|| async {
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let sibling = group.spawn(yield_now());
            let start = group.try_start(|ready: Ready<u8>| async move {
                let _ready = ready;
                yield_now().await;
                Err::<(), _>("address in use")
            });
            let error = start.await.unwrap_err();
            assert_eq!(error.to_string(), "address in use");
            assert!(matches!(error, StartError::Failed("address in use")));
            assert!(group.cancellation().is_none());
            sibling.await;
            Ok(1)
        })
        .await;
        assert_eq!(result.unwrap(), 1);
    });
}

#[test]
fn tg_50_child_that_ends_without_a_signal_is_a_distinct_error_with_what_it_returned() {
    on_both(|| async {
        scope(async |group| {
            let error = group.start(|ready: Ready<u8>| async move { drop(ready) }).await.unwrap_err();
            assert!(error.to_string().contains("ended before it was ready"), "{error}");
            let error = group.start(|_: Ready<u8>| async { 7 }).await.unwrap_err();
            assert!(matches!(error, StartError::Ended(7)));
        })
        .await;
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let error = group.try_start(|_: Ready<u8>| async { Ok(7) }).await.unwrap_err();
            assert!(matches!(error, StartError::Ended(7)));
            Ok(())
        });
        result.await.unwrap();
    });
}

#[test]
fn tg_52_signal_after_the_caller_has_gone_is_a_no_op() {
    on_both(|| async {
        let census = Census::default();
        scope(async |group| {
            let (give, given) = oneshot::channel();
            let start = group.start(|ready| async move {
                let _ = give.send(ready);
                pending::<()>().await
            });
            let ready = given.await.unwrap();
            drop(start);
            ready.signal(census.enter());
            assert_eq!(census.alive(), 0);
            // Nor does anything happen after the child's end.
            let (give, given) = oneshot::channel();
            let start = group.start(|ready| async move { give.send(ready).is_ok() });
            let ready = given.await.unwrap();
            assert!(matches!(start.await, Err(StartError::Ended(true))));
            ready.signal(census.enter());
            assert_eq!(census.alive(), 0);
        })
        .await;
    });
}

#[test]
fn tg_52_child_that_is_ready_is_cancelled_too_if_its_caller_goes_without_it() {
    on_both(|| async {
        let census = Census::default();
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let (here, (tell, told)) = (census.enter(), oneshot::channel());
            let value = census.enter();
            let start = group.try_start(|ready| async move {
                let _here = here;
                ready.signal(value);
                let _ = tell.send(());
                pending::<Result<(), _>>().await
            });
            told.await.unwrap();
            assert_eq!(census.alive(), 2);
            drop(start);
            bowline_concurrency::settled().await; // It is handed off to us.
            assert_eq!(census.alive(), 0);
            Ok(())
        });
        result.await.unwrap();
    });
}

#[test]
fn tg_55_timeout_around_a_start_waits_for_the_child_and_for_what_it_leaves_behind_and_the_group_goes_on() {
    on_both(|| async {
        let world = World::default();
        scope(async |group| {
            let sibling = group.spawn(world.clone().work());
            for _ in 0..10 {
                let below = world.clone();
                let start = group.start(|ready: Ready<()>| async move {
                    let _here = (SlowDrop::new(below.enter()), below.lease(), ready);
                    let nested = below.clone();
                    scope(async |group| group.spawn(nested.endless()).await).await;
                });
                assert!(timeout(SOON, start).await.is_err());
                if sibling.is_finished() {
                    world.assert_clean();
                }
            }
            assert!(group.cancellation().is_none());
            assert_eq!(sibling.await, 1);
        })
        .await;
        world.assert_clean();
        assert!(world.leases() > 1);
    });
}

#[test]
fn tg_55_release_that_the_child_owes_is_waited_for_by_the_timeout_not_only_by_the_group() {
    on_both(|| async {
        let census = Census::default();
        scope(async |group| {
            let (open, gate) = oneshot::channel();
            let (tell, told) = oneshot::channel();
            let owes = Owes::new(census.enter(), gate);
            let mut around = Polled::new(scope(async |_| {
                let start = group.start(|ready: Ready<()>| async move {
                    let _here = (owes, ready);
                    let _ = tell.send(());
                    pending::<()>().await
                });
                told.await.unwrap();
                drop(start);
            }));
            stays_pending(&mut around).await;
            assert_eq!(census.alive(), 1);
            open.send(()).unwrap();
            finish(&mut around).await;
            assert_eq!(census.alive(), 0);
        })
        .await;
    });
}

#[test]
fn tg_54_start_into_a_cancelled_group_is_refused_and_the_child_never_runs() {
    on_both(|| async {
        let (census, ran) = (Census::default(), Arc::new(AtomicBool::new(false)));
        let result: Result<(), _> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group: &TaskGroup<&str>| {
                group.cancel("enough");
                cancelled().await;
                let (here, ran) = (census.enter(), ran.clone());
                let start = group.start(|ready| async move {
                    let _here = here;
                    ran.store(true, SeqCst);
                    ready.signal(1);
                });
                assert_eq!(census.alive(), 0, "it is dropped where it was made");
                let error = start.await.unwrap_err();
                assert_eq!(error.to_string(), "cancelled before it was ready: enough");
                assert!(matches!(error, StartError::Cancelled(Reason::Explicit(_))));
                Err("cancelled")
            })
            .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "cancelled");
        assert!(!ran.load(SeqCst));
    });
}

#[test]
fn tg_54_group_that_is_cancelled_meanwhile_ends_the_wait() {
    on_both(|| async {
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let start = group.start(|_: Ready<()>| async { pending::<()>().await });
            let (fail, gate) = oneshot::channel::<()>();
            drop(group.try_spawn(async move {
                let _ = gate.await;
                Err::<(), _>("boom")
            }));
            fail.send(()).unwrap();
            drop(start.await);
            unreachable!("the body does not go on after a failure")
        });
        let result: Result<(), _> = result.await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "boom");
        // With a grace, a body that has asked goes on and hears of it.
        let result: Result<(), _> = TaskGroup::builder()
            .grace(GRACE)
            .try_scope(async |group: &TaskGroup<&str>| {
                assert!(bowline_concurrency::is_cancelled().is_none());
                let start = group.start(|ready: Ready<()>| async move {
                    cancelled().await;
                    drop(ready);
                });
                let spawner = group.spawner();
                drop(group.spawn(async move { spawner.cancel("enough") }));
                assert!(matches!(start.await, Err(StartError::Ended(()))));
                Err("over")
            })
            .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "over");
    });
}

#[test]
fn panic_of_a_child_fails_the_group_before_and_after_it_is_ready() {
    on_both(|| async {
        for is_ready in [false, true] {
            let census = Census::default();
            let (here, sibling) = (census.enter(), census.enter());
            let failed = tokio::spawn(scope(async move |group| {
                drop(group.spawn(async move {
                    let _sibling = sibling;
                    pending::<()>().await;
                }));
                let start = group.start(|ready| async move {
                    let _here = here;
                    if is_ready {
                        ready.signal(());
                    }
                    yield_now().await;
                    panic!("in the child")
                });
                let ((), server) = start.await.unwrap();
                server.await
            }));
            assert_eq!(failed.await.unwrap_err().into_panic().downcast_ref(), Some(&"in the child"));
            assert_eq!(census.alive(), 0, "settled first");
        }
    });
}

#[test]
fn panic_of_the_destructors_of_a_child_that_is_given_up_fails_the_group() {
    on_both(|| async {
        let failed = tokio::spawn(scope(async |group| {
            let bad = on_drop(|| panic!("in a destructor"));
            let start = group.start(|ready: Ready<()>| async move {
                let _here = (ready, bad);
                pending::<()>().await;
            });
            drop(start);
        }));
        assert_eq!(failed.await.unwrap_err().into_panic().downcast_ref(), Some(&"in a destructor"));
    });
}

#[test]
fn error_of_a_child_whose_caller_has_gone_goes_to_the_observer() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        let result = TaskGroup::builder().name("pages").try_scope(async |group: &TaskGroup<&str>| {
            Scope::current().observe_failures(move |failure: &Failure| list.lock().unwrap().push(failure.to_string()));
            // It has failed before its caller goes.
            let (tell, told) = oneshot::channel::<()>();
            let start = group.named("server").try_start(|ready: Ready<()>| async move {
                let _here = (ready, on_drop(|| drop(tell)));
                Err::<(), _>("no address")
            });
            assert!(told.await.is_err());
            drop(start);
            Ok(())
        });
        result.await.unwrap();
        assert_eq!(*heard.lock().unwrap(), [r#"server in pages failed: "no address""#]);
    });
}

#[test]
fn start_on_a_runtime_that_goes_neither_hangs_nor_is_ready() {
    ends("a start", || {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let census = Census::default();
        let here = census.enter();
        let mut open = Polled::new(try_scope(async move |group: &TaskGroup<&str>| -> Result<(), _> {
            let start = group.try_start(|ready: Ready<()>| async move {
                let _here = (here, ready);
                pending::<Result<(), _>>().await
            });
            drop(start.await);
            unreachable!("the body is dropped")
        }));
        {
            let _entered = runtime.enter();
            open.assert_pending();
        }
        drop(runtime);
        assert_eq!(census.alive(), 0);
        let result = open.assert_ready();
        assert!(matches!(result, Err(ScopeError::Cancelled(Reason::RuntimeGone))), "{result:?}");
    });
}

#[test]
fn many_starts_that_are_given_up_are_forgotten() {
    on_both(|| async {
        let census = Census::default();
        scope(async |group| {
            for round in 0..2_000 {
                let here = census.enter();
                let start = group.start(|ready: Ready<u32>| async move {
                    let _here = here;
                    match round % 3 {
                        0 => drop(ready),
                        1 => ready.signal(round),
                        _ => pending().await,
                    }
                });
                if round % 2 == 0 {
                    yield_now().await;
                }
                drop(start);
            }
            bowline_concurrency::settled().await;
        })
        .await;
        assert_eq!(census.alive(), 0);
    });
}
