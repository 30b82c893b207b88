//! Two resources as one.

use std::{future::pending, time::Duration};

use bowline_concurrency::{race, scope};
use bowline_resources::{Exit, Resource, lease, with};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::{runtime::Builder, task::yield_now};

use crate::support::{Act, Door, Log, Stuck, Telling, awaits, observe, panic_of};

#[test]
fn rs_01_both_are_acquired_at_once_and_released_at_once() {
    on_both_runtimes(async || {
        let log = Log::default();
        let slow = Door::new("slow", &log).acquire(5, Act::Works).release(5, Act::Works);
        let fast = Door::new("fast", &log);
        with(slow.zip(fast), async |(slow, fast)| {
            log.add(format!("{slow:?} {fast:?}").replace(", panics: false", "").chars().take(20).collect::<String>());
            Ok::<_, Stuck>(())
        })
        .await
        .unwrap();
        let entries = log.entries();
        assert_eq!(entries[..2], ["open fast", "open slow"]);
        assert!(entries[2].starts_with("Probe { name: \"slow\""), "{entries:?}");
        assert_eq!(entries[3..], ["closing slow", "closing fast", "closed fast: completed", "closed slow: completed"]);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn rs_19_the_partner_of_a_failed_acquisition_is_waited_for_and_released() {
    for (act, expected) in [(Act::Fails, "acquire"), (Act::Panics, "acquire panics")] {
        on_both_runtimes(async || {
            let log = Log::default();
            observe(&log);
            let slow = Door::new("slow", &log).acquire(9, Act::Works).release(2, Act::Works);
            let bad = Door::new("bad", &log).acquire(1, act);
            let used = with(bad.zip(slow), async |_| awaits(0).await);
            if act == Act::Fails {
                assert_eq!(used.await, Err(Stuck(expected)));
            } else {
                assert_eq!(panic_of(used).await, expected);
            }
            assert_eq!(log.entries(), ["open slow", "closing slow", "closed slow: failed"]);
        });
    }
}

#[test]
fn rs_19_the_first_failure_is_returned_and_the_others_are_observed() {
    on_both_runtimes(async || {
        let log = Log::default();
        observe(&log);
        let late = Door::new("a", &log).acquire(3, Act::Panics);
        let used = with(late.zip(Door::new("b", &log).acquire(1, Act::Fails)), async |_| awaits(0).await);
        assert_eq!(used.await, Err(Stuck("acquire")));
        assert_eq!(log.entries(), ["observed panic of the acquisition"]);

        // A release that fails because the partner could not be acquired is a further one.
        let log = Log::default();
        observe(&log);
        let bad = Door::new("a", &log).acquire(3, Act::Fails);
        let used = with(bad.zip(Door::new("b", &log).release(1, Act::Fails)), async |_| awaits(0).await);
        assert_eq!(used.await, Err(Stuck("acquire")));
        assert_eq!(log.all("observed "), ["error of the release"]);
    });
}

#[test]
fn rs_19_both_releases_run_whatever_becomes_of_the_other() {
    on_both_runtimes(async || {
        for (first, second, seen) in [
            (Act::Fails, Act::Works, None),
            (Act::Fails, Act::Fails, Some("error of the release")),
            (Act::Fails, Act::Panics, Some("panic of the release")),
        ] {
            let log = Log::default();
            observe(&log);
            let a = Door::new("a", &log).release(1, first);
            let b = Door::new("b", &log).release(4, second);
            assert_eq!(with(a.zip(b), async |_| awaits(1).await).await, Err(Stuck("release")));
            assert_eq!(log.all("observed "), seen.into_iter().collect::<Vec<_>>());
            assert_eq!(log.values.live(), 0);
        }
        let log = Log::default();
        let a = Door::new("a", &log).release(0, Act::Panics);
        let used = with(a.zip(Door::new("b", &log).release(4, Act::Works)), async |_| awaits(1).await);
        assert_eq!(panic_of(used).await, "release panics");
        assert_eq!(log.closed(), ["b"]);
    });
}

#[test]
fn rs_15_dropped_at_any_await_point_both_are_released_once() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let a = Door::new("a", &log).acquire(2, Act::Works).release(4, Act::Works);
            let b = Door::new("b", &log).acquire(4, Act::Works).release(2, Act::Works);
            (with(a.zip(b), async |_| awaits(2).await), log)
        },
        async |log: Log| {
            assert_eq!(log.opened().len(), log.closed().len(), "{:?}", log.entries());
            assert_eq!(log.values.live(), 0);
        },
    )
    .at_least(8);
}

#[test]
fn rs_19_dropped_at_any_await_point_of_a_failing_acquisition_the_partner_is_released_once() {
    for act in [Act::Fails, Act::Panics] {
        assert_cancel_safe(
            async || {
                let log = Log::default();
                observe(&log);
                let a = Door::new("a", &log).acquire(4, Act::Works).release(3, Act::Works);
                let used = with(a.zip(Door::new("b", &log).acquire(2, act)), async |_| awaits(2).await);
                (
                    async {
                        if act == Act::Panics {
                            drop(panic_of(used).await)
                        } else {
                            used.await.unwrap_err();
                        }
                    },
                    log,
                )
            },
            async |log: Log| log.assert_balanced(),
        )
        .at_least(6);
    }
}

/// The partner hangs, and is given up after the caller has gone.
#[test]
fn rs_19_what_was_acquired_is_released_although_the_partners_acquisition_is_overdue() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let both = Door::new("a", &log).zip(Door::new("hangs", &log).acquire(0, Act::Hangs));
            let mut used = Polled::new(with(both, async |_| awaits(0).await));
            used.assert_pending();
            yield_now().await;
            used.assert_pending();
            assert_eq!(log.opened(), ["a"]);
        })
        .await;
        log.assert_balanced();
        assert_eq!(log.all("closed "), ["a: dropped"]);
        assert_eq!(log.all("observed "), ["overdue of the acquisition"]);
    });
}

#[test]
fn rs_20_the_loser_of_a_race_of_acquisitions_is_released_and_the_winner_kept() {
    on_both_runtimes(async || {
        let log = Log::default();
        let winner = race([
            lease(Door::new("slow", &log).acquire(5, Act::Works).release(3, Act::Works)),
            lease(Door::new("fast", &log)),
        ])
        .await
        .unwrap();
        // Its acquisition was finished, and what it gave is gone, when the race returns.
        assert_eq!(
            log.entries(),
            ["open fast", "open slow", "closing slow", "closed slow: its result is not needed any more"]
        );
        winner.release().await.unwrap();
        assert_eq!(log.closed(), ["slow", "fast"]);
    });
}

#[test]
fn the_longer_deadline_holds_for_both() {
    let log = Log::default();
    let a = || Door::new("a", &log).with_release_within(Duration::from_secs(3));
    let b = || Door::new("b", &log).with_release_within(Duration::from_secs(5));
    assert_eq!(a().zip(b()).release_within(), Duration::from_secs(5));
    assert_eq!(b().zip(a()).release_within(), Duration::from_secs(5));
}

#[test]
fn rs_15_the_member_whose_release_is_cut_is_abandoned_and_no_other() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            drop(lease(Telling::new("a", &log, Act::Hangs).zip(Telling::new("b", &log, Act::Works))).await.unwrap());
        })
        .await;
        assert_eq!(log.entries(), ["released b", "abandoned a without a value", "observed overdue of the release"]);

        let log = Log::default();
        let both = Telling::new("a", &log, Act::Works).zip(Telling::new("b", &log, Act::Panics));
        panic_of(with(both, async |_| awaits(0).await)).await;
        assert_eq!(log.entries(), ["abandoned b without a value", "released a"]);
    });
}

#[test]
fn rs_15_a_runtime_that_has_ended_abandons_both_with_their_values() {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let both = Telling::new("a", &log, Act::Works).zip(Telling::new("b", &log, Act::Works));
    let held = runtime.block_on(lease(both)).unwrap();
    drop(runtime);
    drop(held);
    assert_eq!(log.entries(), ["abandoned a with 7", "abandoned b with 7"]);
}

#[test]
fn rs_15_a_runtime_that_ends_while_the_partner_is_acquired_abandons_with_the_value() {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let both = Telling::new("a", &log, Act::Works).zip(Door::new("b", &log).acquire(0, Act::Hangs));
        Polled::new(lease(both)).assert_pending();
        yield_now().await;
    });
    drop(runtime);
    assert_eq!(log.entries(), ["abandoned a with 7"]);
}

#[test]
fn an_abandonment_that_panics_does_not_cost_the_partner_its_own() {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let both = Telling::new("a", &log, Act::Works).panicking().zip(Telling::new("b", &log, Act::Works));
    let held = runtime.block_on(lease(both)).unwrap();
    drop(runtime);
    drop(held);
    assert_eq!(log.entries(), ["abandoned a with 7", "abandoned b with 7"]);
}

/// A resource that is used by hand: an acquisition that was dropped half-way goes on where it was.
#[test]
fn an_acquisition_that_is_dropped_by_hand_keeps_what_it_has() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            let mut both = Door::new("a", &log).zip(Door::new("b", &log).acquire(3, Act::Works));
            {
                let mut acquiring = Polled::new(both.acquire());
                acquiring.assert_pending();
                yield_now().await;
                acquiring.assert_pending();
                assert_eq!(log.opened(), ["a"]);
            }
            let values = both.acquire().await.unwrap();
            assert_eq!(log.opened(), ["a", "b"]);
            both.release(values, Exit::Completed).await.unwrap();
            Polled::new(both.acquire()).assert_pending();
        })
        .await;
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn three_are_zipped_and_dropped_in_the_body() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let three = Door::new("a", &log).zip(Door::new("b", &log)).zip(Door::new("c", &log));
            let mut used = Polled::new(with(three, async |((_, _), _)| pending::<Result<(), Stuck>>().await));
            while log.opened().len() < 3 {
                used.assert_pending();
                yield_now().await;
            }
            used.assert_pending();
        })
        .await;
        let mut closed = log.all("closed ");
        closed.sort();
        assert_eq!(closed, ["a: dropped", "b: dropped", "c: dropped"]);
        assert_eq!(log.values.live(), 0);
    });
}
