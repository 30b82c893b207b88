//! [`RateLimiter`], on a paused clock.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bowline_sync::{KeyedRateLimiter, Rate, RateLimiter};
use bowline_testing::assert_cancel_safe;
use tokio::time::{Instant, advance, sleep, sleep_until, timeout};

use crate::support::{ByHand, on_both_runtimes};

pub(crate) const fn per_second(permits: u32) -> Rate {
    Rate::per_second(NonZeroU32::new(permits).expect("not zero"))
}

pub(crate) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

pub(crate) const fn many(permits: u32) -> NonZeroU32 {
    NonZeroU32::new(permits).expect("not zero")
}

#[test]
fn acquires_on_both_runtimes() {
    static LIMITER: RateLimiter = RateLimiter::new(per_second(10_000));
    on_both_runtimes(|| async {
        for _ in 0..3 {
            LIMITER.acquire().await;
        }
    });
    assert_eq!(LIMITER.statistics().granted, 6);
}

/// 64 tasks that always want a slot: how many each got, after checking that all of them together got every slot of the grid.
async fn share_of_each(rate: u32, seconds: u32) -> Vec<u64> {
    // Off the timer's raster, so that every timer of the head is late.
    advance(Duration::from_micros(300)).await;
    let limiter = Arc::new(RateLimiter::new(per_second(rate)));
    let start = Instant::now();
    let shares: Vec<_> = (0..64)
        .map(|_| {
            let (limiter, share) = (Arc::clone(&limiter), Arc::new(AtomicU64::new(0)));
            let counter = Arc::clone(&share);
            tokio::spawn(async move {
                loop {
                    limiter.acquire().await;
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            });
            share
        })
        .collect();
    sleep(Duration::from_secs(u64::from(seconds))).await;
    // Any call grants what has come by now.
    limiter.try_acquire().expect_err("64 wait");
    let slots = start.elapsed().as_nanos() * u128::from(rate) / 1_000_000_000 + 1;
    assert_eq!(u128::from(limiter.statistics().granted), slots, "of the slots of {rate} a second");
    shares.iter().map(|share| share.load(Ordering::Relaxed)).collect()
}

#[tokio::test(start_paused = true)]
async fn sixty_four_waiters_get_every_slot_in_equal_shares() {
    for rate in [1_000, 700, 20_000] {
        let shares = share_of_each(rate, 10).await;
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        assert!(most - least <= most / 10, "{least} to {most} of {rate} a second");
    }
}

#[tokio::test(start_paused = true)]
async fn waiters_are_served_in_order_each_at_its_slot() {
    let limiter = RateLimiter::new(per_second(10));
    let start = Instant::now();
    let ask = async |number: u64| {
        limiter.acquire().await;
        assert_eq!(start.elapsed(), ms(100 * number));
    };
    tokio::join!(ask(0), ask(1), ask(2), ask(3));
}

#[tokio::test(start_paused = true)]
async fn a_late_timer_grants_every_slot_that_has_passed() {
    let limiter = RateLimiter::new(per_second(10));
    limiter.acquire().await;
    let waiters = [(); 5].map(|()| ByHand::new(limiter.acquire()).waits());
    advance(ms(350)).await;
    let [first, second, third, fourth, fifth] = waiters;
    first.finish();
    assert_eq!([&second, &third, &fourth, &fifth].map(ByHand::wakes), [1, 1, 1, 0]);
    second.finish();
    third.finish();
    let fourth = fourth.waits();
    advance(ms(50)).await;
    fourth.finish();
    fifth.waits();
}

#[tokio::test(start_paused = true)]
async fn lk_15_the_slot_of_a_cancelled_waiter_goes_to_the_next() {
    let limiter = Arc::new(RateLimiter::new(per_second(10)));
    limiter.acquire().await;
    let start = Instant::now();
    let in_line = |limit| {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { timeout(limit, limiter.acquire()).await.map(|()| Instant::now()) })
    };
    let (head, middle) = (in_line(ms(50)), in_line(ms(60)));
    let (second, last) = (in_line(ms(900)), in_line(ms(900)));
    assert!(head.await.unwrap().is_err() && middle.await.unwrap().is_err());
    assert_eq!(second.await.unwrap().unwrap() - start, ms(100));
    assert_eq!(last.await.unwrap().unwrap() - start, ms(200));
}

#[tokio::test(start_paused = true)]
async fn lk_15_a_granted_slot_that_is_dropped_goes_to_the_next_or_back() {
    let limiter = RateLimiter::new(per_second(10));
    limiter.acquire().await;
    let [head, granted, next] = [(); 3].map(|()| ByHand::new(limiter.acquire()).waits());
    advance(ms(200)).await;
    head.finish();
    drop(granted);
    next.finish();
    let last = ByHand::new(limiter.acquire()).waits();
    advance(ms(100)).await;
    let _ = limiter.try_acquire();
    drop(last);
    assert_eq!(limiter.statistics().granted, 3);
    assert_eq!(limiter.try_acquire(), Ok(()), "nobody used the slot that had come");
}

#[tokio::test(start_paused = true)]
async fn lk_10_try_acquire_overtakes_nobody_and_says_when() {
    let limiter = RateLimiter::new(per_second(10));
    limiter.try_acquire().unwrap();
    assert_eq!(limiter.try_acquire().unwrap_err().duration(), ms(100));
    let [head, second] = [(); 2].map(|()| ByHand::new(limiter.acquire()).waits());
    advance(ms(100)).await;
    let refused = limiter.try_acquire().unwrap_err();
    assert_eq!(refused.duration(), ms(200), "behind the two in line");
    head.finish();
    second.waits();
    assert_eq!(refused.to_string(), "the rate is used up: try again in 200ms, or wait in line with `acquire`",);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_nobody_polls_is_driven_by_any_other_call() {
    let limiter = RateLimiter::new(per_second(10));
    limiter.acquire().await;
    let stalled = ByHand::new(limiter.acquire()).waits();
    let behind = ByHand::new(limiter.acquire()).waits();
    advance(ms(200)).await;
    assert_eq!(behind.wakes(), 0);
    let _ = limiter.try_acquire();
    assert_eq!(behind.wakes(), 1);
    behind.finish();
    stalled.finish();
}

#[tokio::test(start_paused = true)]
async fn unused_slots_are_worth_a_burst() {
    let limiter = RateLimiter::with_burst(per_second(10), NonZeroU32::new(3).unwrap());
    let taken = || std::iter::from_fn(|| limiter.try_acquire().ok()).count();
    assert_eq!(taken(), 3);
    advance(ms(150)).await;
    assert_eq!(taken(), 1);
    advance(ms(60_000)).await;
    assert_eq!(taken(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_for_those_who_wait_already() {
    let limiter = Arc::new(RateLimiter::with_burst(per_second(10), NonZeroU32::new(4).unwrap()));
    let start = Instant::now();
    for _ in 0..4 {
        limiter.acquire().await;
    }
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                limiter.acquire().await;
                Instant::now()
            })
        })
        .collect();
    sleep(ms(50)).await;
    limiter.pause_until(start + ms(2_000));
    assert_eq!(limiter.statistics().paused_until, Some(start + ms(2_000)));
    assert_eq!(limiter.try_acquire().unwrap_err().duration(), ms(1_950 + 300));
    for (number, waiter) in waiters.into_iter().enumerate() {
        assert_eq!(waiter.await.unwrap() - start, ms(2_000 + 100 * number as u64));
    }
    assert_eq!(limiter.statistics().paused_until, None);
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_never_shortened_and_gives_no_credit() {
    let limiter = RateLimiter::with_burst(per_second(10), NonZeroU32::new(4).unwrap());
    let start = Instant::now();
    limiter.pause_for(ms(5_000));
    limiter.pause_for(ms(1_000));
    limiter.pause_until(start - ms(1_000));
    sleep_until(start + ms(4_999)).await;
    assert!(limiter.try_acquire().is_err());
    sleep_until(start + ms(5_000)).await;
    assert!(limiter.try_acquire().is_ok());
    assert!(limiter.try_acquire().is_err(), "five idle seconds are no burst");
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_over_already_changes_nothing() {
    let limiter = RateLimiter::with_burst(per_second(10), NonZeroU32::new(4).expect("not zero"));
    limiter.pause_until(Instant::now() - ms(1_000));
    limiter.pause_until(Instant::now());
    assert_eq!(std::iter::from_fn(|| limiter.try_acquire().ok()).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_slot_granted_before_a_pause_and_given_back_in_it_stays_unused_until_its_end() {
    let limiter = RateLimiter::new(per_second(10));
    limiter.acquire().await;
    let start = Instant::now();
    let [_head, granted] = [(); 2].map(|()| ByHand::new(limiter.acquire()).waits());
    advance(ms(200)).await;
    let next = ByHand::new(limiter.acquire()).waits();
    assert_eq!(granted.wakes(), 1);
    limiter.pause_until(start + ms(1_000));
    drop(granted);
    advance(ms(799)).await;
    let next = next.waits();
    advance(ms(1)).await;
    next.finish();
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_all_clocks_is_only_long() {
    let limiter = RateLimiter::new(per_second(10));
    limiter.pause_for(Duration::MAX);
    let _waiter = ByHand::new(limiter.acquire()).waits();
    assert!(limiter.try_acquire().unwrap_err().duration() > Duration::from_secs(1 << 33));
}

#[tokio::test(start_paused = true)]
async fn a_new_rate_holds_for_those_who_wait_already() {
    let limiter = Arc::new(RateLimiter::new(Rate::per_hour(NonZeroU32::MIN)));
    limiter.acquire().await;
    let start = Instant::now();
    let waiter = {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move { limiter.acquire().await })
    };
    sleep(ms(1)).await;
    limiter.set_rate(per_second(10));
    waiter.await.unwrap();
    assert!((ms(100)..=ms(102)).contains(&start.elapsed()), "{:?}", start.elapsed());
    assert_eq!(limiter.statistics().limits[0].rate, per_second(10));
}

#[test]
fn a_rate_without_a_period_is_refused() {
    let refused = Rate::new(NonZeroU32::MIN, Duration::ZERO).unwrap_err();
    assert_eq!(refused.to_string(), "a rate needs a period between one nanosecond and 500 years, not 0ns",);
    assert!(Rate::new(NonZeroU32::MIN, Duration::MAX).is_err());
    assert_eq!(format!("{:?}", per_second(3)), "3 per 1s");
    let shown = [(60, 1000), (60, 60_000), (5, 2500), (7, 1200), (9, 3_600_000)]
        .map(|(permits, period)| Rate::new(many(permits), ms(period)).unwrap().to_string());
    assert_eq!(shown, ["60 per second", "60 per minute", "5 per 2.5s", "7 per 1.2s", "9 per hour"]);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "polled after it had completed")]
async fn polling_after_completion_panics() {
    let limiter = RateLimiter::new(per_second(10));
    let mut acquire = ByHand::new(limiter.acquire());
    assert!(acquire.poll().is_ready());
    let _ = acquire.poll();
}

#[tokio::test(start_paused = true)]
async fn an_owned_request_waits_in_the_same_line_and_gives_its_slot_back() {
    let limiter = Arc::new(RateLimiter::new(per_second(10)));
    limiter.acquire_owned().await;
    let [head, granted] = [(); 2].map(|()| ByHand::new(limiter.acquire_owned()).waits());
    let behind = ByHand::new(limiter.acquire()).waits();
    advance(ms(200)).await;
    head.finish();
    assert_eq!(granted.wakes(), 1);
    drop(granted);
    behind.finish();
    assert_eq!((limiter.statistics().granted, Arc::strong_count(&limiter)), (3, 1));
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "polled after it had completed")]
async fn polling_an_owned_request_after_completion_panics() {
    let mut acquire = ByHand::new(Arc::new(RateLimiter::new(per_second(10))).acquire_owned());
    assert!(acquire.poll().is_ready());
    let _ = acquire.poll();
}

#[tokio::test(start_paused = true)]
async fn every_slot_is_counted_in_whatever_way_it_was_taken() {
    let limiter = RateLimiter::with_burst(per_second(1_000), many(1_000));
    for taken in 1..=300 {
        if taken % 7 == 0 {
            limiter.acquire().await
        } else {
            limiter.try_acquire().unwrap()
        }
        assert!(taken % 50 != 0 || limiter.statistics().granted == taken, "{taken}");
    }
    assert_eq!(std::iter::from_fn(|| limiter.try_acquire().ok()).count(), 700);
    assert_eq!(limiter.statistics().granted, 1_000);
}

/// A keyed limiter has the same grid, and always takes its lock.
#[tokio::test(start_paused = true)]
async fn past_the_lock_the_answers_are_the_same() {
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    for (permits, period) in [(3, ms(1_000)), (7, ms(1)), (999_999_937, ms(1_000)), (400, century)] {
        let rate = Rate::new(many(permits), period).unwrap();
        let burst = many(permits.min(3));
        let locked = KeyedRateLimiter::with_burst(NonZeroUsize::MIN, rate, burst);
        let limiter = RateLimiter::with_burst(rate, burst);
        for step in 0..600_u64 {
            if step == 400 {
                limiter.set_rate(per_second(11));
                locked.set_rate(per_second(11));
            }
            let expected = locked.try_acquire(&()).map_err(|refused| refused.retry_after());
            assert_eq!(
                limiter.try_acquire().map_err(|refused| Some(refused.duration())),
                expected,
                "{step} of {rate:?}"
            );
            advance(Duration::from_nanos(step * step * step % 300_000_007)).await;
        }
    }
}

#[test]
fn threads_that_ask_at_once_take_no_slot_twice() {
    let limiter = RateLimiter::with_burst(Rate::per_minute(NonZeroU32::MIN), many(100_000));
    let start = std::sync::Barrier::new(4);
    let taken = || {
        start.wait();
        (0..50_000).filter(|_| limiter.try_acquire().is_ok()).count()
    };
    let of_all: usize = std::thread::scope(|scope| {
        [(); 4].map(|()| scope.spawn(taken)).map(|thread| thread.join().unwrap()).iter().sum()
    });
    assert_eq!((of_all, limiter.statistics().granted), (100_000, 100_000));
}

#[test]
fn futures_may_be_dropped_anywhere() {
    let visited = assert_cancel_safe(
        async || {
            let limiter = Arc::new(RateLimiter::with_burst(per_second(1_000), many(3)));
            let work = {
                let limiter = Arc::clone(&limiter);
                async move {
                    limiter.acquire_many(many(3)).await.unwrap();
                    let (large, _, ()) = tokio::join!(limiter.acquire_many(many(3)), limiter.acquire(), async {
                        tokio::task::yield_now().await;
                        limiter.pause_for(ms(2));
                    });
                    large.unwrap();
                }
            };
            (work, limiter)
        },
        async |limiter| {
            let now = limiter.statistics();
            assert_eq!(now.waiting, 0);
            assert!([0, 3, 6, 7].contains(&now.granted), "{}", now.granted);
            limiter.acquire_many(many(3)).await.unwrap();
        },
    );
    visited.at_least(2);
}

#[cfg(not(feature = "inspect"))]
#[test]
fn a_waiting_future_is_small() {
    let limiter = RateLimiter::new(per_second(1));
    // Its place in the line takes 32 bytes more.
    assert!(size_of_val(&limiter.acquire()) <= 32 && size_of_val(&limiter.acquire_many(many(1))) <= 32);
}
