//! Wakers that panic when they are woken, cloned or dropped, and keys that panic when they are dropped: whose they are may suffer, the others get what is
//! theirs.

use std::{
    hash::{Hash, Hasher},
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use bowline_sync::{
    Admission, Barrier, Condition, KeyedLock, KeyedRateLimiter, Lifecycle, Mutex, PartitionedLimiter, Phase, Rate,
    RateLimiter, SingleFlight,
};
use tokio::{
    runtime::Builder,
    sync::oneshot,
    time::{advance, sleep},
};

use crate::support::{
    ByHand, caught, dropped_by_a_panic, in_a_process_of_its_own, on_both_runtimes, panics_when_cloned_after,
    panics_when_dropped, panics_when_woken,
};

const HOURLY: Rate = Rate::per_hour(NonZeroU32::MIN);
/// A burst, and a request that waits for weeks.
const MOST: NonZeroU32 = NonZeroU32::MAX;

fn of_waker<T>() -> Result<T, String> {
    Err("of the waker".to_owned())
}

/// Three slots pass, for all who have been waiting at the rate of one an hour. The first in line is told of the new rate.
async fn slots_pass(set_rate: impl FnOnce(Rate)) {
    _ = caught(|| set_rate(Rate::per_second(NonZeroU32::MIN.saturating_add(999))));
    sleep(Duration::from_millis(3)).await;
}

fn used_up() -> RateLimiter {
    let limiter = RateLimiter::with_burst(HOURLY, MOST);
    limiter.try_acquire_many(MOST).expect("a new one has them all");
    limiter
}

fn used_up_for_a_key() -> KeyedRateLimiter<String> {
    let limiter = KeyedRateLimiter::with_burst(NonZeroUsize::MIN, HOURLY, MOST);
    limiter.try_acquire_many("key", MOST).expect("a new one has them all");
    limiter
}

fn used_up_with_two_places() -> Admission {
    let admission = Admission::new(2, HOURLY);
    drop(admission.try_acquire().expect("a new one has a slot"));
    admission
}

#[test]
fn a_key_of_a_rate_is_left_when_the_waker_of_another_panics() {
    on_both_runtimes(|| async {
        let limiter = used_up_for_a_key();
        let first = ByHand::new(limiter.acquire("key")).waits_with(&panics_when_woken());
        slots_pass(|rate| limiter.set_rate(rate)).await;
        let newcomer = || ByHand::new(limiter.acquire_many("key", MOST)).poll().is_pending();
        assert_eq!(caught(newcomer), of_waker());
        first.finish().unwrap();
        let now = limiter.statistics();
        assert_eq!((now.waiting, now.granted), (0, u64::from(u32::MAX) + 1));
    });
}

#[test]
fn a_place_is_given_back_when_the_waker_of_another_panics() {
    on_both_runtimes(|| async {
        let admission = used_up_with_two_places();
        let first = ByHand::new(admission.acquire()).waits_with(&panics_when_woken());
        slots_pass(|rate| admission.set_rate(rate)).await;
        assert_eq!(caught(|| drop(admission.try_acquire())), of_waker());
        assert_eq!(admission.statistics().in_use, 1);
        drop(first);
        assert_eq!(admission.statistics().in_use, 0);

        let admission = used_up_with_two_places();
        let mut first = ByHand::new(admission.acquire()).waits();
        let second = ByHand::new(admission.acquire()).waits_with(&panics_when_woken());
        slots_pass(|rate| admission.set_rate(rate)).await;
        assert_eq!(caught(|| drop(first.poll())), of_waker());
        assert_eq!(admission.statistics().in_use, 1);
        drop((first, second));
        assert_eq!(admission.statistics().in_use, 0);
    });
}

#[test]
fn a_place_is_given_back_when_its_own_old_waker_panics() {
    on_both_runtimes(|| async {
        let admission = used_up_with_two_places();
        let first = ByHand::new(admission.acquire()).waits_with(&panics_when_dropped());
        slots_pass(|rate| admission.set_rate(rate)).await;
        assert_eq!(caught(|| drop(first.finish())), of_waker());
        assert_eq!(admission.statistics().in_use, 0);
    });
}

#[test]
fn who_has_a_slot_hears_of_it_when_a_newcomers_waker_cannot_be_cloned() {
    in_a_process_of_its_own(
        "panicking_wakers::who_has_a_slot_hears_of_it_when_a_newcomers_waker_cannot_be_cloned",
        || {
            on_both_runtimes(|| async {
                let limiter = used_up();
                let first = ByHand::new(limiter.acquire()).waits();
                slots_pass(|rate| limiter.set_rate(rate)).await;
                let told = first.wakes();
                let newcomer = || ByHand::new(limiter.acquire_many(MOST)).waits_with(&panics_when_cloned_after(0));
                assert_eq!(caught(newcomer).err(), of_waker::<()>().err());
                assert_eq!((limiter.statistics().waiting, first.wakes()), (0, told + 1));
                first.finish();
            })
        },
    );
}

#[test]
fn who_has_a_slot_hears_of_it_when_the_next_ones_waker_cannot_be_cloned() {
    in_a_process_of_its_own(
        "panicking_wakers::who_has_a_slot_hears_of_it_when_the_next_ones_waker_cannot_be_cloned",
        || {
            on_both_runtimes(|| async {
                let limiter = used_up();
                let first = ByHand::new(limiter.acquire()).waits();
                let next = ByHand::new(limiter.acquire_many(MOST)).waits_with(&panics_when_cloned_after(1));
                slots_pass(|rate| limiter.set_rate(rate)).await;
                let told = first.wakes();
                assert_eq!(caught(|| limiter.try_acquire()), of_waker());
                assert_eq!((limiter.statistics().waiting, first.wakes()), (1, told + 1));
                first.finish();
                drop(next);
                assert_eq!(limiter.statistics().waiting, 0);
            })
        },
    );
}

#[test]
fn a_place_is_given_back_when_the_next_ones_waker_cannot_be_cloned() {
    in_a_process_of_its_own(
        "panicking_wakers::a_place_is_given_back_when_the_next_ones_waker_cannot_be_cloned",
        || {
            let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
            runtime.expect("a runtime can be built").block_on(async {
                let admission = used_up_with_two_places();
                let first = ByHand::new(admission.acquire()).waits();
                let next = ByHand::new(admission.acquire()).waits_with(&panics_when_cloned_after(1));
                // Not a second slot, so that the next one is only told that it is the first now.
                advance(Duration::from_secs(3600)).await;
                assert_eq!(caught(|| drop(first.finish())), of_waker());
                assert_eq!((admission.statistics().in_use, admission.statistics().waiting), (0, 1));
                drop(next);
            });
        },
    );
}

#[test]
fn the_sums_of_the_keys_are_right_when_a_waker_cannot_be_cloned() {
    in_a_process_of_its_own("panicking_wakers::the_sums_of_the_keys_are_right_when_a_waker_cannot_be_cloned", || {
        on_both_runtimes(|| async {
            let limiter = used_up_for_a_key();
            let first = ByHand::new(limiter.acquire("key")).waits();
            slots_pass(|rate| limiter.set_rate(rate)).await;
            let newcomer = || ByHand::new(limiter.acquire_many("key", MOST)).waits_with(&panics_when_cloned_after(0));
            assert!(caught(newcomer).is_err());
            let now = limiter.statistics();
            assert_eq!((now.waiting, now.granted), (0, u64::from(u32::MAX) + 1));
            drop(first);
            assert_eq!(limiter.statistics().granted, u64::from(u32::MAX));
        })
    });
}

#[test]
fn a_waker_that_waits_for_ready_keeps_nobody_from_hearing_of_the_end() {
    let lifecycle = Lifecycle::new();
    let worker = lifecycle.begin().unwrap();
    let _ready = ByHand::new(lifecycle.ready()).waits_with(&panics_when_woken());
    let stopped = ByHand::new(lifecycle.stopped()).waits();
    assert_eq!(caught(|| worker.end()), of_waker());
    assert_eq!((lifecycle.phase(), stopped.wakes()), (Phase::Stopped, 1));
    stopped.finish().unwrap();

    let lifecycle = Lifecycle::new();
    let _ready = ByHand::new(lifecycle.ready()).waits_with(&panics_when_woken());
    let stopped = ByHand::new(lifecycle.stopped()).waits();
    assert_eq!(caught(|| lifecycle.stop()), of_waker());
    stopped.finish().unwrap();
}

#[test]
fn a_leader_keeps_its_value_and_its_panic_whatever_the_wakers_do() {
    on_both_runtimes(|| async {
        for panics in [false, true] {
            let flights = SingleFlight::new();
            let (land, landed) = oneshot::channel();
            let work = async || landed.await.expect("of the work");
            let leader = ByHand::new(flights.run("key", work)).waits();
            let follow = || ByHand::new(flights.run("key", async || 1));
            let followers = [follow().waits_with(&panics_when_woken()), follow().waits()];
            if panics {
                drop(land)
            } else {
                land.send(42).unwrap()
            }
            let (own, theirs) = (caught(|| leader.finish()), followers.map(|it| caught(|| it.finish())));
            if panics {
                let texts = [own].into_iter().chain(theirs).map(|it| it.expect_err("the work has panicked"));
                assert!(texts.into_iter().all(|text| text.contains("of the work")));
            } else {
                assert_eq!((own, theirs), (Ok(42), [Ok(42), Ok(42)]));
            }
        }
    });
}

#[test]
fn a_round_has_its_leader_whatever_the_wakers_do() {
    let barrier = Barrier::new(NonZeroUsize::MIN.saturating_add(2));
    let first = ByHand::new(barrier.wait()).waits_with(&panics_when_woken());
    let second = ByHand::new(barrier.wait()).waits();
    assert!(caught(|| ByHand::new(barrier.wait()).finish()).unwrap().unwrap().is_leader());
    assert_eq!((second.wakes(), second.finish().unwrap().index(), first.finish().unwrap().index()), (1, 1, 2));
}

/// None of these aborts the process, as a second panic would.
#[test]
fn a_guard_that_is_dropped_by_a_panic_wakes_a_waker_that_panics() {
    let locks = KeyedLock::new();
    let guard = locks.try_lock(1).unwrap();
    let waiter = ByHand::new(locks.lock(1)).waits_with(&panics_when_woken());
    assert_eq!(dropped_by_a_panic(guard), "of the task");
    drop(waiter.finish());

    let limiter = PartitionedLimiter::new(1);
    let permit = limiter.try_acquire().unwrap();
    let waiter = ByHand::new(limiter.acquire(1)).waits_with(&panics_when_woken());
    assert_eq!(dropped_by_a_panic(permit), "of the task");
    drop(waiter.finish());

    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let guard = || mutex.try_lock().unwrap();
    let notified = ByHand::new(condition.wait(guard())).waits();
    let waiter = ByHand::new(condition.wait(guard())).waits_with(&panics_when_woken());
    condition.notify_one();
    assert_eq!(dropped_by_a_panic(notified), "of the task");
    drop(waiter.finish());

    let flights = SingleFlight::new();
    let leader = ByHand::new(flights.run(1, async || std::future::pending().await)).waits();
    let waiter = ByHand::new(flights.run(1, async || 2)).waits_with(&panics_when_woken());
    assert_eq!(dropped_by_a_panic(leader), "of the task");
    assert_eq!(waiter.finish(), 2);
}

/// It is the number alone. The bad one panics when it is dropped.
#[derive(Debug)]
struct Key {
    number: u32,
    is_bad: bool,
}

impl Key {
    fn good(number: u32) -> Self {
        Self { number, is_bad: false }
    }

    fn bad(number: u32) -> Self {
        Self { number, is_bad: true }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Key {}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        assert!(!self.is_bad, "of the key");
    }
}

#[test]
fn followers_hear_of_the_landing_when_the_leaders_key_panics() {
    on_both_runtimes(|| async {
        let flights = SingleFlight::new();
        let (land, landed) = oneshot::channel();
        let leader = ByHand::new(flights.run(Key::bad(1), async || landed.await.unwrap())).waits();
        let follower = ByHand::new(flights.run(Key::good(1), async || 1)).waits();
        land.send(42).unwrap();
        assert_eq!(caught(|| leader.finish()), Err("of the key".to_owned()));
        assert_eq!((follower.wakes(), follower.finish(), flights.statistics().keys), (1, 42, 0));

        let leader = ByHand::new(flights.run(Key::bad(1), async || panic!("of the work")));
        assert_eq!(caught(|| leader.finish()), Err("of the work".to_owned()));
    });
}

#[test]
fn a_permit_is_not_lost_when_a_key_panics() {
    let limiter = PartitionedLimiter::new(1);
    let permit = limiter.try_acquire().unwrap();
    let waiter = ByHand::new(limiter.acquire(Key::bad(1))).waits();
    assert_eq!(caught(|| drop(permit)), Err("of the key".to_owned()));
    assert_eq!(waiter.wakes(), 1);
    drop(waiter.finish());
    assert_eq!(limiter.statistics().in_use, 0);

    let limiter = PartitionedLimiter::new(0);
    let waiters = [Key::bad(1), Key::good(2)].map(|key| ByHand::new(limiter.acquire(key)).waits());
    assert_eq!(caught(|| limiter.set_capacity(2)), Err("of the key".to_owned()));
    assert_eq!(waiters.each_ref().map(ByHand::wakes), [1, 1]);
    for waiter in waiters {
        drop(waiter.finish());
    }

    limiter.set_capacity(1);
    let permit = limiter.try_acquire().unwrap();
    let waiter = ByHand::new(limiter.acquire(Key::bad(1))).waits();
    assert_eq!(dropped_by_a_panic(permit), "of the task");
    drop(waiter.finish());
}
