//! A resource whose body sees something else, fails otherwise, or has another deadline.

use std::time::Duration;

use bowline_concurrency::scope;
use bowline_resources::{Resource, lease, with};
use bowline_testing::{Probe, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::runtime::Builder;

use crate::support::{Act, Door, Log, Stuck, Telling, awaits, observe, panic_of};

#[test]
fn rs_01_the_body_sees_what_was_made_and_the_value_is_released_after_it_is_dropped() {
    on_both_runtimes(async || {
        let log = Log::default();
        let values = log.values.clone();
        let made = Door::new("a", &log).map(move |value: &mut Probe| (format!("{value:?}"), values.probe("made")));
        with(made, async |(text, _)| {
            assert!(text.contains("\"a\""), "{text}");
            Ok::<_, Stuck>(())
        })
        .await
        .unwrap();
        assert_eq!(log.values.drops(), ["made", "a"]);
        log.assert_balanced();
    });
}

#[test]
fn rs_15_dropped_at_any_await_point_the_value_is_released_once_after_what_was_made() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let values = log.values.clone();
            let door = Door::new("a", &log).acquire(3, Act::Works).release(3, Act::Works);
            (with(door.map(move |_| values.probe("made")), async |_| awaits(2).await), log)
        },
        async |log: Log| {
            log.assert_balanced();
            assert!(log.values.drops().is_empty() || log.values.drops() == ["made", "a"]);
        },
    )
    .at_least(8);
}

#[test]
fn a_map_that_panics_has_the_value_released() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            observe(&log);
            let door = Door::new("a", &log).release(3, Act::Works).map(|_| -> u32 { panic!("the map panics") });
            let used = with(door, async |_| awaits(0).await);
            (async { assert_eq!(panic_of(used).await, "the map panics") }, log)
        },
        async |log: Log| {
            log.assert_balanced();
            assert!(log.all("closed ").iter().all(|exit| exit == "a: panicked"));
        },
    )
    .at_least(4);
}

#[test]
fn a_destructor_of_what_was_made_that_panics_has_the_value_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        let values = log.values.clone();
        let door = Door::new("a", &log).map(move |_| values.probe("made").panic_on_drop());
        assert_eq!(panic_of(with(door, async |_| awaits(0).await)).await, "the probe `made` panics on drop");
        log.assert_balanced();
    });
}

#[test]
fn rs_15_the_value_is_abandoned_after_what_was_made() {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let values = log.values.clone();
    let held =
        runtime.block_on(lease(Telling::new("a", &log, Act::Works).map(move |_| values.probe("made").panic_on_drop())));
    drop(runtime);
    drop(held);
    assert_eq!((log.entries(), log.values.live()), (vec!["abandoned a with 7".to_owned()], 0));

    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            drop(lease(Telling::new("a", &log, Act::Hangs).map(|_| ())).await.unwrap());
        })
        .await;
        assert_eq!(log.entries(), ["abandoned a without a value", "observed overdue of the release"]);
    });
}

#[test]
fn rs_06_rs_07_errors_of_both_steps_are_turned_into_others() {
    on_both_runtimes(async || {
        let log = Log::default();
        let text = |error: Stuck| format!("{} is stuck", error.0);
        for (acquire, release, expected) in [
            (Act::Fails, Act::Works, Err("acquire is stuck".to_owned())),
            (Act::Works, Act::Fails, Err("release is stuck".to_owned())),
            (Act::Works, Act::Works, Ok(())),
        ] {
            let door = Door::new("a", &log).acquire(1, acquire).release(1, release).map_err(text);
            assert_eq!(with(door, async |_| Ok::<_, String>(())).await, expected);
        }
    });
}

#[test]
fn rs_15_what_wraps_a_resource_hands_its_abandonment_on() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let told = Telling::new("a", &log, Act::Hangs).map_err(|_| "stuck");
            drop(lease(told.with_release_within(Duration::from_secs(1))).await.unwrap());
        })
        .await;
        assert_eq!(log.entries(), ["abandoned a without a value", "observed overdue of the release"]);
    });
}

#[test]
fn rs_15_the_deadline_of_a_release_can_be_replaced() {
    on_current_thread(async || {
        let log = Log::default();
        let before = tokio::time::Instant::now();
        scope(async |_| {
            observe(&log);
            let told = Telling::new("a", &log, Act::Hangs).with_release_within(Duration::from_secs(60));
            drop(lease(told.map_err(|_| "stuck").map(|_| ())).await.unwrap());
        })
        .await;
        assert_eq!(before.elapsed().as_secs(), 60);
    });
}
