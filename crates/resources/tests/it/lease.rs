//! Releases whose caller has gone: on time, too late, on other threads, and without a runtime.

use std::{future::pending, sync::Arc, task::Poll, thread, time::Duration};

use bowline_concurrency::{lost_releases, scope, timeout};
use bowline_resources::{Exit, Resource, lease, with};
use bowline_testing::{Polled, on_both_runtimes, on_current_thread, on_multi_thread, poll_once};
use tokio::{runtime::Builder, sync::Semaphore, task::yield_now, time::Instant};

use crate::support::{Act, BUDGET, Door, Log, Stuck, awaits, observe};

/// A use that never ends.
async fn endless(door: Door) -> Result<(), Stuck> {
    with(door, async |_| pending().await).await
}

#[test]
fn rs_15_a_release_that_hangs_after_its_caller_has_gone_is_given_up_and_reported() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        scope(async |_| {
            observe(&log);
            let mut used = Polled::new(endless(Door::new("a", &log).acquire(0, Act::Works).release(1, Act::Hangs)));
            used.assert_pending();
        })
        .await;
        assert_eq!(start.elapsed().as_secs(), BUDGET.as_secs());
        assert_eq!(log.entries(), ["open a", "closing a", "observed overdue of the release"]);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn a_release_that_hangs_from_before_its_caller_went_is_given_up_too() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let door = Door::new("a", &log).acquire(0, Act::Works).release(0, Act::Hangs);
            Polled::new(with(door, async |_| awaits(0).await)).assert_pending();
        })
        .await;
        assert_eq!(log.entries(), ["open a", "closing a", "observed overdue of the release"]);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn an_acquisition_that_hangs_is_given_up_after_its_caller_has_gone() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            Polled::new(endless(Door::new("a", &log).acquire(0, Act::Hangs))).assert_pending();
        })
        .await;
        assert_eq!(log.entries(), ["observed overdue of the acquisition"]);
    });
}

/// A hanging inner release does not keep the outer one from being released.
#[test]
fn an_outer_release_follows_an_inner_one_that_was_given_up() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let outer = Door::new("outer", &log).acquire(0, Act::Works);
            let inner = Door::new("inner", &log).acquire(0, Act::Works).release(0, Act::Hangs);
            Polled::new(with(outer, async |_| endless(inner).await)).assert_pending();
        })
        .await;
        let expected = ["closing inner", "observed overdue of the release", "closing outer", "closed outer: dropped"];
        assert_eq!(log.entries()[2..], expected);
    });
}

#[test]
fn a_timeout_names_the_release_that_it_could_not_wait_for() {
    on_current_thread(async || {
        let log = Log::default();
        observe(&log);
        let used = endless(Door::new("a", &log).release(0, Act::Hangs));
        let elapsed = timeout(Duration::from_secs(1), used).settle_within(Duration::ZERO).await.unwrap_err();
        let [straggler] = elapsed.stragglers() else { panic!("one is left: {elapsed}") };
        assert!(straggler.starts_with("the release of it::support::Door"), "{straggler}");
    });
}

#[test]
fn a_failed_release_whose_caller_has_gone_is_observed() {
    for (act, expected) in [(Act::Fails, "error of the release"), (Act::Panics, "panic of the release")] {
        on_both_runtimes(async || {
            let log = Log::default();
            scope(async |_| {
                observe(&log);
                let mut used = Polled::new(endless(Door::new("a", &log).acquire(0, Act::Works).release(1, act)));
                used.assert_pending();
            })
            .await;
            assert_eq!(log.all("observed "), [expected]);
            assert_eq!(log.values.live(), 0);
        });
    }
}

#[test]
fn a_release_that_fails_after_its_caller_went_half_way_is_observed() {
    for (act, expected) in [(Act::Fails, "error of the release"), (Act::Panics, "panic of the release")] {
        on_both_runtimes(async || {
            let log = Log::default();
            scope(async |_| {
                observe(&log);
                let door = Door::new("a", &log).acquire(0, Act::Works).release(2, act);
                Polled::new(with(door, async |_| awaits(0).await)).assert_pending();
                assert_eq!(log.entries()[..2], ["open a", "closing a"]);
            })
            .await;
            assert_eq!(log.all("observed "), [expected]);
        });
    }
}

#[test]
fn a_runtime_that_is_dropped_with_a_live_lease_counts_the_lost_release() {
    for multi in [false, true] {
        let (log, before) = (Log::default(), lost_releases());
        let mut builder = if multi { Builder::new_multi_thread() } else { Builder::new_current_thread() };
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let in_task = log.clone();
            tokio::spawn(async move {
                scope(async |_| {
                    observe(&in_task);
                    endless(Door::new("a", &in_task)).await
                })
                .await
            });
            while log.opened().is_empty() {
                yield_now().await;
            }
        });
        drop(runtime);
        assert!(lost_releases() > before);
        assert_eq!(log.entries(), ["open a", "observed lost of the release"]);
        assert_eq!(log.values.live(), 0, "the destructor of the value is what is left");
    }
}

#[test]
fn a_lease_that_is_dropped_after_its_runtime_is_lost_without_a_panic() {
    let (log, before) = (Log::default(), lost_releases());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut used = Box::pin(scope(async |_| {
        observe(&log);
        endless(Door::new("a", &log).acquire(0, Act::Works)).await
    }));
    runtime.block_on(async { assert!(poll_once(used.as_mut()).is_pending()) });
    drop(runtime);
    drop(used);
    assert!(lost_releases() > before);
    assert_eq!(log.entries(), ["open a", "observed lost of the release"]);
    assert_eq!(log.values.live(), 0);
}

/// Rings when it is released, and on which runtime.
struct Bell(Arc<Semaphore>);

impl Resource for Bell {
    type Value = ();
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<(), Stuck> {
        Ok(())
    }

    async fn release(&mut self, (): (), _exit: Exit) -> Result<(), Stuck> {
        tokio::time::sleep(Duration::from_millis(1)).await; // Panics outside a runtime.
        self.0.add_permits(1);
        Ok(())
    }
}

#[test]
fn a_lease_that_is_dropped_on_a_plain_thread_is_released_on_its_runtime() {
    on_both_runtimes(async || {
        let bell = Arc::new(Semaphore::new(0));
        let mut used = Box::pin(with(Bell(bell.clone()), async |()| pending::<Result<(), Stuck>>().await));
        assert!(poll_once(used.as_mut()).is_pending());
        thread::spawn(move || drop(used)).join().unwrap();
        bell.acquire().await.unwrap().forget();
    });
}

#[test]
fn a_use_dropped_outside_every_scope_is_waited_for_where_it_began() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let mut used = Box::pin(endless(Door::new("a", &log).acquire(0, Act::Works).release(3, Act::Works)));
            assert!(poll_once(used.as_mut()).is_pending());
            thread::spawn(move || drop(used)).join().unwrap();
        })
        .await;
        log.assert_balanced();
    });
}

/// No scope is current there: the scope of the body must not wait for the release that waits for it.
#[test]
fn rs_24_uses_dropped_outside_every_scope_are_released_from_the_inside() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let door = |name| Door::new(name, &log).acquire(0, Act::Works).release(3, Act::Works);
            let (outer, inner) = (door("outer"), door("inner"));
            let mut used = Polled::new(Box::pin(with(outer, async move |_| endless(inner).await)));
            used.assert_pending();
            thread::spawn(move || drop(used)).join().unwrap();
        })
        .await;
        log.assert_balanced();
        assert_eq!(log.closed(), ["inner", "outer"]);
    });
}

#[test]
fn a_use_that_never_ran_acquires_nothing() {
    let log = Log::default();
    drop(endless(Door::new("a", &log)));
    assert!(log.entries().is_empty());
}

/// Nothing can be awaited after it has gone; `abandon` has the last word.
#[test]
fn a_use_outside_a_runtime_that_is_dropped_is_abandoned_and_reported() {
    let log = Log::default();
    observe(&log);
    let door = |name| Door::new(name, &log).acquire(0, Act::Works).release(0, Act::Works);
    let mut used = Box::pin(endless(door("a")));
    assert!(poll_once(used.as_mut()).is_pending());
    drop(used);
    assert_eq!(log.entries(), ["open a", "observed error of the release"]);
    assert_eq!(log.values.live(), 0);
    // One that goes to its end needs no runtime.
    let mut used = Box::pin(with(door("b"), async |_| Ok(())));
    assert_eq!(poll_once(used.as_mut()), Poll::Ready(Ok::<_, Stuck>(())));
}

#[test]
#[should_panic(expected = "no reactor running")]
fn outside_a_runtime_there_is_no_lease() {
    let _ = poll_once(Box::pin(lease(Door::new("a", &Log::default()).acquire(0, Act::Works))).as_mut());
}

#[test]
fn a_hundred_thousand_leases_that_are_dropped_at_once_are_all_released() {
    const MANY: usize = 100_000;
    on_multi_thread(async || {
        let bell = Arc::new(Semaphore::new(0));
        scope(async |_| {
            let mut used: Vec<_> = (0..MANY)
                .map(|_| Box::pin(with(Bell(bell.clone()), async |()| pending::<Result<(), Stuck>>().await)))
                .collect();
            for used in &mut used {
                assert!(poll_once(used.as_mut()).is_pending());
            }
        })
        .await;
        assert_eq!(bell.available_permits(), MANY);
    });
}

/// The scope that a release is waited for is that of its drop, not that of its acquisition.
#[test]
fn a_lease_that_moves_to_another_scope_is_waited_for_there() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut used = Box::pin(endless(Door::new("a", &log).acquire(0, Act::Works).release(3, Act::Works)));
        scope(async |_| assert!(poll_once(used.as_mut()).is_pending())).await;
        assert!(log.closed().is_empty(), "a live lease is not waited for");
        scope(async |_| drop(used)).await;
        assert_eq!(log.closed(), ["a"]);
    });
}
