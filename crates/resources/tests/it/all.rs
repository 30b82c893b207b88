//! Any number of resources as one.

use std::time::Duration;

use bowline_concurrency::scope;
use bowline_resources::{Resource, all, lease, with};
use bowline_testing::{assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::runtime::Builder;

use crate::support::{Act, Door, Log, Stuck, Telling, awaits, observe, panic_of};

#[test]
fn rs_30_all_are_acquired_at_once_and_their_values_come_in_order() {
    on_both_runtimes(async || {
        let log = Log::default();
        let doors = [("a", 5), ("b", 1), ("c", 3)].map(|(name, n)| Door::new(name, &log).acquire(n, Act::Works));
        with(all(doors), async |values| {
            let names = format!("{values:?}").match_indices("name: \"").count();
            assert!(names == 3 && format!("{:?}", values[1]).contains("\"b\""));
            Ok::<_, Stuck>(())
        })
        .await
        .unwrap();
        assert_eq!(log.opened(), ["b", "c", "a"]);
        assert_eq!(log.all("closing "), ["a", "b", "c"]);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn rs_30_of_none_the_body_gets_nothing() {
    on_both_runtimes(async || {
        let nothing = all(Vec::<Door>::new());
        assert_eq!(nothing.release_within(), Duration::ZERO);
        assert_eq!(with(nothing, async |values| Ok::<_, Stuck>(values.len())).await, Ok(0));
    });
}

#[test]
fn rs_30_one_that_fails_has_the_others_released() {
    for act in [Act::Fails, Act::Panics] {
        on_both_runtimes(async || {
            let log = Log::default();
            observe(&log);
            let slow = Door::new("slow", &log).acquire(7, Act::Works);
            let doors = [Door::new("fast", &log), Door::new("bad", &log).acquire(3, act), slow];
            let used = with(all(doors), async |_| awaits(0).await);
            if act == Act::Fails {
                assert_eq!(used.await, Err(Stuck("acquire")));
            } else {
                assert_eq!(panic_of(used).await, "acquire panics");
            }
            assert_eq!(log.opened(), ["fast", "slow"]);
            let mut closed = log.all("closed ");
            closed.sort();
            assert_eq!(closed, ["fast: failed", "slow: failed"]);
            assert!(log.all("observed ").is_empty());
        });
    }
}

#[test]
fn rs_30_the_first_error_is_returned_and_the_others_are_observed() {
    on_both_runtimes(async || {
        let log = Log::default();
        observe(&log);
        let doors = [3, 1, 2].map(|n| Door::new("bad", &log).acquire(n, Act::Fails));
        assert_eq!(with(all(doors), async |_| awaits(0).await).await, Err(Stuck("acquire")));
        assert_eq!(log.entries(), ["observed error of the acquisition"; 2]);

        let log = Log::default();
        observe(&log);
        let doors = ["a", "b", "c"].map(|name| Door::new(name, &log).release(2, Act::Fails));
        assert_eq!(with(all(doors), async |_| awaits(0).await).await, Err(Stuck("release")));
        assert_eq!((log.closed().len(), log.all("observed ").len()), (3, 2));
    });
}

#[test]
fn rs_30_dropped_at_any_await_point_each_is_released_once() {
    for act in [Act::Works, Act::Fails, Act::Panics] {
        assert_cancel_safe(
            async || {
                let log = Log::default();
                observe(&log);
                let bad = Door::new("b", &log).acquire(2, act).release(2, Act::Works);
                let a = Door::new("a", &log).acquire(1, Act::Works).release(3, Act::Works);
                let c = Door::new("c", &log).acquire(3, Act::Works).release(1, Act::Works);
                let used = with(all([a, bad, c]), async |_| awaits(2).await);
                (async { if act == Act::Panics { drop(panic_of(used).await) } else { drop(used.await) } }, log)
            },
            async |log: Log| {
                assert_eq!(log.opened().len(), log.closed().len(), "{:?}", log.entries());
                assert_eq!(log.values.live(), 0);
            },
        )
        .at_least(5);
    }
}

#[test]
fn rs_15_members_that_are_not_released_are_abandoned() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let acts = [("a", Act::Works), ("b", Act::Hangs), ("c", Act::Works)];
            drop(lease(all(acts.map(|(name, act)| Telling::new(name, &log, act)))).await.unwrap());
        })
        .await;
        assert_eq!(log.entries()[2..], ["abandoned b without a value", "observed overdue of the release"]);
        assert_eq!(log.all("released ").len(), 2);
    });
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let held = runtime.block_on(lease(all(["a", "b"].map(|name| Telling::new(name, &log, Act::Works)))));
    drop(runtime);
    drop(held);
    assert_eq!(log.entries(), ["abandoned a with 7", "abandoned b with 7"]);
}

#[test]
fn the_longest_deadline_holds_for_all() {
    let log = Log::default();
    let each = [3, 9, 5].map(|n| Door::new("a", &log).with_release_within(Duration::from_secs(n)));
    assert_eq!(all(each).release_within(), Duration::from_secs(9));
}

#[test]
fn rs_30_ten_thousand_are_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        let doors = (0..10_000).map(|_| Door::new("a", &log));
        assert_eq!(with(all(doors), async |values| Ok::<_, Stuck>(values.len())).await, Ok(10_000));
        assert_eq!((log.closed().len(), log.values.live()), (10_000, 0));
    });
}
