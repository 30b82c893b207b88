//! A lease as a guard, and a resource of two closures.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use bowline_concurrency::{scope, timeout};
use bowline_resources::{Exit, Lease, lease, resource, with};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::task::yield_now;

use crate::support::{Act, BUDGET, Door, Log, Stuck, name, observe, panic_of};

#[test]
fn rs_01_a_lease_gives_its_value_and_is_released_at_its_end() {
    on_both_runtimes(async || {
        let log = Log::default();
        let held = lease(Door::new("a", &log)).await.unwrap();
        assert_eq!(format!("{held:?}"), format!("Lease({:?})", *held));
        assert_eq!(log.entries(), ["open a"]);
        assert_eq!(held.release().await, Ok(()));
        assert_eq!(log.entries()[1..], ["closing a", "closed a: completed"]);
        log.assert_balanced();
    });
}

#[test]
fn rs_06_a_lease_that_cannot_be_acquired_releases_nothing() {
    on_both_runtimes(async || {
        let log = Log::default();
        let refused = lease(Door::new("a", &log).acquire(2, Act::Fails)).await;
        assert_eq!(refused.err(), Some(Stuck("acquire")));
        assert!(log.entries().is_empty());
    });
}

#[test]
fn rs_07_a_lease_tells_its_releases_error_and_its_panic() {
    on_both_runtimes(async || {
        let log = Log::default();
        let held = lease(Door::new("a", &log).release(2, Act::Fails)).await.unwrap();
        assert_eq!(held.release_as(Exit::Failed).await, Err(Stuck("release")));
        assert_eq!(log.entries().last().unwrap(), "closed a: failed");
        let held = lease(Door::new("b", &log).release(2, Act::Panics)).await.unwrap();
        assert_eq!(panic_of(held.release()).await, "release panics");
    });
}

#[test]
fn rs_15_the_scope_waits_for_a_lease_that_is_dropped() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| drop(lease(Door::new("a", &log).release(9, Act::Works)).await.unwrap())).await;
        assert_eq!(log.entries()[1..], ["closing a", "closed a: dropped"]);
    });
}

#[test]
fn rs_15_a_deadline_waits_for_the_leases_of_its_work() {
    on_current_thread(async || {
        let log = Log::default();
        let work = async {
            let _held = lease(Door::new("a", &log)).await.unwrap();
            std::future::pending::<()>().await;
        };
        timeout(Duration::from_secs(1), work).named("limit").await.unwrap_err();
        assert_eq!(log.entries()[1..], ["closing a", "closed a: deadline limit"]);
    });
}

#[test]
fn a_lease_in_code_that_panics_is_released_as_panicked() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let held = lease(Door::new("a", &log)).await.unwrap();
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _held = held;
                panic!("the code panics");
            }));
            assert!(panicked.is_err());
        })
        .await;
        assert_eq!(log.entries().last().unwrap(), "closed a: panicked");
    });
}

#[test]
fn a_body_that_is_dropped_by_a_panic_around_it_was_cancelled() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let mut used = Polled::new(with(Door::new("a", &log).acquire(0, Act::Works), async |_| {
                std::future::pending::<Result<(), Stuck>>().await
            }));
            used.assert_pending();
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _used = used;
                panic!("the code around panics");
            }));
            assert!(panicked.is_err());
        })
        .await;
        assert_eq!(log.entries().last().unwrap(), "closed a: dropped");
    });
}

#[test]
fn rs_15_a_lease_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let mine = log.clone();
            let work = async move {
                let held = lease(Door::new("a", &mine).acquire(3, Act::Works).release(3, Act::Works)).await?;
                yield_now().await;
                held.release().await
            };
            (work, log)
        },
        async |log: Log| {
            log.assert_balanced();
            assert!(log.closed().len() <= 1);
        },
    );
    visited.at_least(7);
}

#[test]
fn a_release_that_was_asked_for_and_not_polled_is_done_with_its_exit() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| drop(lease(Door::new("a", &log)).await.unwrap().release())).await;
        assert_eq!(log.entries().last().unwrap(), "closed a: completed");
    });
}

#[test]
fn the_last_owner_of_a_shared_lease_releases_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |group| {
            let shared = Arc::new(lease(Door::new("a", &log)).await.unwrap());
            for _ in 0..10 {
                let shared = Arc::clone(&shared);
                drop(group.spawn(async move {
                    yield_now().await;
                    drop(shared);
                }));
            }
        })
        .await;
        log.assert_balanced();
        assert_eq!(log.closed(), ["a"]);
    });
}

/// Writes down how it ended.
fn noted(log: &Log) -> impl bowline_resources::Resource<Value = u32, Error = Stuck> + Clone + use<> {
    let (opened, closed) = (log.clone(), log.clone());
    resource(
        async move || {
            yield_now().await;
            opened.add("open");
            Ok(7)
        },
        async move |value: u32, exit: Exit| {
            yield_now().await;
            closed.add(format!("close {value}: {}", name(&exit)));
            Ok(())
        },
    )
    .release_within(BUDGET)
}

#[test]
fn rs_16_a_resource_of_two_closures_is_told_how_it_ended() {
    on_both_runtimes(async || {
        let log = Log::default();
        let doubled = with(noted(&log), async |value| Ok::<_, Stuck>(*value * 2)).await;
        assert_eq!(doubled, Ok(14));
        let failed = with(noted(&log), async |_| Err::<(), _>(Stuck("body"))).await;
        assert_eq!(failed, Err(Stuck("body")));
        scope(async |_| Polled::new(with(noted(&log), async |_| Ok::<_, Stuck>(()))).assert_pending()).await;
        let mut expected = vec!["open", "close 7: completed", "open", "close 7: failed"];
        expected.extend(["open", "close 7: dropped"]);
        assert_eq!(log.entries(), expected);
    });
}

#[test]
fn clones_of_a_resource_of_closures_are_acquired_each() {
    on_both_runtimes(async || {
        let log = Log::default();
        let one = noted(&log);
        let (a, b): (Lease<_>, Lease<_>) = (lease(one.clone()).await.unwrap(), lease(one).await.unwrap());
        assert_eq!(*a + *b, 14);
        a.release().await.unwrap();
        b.release().await.unwrap();
        assert_eq!(log.all("close ").len(), 2);
    });
}

#[test]
fn the_deadline_of_a_resource_of_closures_holds() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let hangs = resource(async || Ok::<_, Stuck>(()), async |(), _: Exit| std::future::pending().await);
            drop(lease(hangs.release_within(Duration::from_secs(3))).await.unwrap());
        })
        .await;
        assert_eq!(log.entries(), ["observed overdue of the release"]);
    });
}
