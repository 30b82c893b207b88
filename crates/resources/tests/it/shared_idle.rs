//! Values that nobody uses for a while.

use std::time::Duration;

use bowline_concurrency::{lost_releases, run, scope};
use bowline_resources::Shared;
use bowline_testing::{on_both_runtimes, on_current_thread};
use tokio::{
    runtime::{Builder, Handle},
    task::yield_now,
    time::{Instant, sleep},
};

use crate::{
    shared::doors,
    support::{Act, Door, Log, observe},
};

const IDLE: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn rs_26_an_idle_value_is_used_again_and_released_after_its_time() {
    on_current_thread(async || {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(IDLE);
        for _ in 0..3 {
            drop(shared.get().await.unwrap());
            sleep(IDLE - SECOND).await; // The time begins anew with each use.
        }
        assert_eq!(shared.get().await.unwrap().release().await, Ok(()));
        sleep(IDLE - Duration::from_millis(1)).await;
        assert_eq!(log.entries(), ["open a"]);
        sleep(Duration::from_millis(2)).await;
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: completed"]);
        assert!(!shared.statistics().is_alive);
        drop(shared.get().await.unwrap()); // And acquired anew.
        assert_eq!(shared.statistics().acquired, 2);
        shared.close().await.unwrap();
        log.assert_balanced();
    });
}

#[test]
fn a_value_that_is_used_is_never_idle() {
    on_current_thread(async || {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(SECOND);
        drop(shared.get().await.unwrap());
        let share = shared.get().await.unwrap();
        sleep(IDLE).await;
        assert_eq!(log.entries(), ["open a"]);
        drop(share);
        shared.close().await.unwrap();
    });
}

#[test]
fn no_scope_waits_for_an_idle_value() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        let shared = doors(&log, &[]).idle_for(IDLE);
        scope(async |_| drop(shared.get().await.unwrap())).await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(log.entries(), ["open a"]);
        scope(async |_| drop(shared)).await; // But for the release it does.
        log.assert_balanced();
        assert_eq!(log.entries().last().unwrap(), "closed a: completed");
        assert_eq!(start.elapsed(), Duration::ZERO);
    });
}

#[test]
fn dropping_it_releases_the_idle_value() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(Duration::MAX);
        drop(shared.get().await.unwrap());
        scope(async |_| drop(shared)).await;
        log.assert_balanced();
        assert_eq!(log.closed(), ["a"]);
    });
}

#[test]
fn a_release_after_an_idle_time_that_fails_is_observed() {
    on_current_thread(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let doors = log.clone();
            let shared = Shared::new(move || Door::new("a", &doors).release(1, Act::Fails)).idle_for(IDLE);
            drop(shared.get().await.unwrap());
            sleep(IDLE * 2).await;
            assert_eq!(log.all("observed "), ["error of the release"]);
        })
        .await;
    });
}

#[test]
fn who_comes_when_the_time_is_over_waits_for_the_release() {
    on_current_thread(async || {
        let log = Log::default();
        let doors = log.clone();
        let shared = Shared::new(move || Door::new("a", &doors).release(5, Act::Works)).idle_for(IDLE);
        drop(shared.get().await.unwrap());
        sleep(IDLE).await;
        while log.all("closing").is_empty() {
            yield_now().await;
        }
        drop(shared.get().await.unwrap());
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: completed", "open a"]);
        shared.close().await.unwrap();
    });
}

#[test]
fn idle_periods_leave_no_tasks() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(Duration::from_secs(3600));
        for _ in 0..10_000 {
            drop(shared.get().await.unwrap());
        }
        while Handle::current().metrics().num_alive_tasks() > 10 {
            yield_now().await;
        }
        assert_eq!(log.entries(), ["open a"]);
        shared.close().await.unwrap();
    });
}

#[test]
fn a_root_ends_although_a_value_is_idle_and_what_is_lost_is_reported() {
    let (log, before) = (Log::default(), lost_releases());
    let shared = doors(&log, &[]).idle_for(Duration::from_secs(3600));
    let outcome = run(async {
        observe(&log);
        drop(shared.get().await.unwrap());
    });
    assert!(outcome.is_ok());
    assert!(lost_releases() > before);
    assert_eq!(log.entries()[0], "open a");
    assert!(log.closed().is_empty());
    assert_eq!(log.values.live(), 0);
    assert!(!shared.statistics().is_alive);
}

#[test]
fn a_value_whose_runtime_has_ended_is_acquired_anew_on_another_one() {
    for idle_for in [Duration::ZERO, IDLE] {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(idle_for);
        let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
        let (one, other) = (runtime(), runtime());
        let share = one.block_on(shared.get()).unwrap();
        drop(one);
        other.block_on(async {
            drop(share); // Lost.
            let share = shared.get().await.unwrap();
            assert_eq!(log.opened().len(), 2);
            scope(async |_| drop(share)).await;
            shared.close().await.unwrap();
        });
        assert_eq!(log.values.live(), 0);
    }
}

#[test]
fn one_runtime_may_acquire_and_another_use() {
    let log = Log::default();
    let shared = doors(&log, &[]).idle_for(Duration::from_millis(1));
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let (one, other) = (runtime(), runtime());
    drop(one.block_on(shared.get()).unwrap());
    other.block_on(async { drop(shared.get().await.unwrap()) });
    assert_eq!(log.entries(), ["open a"]);
    one.block_on(async {
        while log.closed().is_empty() {
            sleep(Duration::from_millis(1)).await;
        }
    });
    log.assert_balanced();
}
