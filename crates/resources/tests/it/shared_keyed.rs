//! One value per key.

use std::{
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bowline_concurrency::scope;
use bowline_resources::{KeyedShared, ShareError};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread, on_multi_thread};
use tokio::{task::yield_now, time::sleep};

use crate::{
    gauge::{Gauge, Gauged},
    support::{Act, Door, Log, Stuck, observe},
};

const IDLE: Duration = Duration::from_secs(10);

/// A door for each name.
fn by_name(log: &Log, release: Act) -> KeyedShared<&'static str, Door> {
    let log = log.clone();
    KeyedShared::new(move |name: &&'static str| Door::new(name, &log).release(2, release))
}

#[test]
fn rs_26_each_key_has_one_value_while_it_is_used() {
    on_both_runtimes(async || {
        let log = Log::default();
        let keyed = by_name(&log, Act::Works);
        let (a, b, again) = tokio::join!(keyed.get("a"), keyed.get("b"), keyed.get("a"));
        let (a, b, again) = (a.unwrap(), b.unwrap(), again.unwrap());
        assert!(std::ptr::eq(&*a, &*again) && !std::ptr::eq(&*a, &*b));
        assert_eq!(log.opened().len(), 2);
        assert_eq!(keyed.len(), 2);
        drop(again);
        b.release().await.unwrap();
        assert_eq!(keyed.len(), 1);
        a.release().await.unwrap();
        assert!(keyed.is_empty());
        assert_eq!(log.closed(), ["b", "a"]);
    });
}

#[test]
fn rs_26_keys_do_not_wait_for_each_other() {
    on_both_runtimes(async || {
        let log = Log::default();
        let doors = log.clone();
        let keyed = KeyedShared::new(move |name: &&'static str| {
            Door::new(name, &doors)
                .acquire(0, if *name == "slow" { Act::Hangs } else { Act::Works })
                .release(0, Act::Works)
        });
        let mut slow = Polled::new(keyed.get("slow"));
        slow.assert_pending();
        let fast = Polled::new(keyed.get("fast")).assert_ready().unwrap();
        Polled::new(fast.release()).assert_ready().unwrap();
        assert_eq!(keyed.len(), 1);
        std::mem::forget(slow); // It would be waited for.
    });
}

#[test]
fn rs_26_a_key_whose_value_is_being_released_has_no_second_one() {
    on_both_runtimes(async || {
        let log = Log::default();
        let keyed = by_name(&log, Act::Works);
        let mut ending = Polled::new(keyed.get("a").await.unwrap().release());
        ending.assert_pending();
        assert_eq!(keyed.len(), 1);
        let mut newcomer = Polled::new(keyed.get("a"));
        newcomer.assert_pending();
        ending.assert_pending();
        newcomer.assert_pending();
        ending.assert_ready().unwrap();
        newcomer.assert_pending(); // Acquires.
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: completed"]);
        newcomer.assert_ready().unwrap().release().await.unwrap();
        assert!(keyed.is_empty());
    });
}

#[test]
fn rs_26_nothing_is_left_of_keys_that_were_used_once() {
    on_current_thread(async || {
        let log = Log::default();
        let keyed = {
            let log = log.clone();
            KeyedShared::new(move |key: &u32| Door::new(if *key % 5 == 0 { "five" } else { "other" }, &log))
                .idle_for(IDLE)
        };
        for key in 0..10_000 {
            match key % 4 {
                0 => drop(keyed.get(key).await.unwrap()),
                1 => keyed.get(key).await.unwrap().release().await.unwrap(),
                2 => drop(keyed.get(key)),
                _ => scope(async |_| drop(Polled::new(keyed.get(key)).poll())).await,
            }
        }
        assert_eq!(keyed.len(), 7_500, "the idle ones");
        sleep(IDLE * 2).await;
        assert!(keyed.is_empty());
        assert_eq!(log.opened().len(), 7_500);
        assert_eq!(log.closed().len(), 7_500);
    });
}

#[test]
fn a_key_whose_acquisition_fails_is_gone() {
    on_both_runtimes(async || {
        let log = Log::default();
        let keyed = KeyedShared::new(move |name: &&'static str| Door::new(name, &log).acquire(1, Act::Fails));
        let (one, other) = tokio::join!(keyed.get("a"), keyed.get("a"));
        assert_eq!(one.unwrap_err(), ShareError::Failed(Stuck("acquire")));
        assert_eq!(other.unwrap_err(), ShareError::Failed(Stuck("acquire")));
        assert!(keyed.is_empty());
    });
}

#[test]
fn closing_releases_the_idle_ones_and_waits_for_the_rest() {
    on_both_runtimes(async || {
        let log = Log::default();
        let keyed = by_name(&log, Act::Works).idle_for(IDLE);
        drop(keyed.get("a").await.unwrap());
        let b = keyed.get("b").await.unwrap();
        let mut closing = Polled::new(keyed.close());
        while log.closed().is_empty() {
            closing.assert_pending();
            yield_now().await;
        }
        assert_eq!(log.closed(), ["a"]);
        assert_eq!(keyed.get("c").await.unwrap_err(), ShareError::Closed);
        assert_eq!(keyed.get("b").await.unwrap_err(), ShareError::Closed);
        b.release().await.unwrap();
        while closing.poll().is_pending() {
            yield_now().await;
        }
        drop(closing);
        assert!(keyed.is_empty());
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn of_several_errors_when_closing_one_is_returned_and_the_rest_are_observed() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let keyed = by_name(&log, Act::Fails).idle_for(IDLE);
            for name in ["a", "b", "c"] {
                drop(keyed.get(name).await.unwrap());
            }
            assert_eq!(keyed.close().await, Err(Stuck("release")));
        })
        .await;
        assert_eq!(log.all("observed "), ["error of the release"; 2]);
        assert_eq!(log.closed().len(), 3);
    });
}

#[test]
fn dropping_it_releases_what_is_idle() {
    on_both_runtimes(async || {
        let log = Log::default();
        let keyed = by_name(&log, Act::Works).idle_for(IDLE);
        drop(keyed.get("a").await.unwrap());
        let b = keyed.get("b").await.unwrap();
        scope(async |_| drop(keyed)).await;
        assert_eq!(log.closed(), ["a"]);
        scope(async |_| drop(b)).await;
        assert_eq!(log.closed(), ["a", "b"]);
    });
}

#[test]
fn rs_26_a_keyed_use_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let keyed = Arc::new(by_name(&log, Act::Works));
            let used = Arc::clone(&keyed);
            let work = async move {
                let share = used.get("a").await.unwrap();
                yield_now().await;
                share.release().await.unwrap();
                used.close().await.unwrap();
            };
            (work, (keyed, log))
        },
        async |(keyed, log)| {
            log.assert_balanced();
            assert!(keyed.is_empty());
        },
    );
    visited.at_least(4);
}

#[test]
fn rs_26_many_keys_on_two_threads_never_have_two_values() {
    on_multi_thread(async || {
        let gauges: Arc<Vec<Gauge>> = Arc::new((0..8).map(|_| Gauge::default()).collect());
        let made = Arc::clone(&gauges);
        let keyed = Arc::new(KeyedShared::new(move |key: &usize| Gauged { gauge: made[*key].clone(), awaits: 1 }));
        scope(async |group| {
            for task in 0..50 {
                let keyed = Arc::clone(&keyed);
                drop(group.spawn(async move {
                    for turn in 0..1_000 {
                        let key = (task * 31 + turn * 17) % 8;
                        match (task + turn) % 5 {
                            0 => drop(Polled::new(keyed.get(key)).poll()),
                            1 => drop(keyed.get(key).await.unwrap()),
                            2 => {
                                let share = keyed.get(key).await.unwrap();
                                yield_now().await;
                                drop(share);
                            }
                            _ => keyed.get(key).await.unwrap().release().await.unwrap(),
                        }
                    }
                }));
            }
        })
        .await;
        gauges.iter().for_each(Gauge::assert_balanced);
        assert!(keyed.is_empty());
    });
}

/// A key that panics when it is compared and told to.
struct Touchy(u8, Arc<AtomicBool>);

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        assert!(!self.1.load(Ordering::Relaxed), "touched");
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[test]
fn a_key_that_panics_when_it_is_compared_spoils_nothing() {
    on_both_runtimes(async || {
        let (log, touchy) = (Log::default(), Arc::new(AtomicBool::new(false)));
        let doors = log.clone();
        let keyed = KeyedShared::new(move |_: &Touchy| Door::new("a", &doors));
        let key = |n| Touchy(n, Arc::clone(&touchy));
        let share = keyed.get(key(1)).await.unwrap();
        touchy.store(true, Ordering::Relaxed);
        let mut get = Polled::new(keyed.get(key(1)));
        assert!(catch_unwind(AssertUnwindSafe(|| get.poll())).is_err());
        touchy.store(false, Ordering::Relaxed);
        let again = keyed.get(key(1)).await.unwrap();
        assert!(std::ptr::eq(&*share, &*again));
        drop(again);
        share.release().await.unwrap();
        assert!(keyed.is_empty());
        log.assert_balanced();
    });
}

/// A key that looks into the list when it is dropped: under the lock of the list that would hang.
#[derive(Clone)]
struct Curious(u8, Place);

type Place = Arc<Mutex<Option<Arc<KeyedShared<Curious, Door>>>>>;

impl PartialEq for Curious {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Curious {}

impl Hash for Curious {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Drop for Curious {
    fn drop(&mut self) {
        let keyed = self.1.lock().expect("no panic under the lock").clone();
        if let Some(keyed) = keyed {
            assert!(keyed.len() <= 1);
        }
    }
}

#[test]
fn keys_are_dropped_outside_the_lock() {
    on_both_runtimes(async || {
        let (log, place) = (Log::default(), Arc::new(Mutex::new(None)));
        let doors = log.clone();
        let keyed = Arc::new(KeyedShared::new(move |_: &Curious| Door::new("a", &doors)));
        *place.lock().unwrap() = Some(Arc::clone(&keyed));
        let key = Curious(1, Arc::clone(&place));
        let share = keyed.get(key.clone()).await.unwrap();
        drop(keyed.get(key.clone()).await.unwrap());
        share.release().await.unwrap();
        assert!(keyed.is_empty());
        let circle = place.lock().unwrap().take();
        drop((key, circle));
        log.assert_balanced();
    });
}
