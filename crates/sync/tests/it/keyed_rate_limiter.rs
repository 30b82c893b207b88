//! [`KeyedRateLimiter`], on a paused clock.

use std::{
    collections::HashMap,
    hash::{Hash, Hasher},
    num::{NonZeroU32, NonZeroUsize},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bowline_sync::{KeyRefused, KeyedRateLimiter, Rate, RateLimiter};
use bowline_testing::assert_cancel_safe;
use proptest::prelude::*;
use tokio::time::{Instant, advance, timeout};

use crate::support::{ByHand, on_both_runtimes};

const fn per_second(permits: u32) -> Rate {
    Rate::per_second(many(permits))
}

const fn many(permits: u32) -> NonZeroU32 {
    NonZeroU32::new(permits).expect("not zero")
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn keyed<K>(keys_max: usize, rate: Rate) -> KeyedRateLimiter<K> {
    KeyedRateLimiter::new(NonZeroUsize::new(keys_max).expect("not zero"), rate)
}

#[test]
fn acquires_on_both_runtimes() {
    on_both_runtimes(|| async {
        let limiter = Arc::new(keyed::<u32>(100, per_second(10_000)));
        let tasks: Vec<_> = (0..20)
            .map(|key| {
                let limiter = Arc::clone(&limiter);
                tokio::spawn(async move {
                    for _ in 0..3 {
                        limiter.acquire(&(key % 5)).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let now = limiter.statistics();
        assert_eq!((now.granted, now.waiting), (60, 0));
    });
}

#[tokio::test(start_paused = true)]
async fn lk_01_each_key_has_a_line_of_its_own() {
    let limiter = keyed::<String>(10, per_second(10));
    let start = Instant::now();
    let at = async |key: &str, due| {
        limiter.acquire(key).await.unwrap();
        assert_eq!(start.elapsed(), ms(due), "of {key}");
    };
    tokio::join!(at("a", 0), at("a", 100), at("b", 0), at("a", 200), at("b", 100));
    let now = limiter.statistics();
    assert_eq!((now.keys, now.granted, now.waiting, now.keys_max.get()), (2, 5, 0, 10));
    assert_eq!((now.limit.rate, now.limit.burst), (per_second(10), many(1)));
}

#[tokio::test(start_paused = true)]
async fn lk_10_try_acquire_says_what_is_missing() {
    let limiter = KeyedRateLimiter::<u8>::with_burst(NonZeroUsize::MIN, per_second(10), many(2));
    limiter.try_acquire_many(&1, many(2)).unwrap();
    assert_eq!(limiter.try_acquire(&1).unwrap_err().retry_after(), Some(ms(100)));
    let exceeds = limiter.try_acquire_many(&1, many(3)).unwrap_err();
    assert!(matches!(exceeds, KeyRefused::ExceedsBurst(_)) && exceeds.retry_after().is_none());
    assert_eq!(limiter.acquire_many(&1, many(3)).await, Err(exceeds));
    let full = limiter.try_acquire(&2).unwrap_err();
    assert!(matches!(full, KeyRefused::TooManyKeys(_)));
    assert_eq!(full.retry_after(), Some(ms(200)));
    assert_eq!(full.to_string(), "all 1 keys are busy: try again in 200ms, or make the limiter for more keys");
    assert_eq!(limiter.acquire(&2).await.unwrap_err().retry_after(), ms(200));
    assert_eq!((limiter.peek(&1), limiter.peek(&2)), (ms(100), ms(200)));
}

#[tokio::test(start_paused = true)]
async fn a_full_table_of_busy_keys_refuses_new_ones_until_one_owes_nothing() {
    let limiter = keyed::<u32>(3, per_second(10));
    for key in 0..3 {
        limiter.try_acquire(&key).unwrap();
        advance(ms(10)).await;
    }
    assert_eq!(limiter.try_acquire(&9).unwrap_err().retry_after(), Some(ms(70)));
    advance(ms(69)).await;
    assert_eq!(limiter.try_acquire(&9).unwrap_err().retry_after(), Some(ms(1)));
    advance(ms(1)).await;
    limiter.try_acquire(&9).unwrap();
    let now = limiter.statistics();
    assert_eq!((now.keys, now.evicted, now.granted), (3, 1, 4));
}

#[tokio::test(start_paused = true)]
async fn the_only_key_that_owes_nothing_is_found_wherever_it_is() {
    for idle in 0..20 {
        let limiter = KeyedRateLimiter::<u32>::with_burst(NonZeroUsize::new(20).unwrap(), per_second(10), many(2));
        for key in 0..20 {
            limiter.try_acquire_many(&key, many(if key == idle { 1 } else { 2 })).unwrap();
        }
        advance(ms(100)).await;
        assert_eq!(limiter.peek(&99), Duration::ZERO, "the place of {idle}");
        limiter.try_acquire(&99).unwrap();
        assert!(limiter.try_acquire(&98).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn lk_15_a_cancelled_waiter_leaves_nothing_but_the_debt() {
    let limiter = keyed::<u32>(1, per_second(10));
    limiter.acquire(&1).await.unwrap();
    let waiters = [(); 3].map(|()| ByHand::new(limiter.acquire(&1)).waits());
    advance(ms(50)).await;
    assert_eq!(limiter.try_acquire(&2).unwrap_err().retry_after(), Some(ms(350)));
    assert!(waiters.into_iter().all(ByHand::leaves_nothing));
    assert_eq!(limiter.statistics().waiting, 0);
    assert_eq!(limiter.try_acquire(&2).unwrap_err().retry_after(), Some(ms(50)), "it owes what it took");
    advance(ms(50)).await;
    limiter.try_acquire(&2).unwrap();
}

#[tokio::test(start_paused = true)]
async fn lk_15_a_granted_slot_that_is_dropped_goes_to_the_next_or_back() {
    let limiter = keyed::<u32>(1, per_second(10));
    limiter.acquire(&1).await.unwrap();
    let [head, granted, next] = [(); 3].map(|()| ByHand::new(limiter.acquire(&1)).waits());
    advance(ms(200)).await;
    head.finish().unwrap();
    assert_eq!(granted.wakes(), 1);
    drop(granted);
    next.finish().unwrap();
    assert_eq!(limiter.statistics().granted, 3);
    let kept = ByHand::new(limiter.acquire(&1)).waits();
    advance(ms(100)).await;
    assert!(limiter.try_acquire(&1).is_err());
    advance(ms(60_000)).await;
    assert!(limiter.try_acquire(&2).is_err(), "a granted future keeps its key");
    drop(kept);
    limiter.try_acquire(&2).unwrap();
    assert_eq!((limiter.statistics().granted, limiter.statistics().evicted), (4, 1));
}

#[tokio::test(start_paused = true)]
async fn a_paused_key_is_remembered_until_its_pause_ends() {
    let limiter = keyed::<u32>(2, per_second(10));
    let start = Instant::now();
    limiter.pause_until(&1, start + ms(5_000)).unwrap();
    for key in 10..40 {
        limiter.try_acquire(&key).unwrap();
        assert_eq!(limiter.peek(&1), start + ms(5_000) - Instant::now());
        advance(ms(100)).await;
    }
    advance(ms(1_999)).await;
    assert!(limiter.try_acquire(&1).is_err());
    advance(ms(1)).await;
    limiter.try_acquire(&1).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_all_holds_for_new_keys_and_old_ones() {
    let limiter = keyed::<u32>(5, per_second(10));
    let start = Instant::now();
    limiter.acquire(&1).await.unwrap();
    let old = ByHand::new(limiter.acquire(&1)).waits();
    limiter.pause_all_until(start + ms(1_000));
    assert_eq!(limiter.try_acquire(&2).unwrap_err().retry_after(), Some(ms(1_000)));
    assert_eq!(limiter.statistics().keys, 1, "a key that got nothing is not remembered");
    let new = ByHand::new(limiter.acquire(&3)).waits();
    advance(ms(999)).await;
    let (old, new) = (old.waits(), new.waits());
    advance(ms(1)).await;
    old.finish().unwrap();
    new.finish().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_new_rate_holds_for_all_keys() {
    let limiter = keyed::<u32>(2, Rate::per_hour(many(1)));
    let start = Instant::now();
    for key in [1, 2] {
        limiter.acquire(&key).await.unwrap();
    }
    let waiter = ByHand::new(limiter.acquire(&1)).waits();
    assert!(limiter.try_acquire(&3).is_err());
    limiter.set_rate(per_second(10));
    assert_eq!((waiter.wakes(), limiter.statistics().waiting), (1, 1));
    assert_eq!(limiter.try_acquire(&3).unwrap_err().retry_after(), Some(ms(100)));
    advance(ms(100)).await;
    limiter.try_acquire(&3).unwrap();
    waiter.finish().unwrap();
    assert_eq!((start.elapsed(), limiter.statistics().limit.rate), (ms(100), per_second(10)));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_keys_stays_within_bounds() {
    let limiter = keyed::<u32>(50, per_second(10));
    for key in 0..10_000 {
        let _ = timeout(ms(1), limiter.acquire(&key)).await;
        assert!(limiter.statistics().keys <= 50);
        advance(ms(1)).await;
    }
    let now = limiter.statistics();
    assert_eq!((now.keys as u64, now.waiting), (now.granted - now.evicted, 0));
    assert!(now.granted > 4_000, "{now:?}");
}

/// A key whose comparison fails on demand.
#[derive(Debug, Clone)]
struct Touchy(u8, Arc<AtomicBool>);

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u8(0);
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        assert!(!self.1.load(Ordering::Relaxed), "touched");
        self.0 == other.0
    }
}

impl Eq for Touchy {}

#[tokio::test(start_paused = true)]
async fn keys_whose_comparison_panics_harm_nobody() {
    let limiter = keyed::<Touchy>(3, per_second(10));
    let fails = Arc::new(AtomicBool::new(false));
    let key = |number| Touchy(number, Arc::clone(&fails));
    for number in 0..3 {
        limiter.try_acquire(&key(number)).unwrap();
    }
    let waiting = key(1);
    let waiter = ByHand::new(limiter.acquire(&waiting)).waits();
    fails.store(true, Ordering::Relaxed);
    assert!(catch_unwind(AssertUnwindSafe(|| limiter.try_acquire(&key(1)))).is_err());
    advance(ms(100)).await;
    waiter.finish().unwrap();
    fails.store(false, Ordering::Relaxed);
    assert_eq!(limiter.peek(&key(1)), ms(100));
    limiter.try_acquire(&key(2)).unwrap();
    limiter.try_acquire(&key(3)).unwrap();
    assert_eq!((limiter.statistics().keys, limiter.statistics().evicted), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn equal_hashes_are_told_apart_when_one_is_forgotten() {
    let limiter = KeyedRateLimiter::<Touchy>::with_burst(NonZeroUsize::new(3).unwrap(), per_second(10), many(2));
    let key = |number| Touchy(number, Arc::default());
    for (number, permits) in [(0, 2), (1, 1), (2, 2)] {
        limiter.try_acquire_many(&key(number), many(permits)).unwrap();
    }
    advance(ms(100)).await;
    limiter.try_acquire(&key(3)).unwrap();
    for number in [0, 2] {
        let refused = limiter.try_acquire_many(&key(number), many(2)).unwrap_err();
        assert!(matches!(refused, KeyRefused::RetryAfter(_)), "{number}: {refused}");
    }
    assert!(matches!(limiter.try_acquire(&key(1)), Err(KeyRefused::TooManyKeys(_))));
}

#[test]
fn futures_may_be_dropped_anywhere() {
    let visited = assert_cancel_safe(
        async || {
            let limiter = Arc::new(keyed::<u32>(2, per_second(1_000)));
            let work = {
                let limiter = Arc::clone(&limiter);
                async move {
                    limiter.acquire(&1).await.unwrap();
                    let (first, second) = tokio::join!(limiter.acquire(&1), limiter.acquire_many(&1, many(1)));
                    first.and(second.map_err(|_| unreachable!())).unwrap();
                }
            };
            (work, limiter)
        },
        async |limiter| {
            assert_eq!(limiter.statistics().waiting, 0);
            tokio::time::sleep(ms(10)).await;
            limiter.try_acquire(&2).unwrap();
            limiter.try_acquire(&3).unwrap();
        },
    );
    visited.at_least(2);
}

#[derive(Debug, Clone)]
enum Step {
    Try(u8, u32),
    Peek(u8),
    Pause(u8, u64),
    PauseAll(u64),
    Sleep(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..12u8, 1..4u32).prop_map(|(key, permits)| Step::Try(key, permits)),
        1 => (0..12u8).prop_map(Step::Peek),
        1 => (0..12u8, 0..900u64).prop_map(|(key, wait)| Step::Pause(key, wait)),
        1 => (0..300u64).prop_map(Step::PauseAll),
        4 => (0..400u64).prop_map(Step::Sleep),
    ];
    prop::collection::vec(step, 1..150)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Nobody can tell that keys are forgotten: the answers are those of one limiter for each key, kept for ever.
    #[test]
    fn forgotten_keys_are_not_missed(permits in 1..30u32, burst in 3..6u32, steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (rate, burst) = (per_second(permits), many(burst));
            let limiter = KeyedRateLimiter::with_burst(NonZeroUsize::new(12).unwrap(), rate, burst);
            let all: HashMap<u8, RateLimiter> = (0..12).map(|key| (key, RateLimiter::with_burst(rate, burst))).collect();
            all.values().for_each(|one| drop(one.statistics())); // the same origin
            for step in steps {
                match step {
                    Step::Try(key, permits) => {
                        let answer = limiter.try_acquire_many(&key, many(permits)).map_err(|refused| refused.retry_after());
                        let expected = all[&key].try_acquire_many(many(permits)).map_err(|refused| refused.retry_after());
                        assert_eq!(answer, expected);
                    }
                    Step::Peek(key) => assert_eq!(limiter.peek(&key), all[&key].peek()),
                    Step::Pause(key, wait) => {
                        let resume = Instant::now() + ms(wait);
                        limiter.pause_until(&key, resume).unwrap();
                        all[&key].pause_until(resume);
                    }
                    Step::PauseAll(wait) => {
                        let resume = Instant::now() + ms(wait);
                        limiter.pause_all_until(resume);
                        all.values().for_each(|one| one.pause_until(resume));
                    }
                    Step::Sleep(wait) => advance(ms(wait)).await,
                }
            }
        });
    }
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "polled after it had completed")]
async fn polling_a_refused_request_of_a_key_again_panics() {
    let limiter = KeyedRateLimiter::<u8>::new(NonZeroUsize::MIN, Rate::per_second(NonZeroU32::MIN));
    let mut refused = ByHand::new(limiter.acquire_many(&1, many(2)));
    assert!(refused.poll().is_ready());
    let _ = refused.poll();
}

#[tokio::test(start_paused = true)]
async fn a_full_table_whose_keys_stay_busy_asks_for_a_pause_that_is_worth_it() {
    let limiter = KeyedRateLimiter::<u32>::new(NonZeroUsize::MIN, Rate::per_second(NonZeroU32::MIN));
    limiter.try_acquire(&1).unwrap();
    let mut busy = ByHand::new(limiter.acquire(&1)).waits();
    for _ in 0..6 {
        let refused = limiter.try_acquire(&2).unwrap_err();
        assert!(refused.retry_after().unwrap() >= Duration::from_millis(500), "{refused}");
        // There is always somebody who waits.
        let next = ByHand::new(limiter.acquire(&1)).waits();
        advance(Duration::from_secs(1)).await;
        assert!(busy.poll().is_ready());
        busy = next;
    }
}
