//! [`RateLimiter`], on a paused clock.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bowline_sync::{Rate, RateLimiter, RateRefused};
use bowline_testing::assert_cancel_safe;
use tokio::time::{Instant, advance, sleep, sleep_until, timeout};

use crate::support::{ByHand, on_both_runtimes};

const fn per_second(permits: u32) -> Rate {
    Rate::per_second(NonZeroU32::new(permits).expect("not zero"))
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const fn many(permits: u32) -> NonZeroU32 {
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
async fn lk_20_more_than_the_burst_is_refused_at_once_and_holds_up_nobody() {
    let limiter = RateLimiter::with_burst(per_second(10), many(3));
    let refused = limiter.acquire_many(many(4)).await.unwrap_err();
    assert_eq!((refused.permits(), refused.burst()), (many(4), many(3)));
    assert_eq!(limiter.try_acquire_many(many(4)), Err(RateRefused::ExceedsBurst(refused)));
    assert_eq!(limiter.try_acquire_many(many(4)).unwrap_err().retry_after(), None);
    assert_eq!(limiter.peek_many(many(4)), Err(refused));
    let message =
        "4 permits at once exceed the burst of 3: ask for fewer at a time, or make the limiter with a larger burst";
    assert_eq!(refused.to_string(), message);
    assert_eq!(limiter.try_acquire_many(many(3)), Ok(()), "the refused ones have taken nothing");
}

#[tokio::test(start_paused = true)]
async fn lk_20_a_refused_request_does_not_wait_behind_others() {
    let limiter = RateLimiter::with_burst(per_second(10), many(3));
    limiter.acquire_many(many(3)).await.unwrap();
    let _head = ByHand::new(limiter.acquire()).waits();
    assert!(ByHand::new(limiter.acquire_many(many(4))).finish().is_err());
    assert_eq!(limiter.statistics().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn lk_21_a_large_request_is_not_starved_by_a_stream_of_small_ones() {
    let limiter = Arc::new(RateLimiter::with_burst(per_second(10), many(5)));
    let stream: Vec<_> = (0..8)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                loop {
                    limiter.acquire().await;
                }
            })
        })
        .collect();
    let newcomers = {
        let limiter = Arc::clone(&limiter);
        tokio::spawn(async move {
            loop {
                sleep(ms(10)).await;
                let _ = limiter.try_acquire();
            }
        })
    };
    sleep(ms(3_050)).await;
    let start = Instant::now();
    limiter.acquire_many(many(5)).await.unwrap();
    // Eight stand before it; then it is the first, for at most five slots.
    assert!(start.elapsed() <= ms(800 + 500), "{:?}", start.elapsed());
    stream.iter().chain([&newcomers]).for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn a_large_request_takes_its_slots_and_those_behind_it_come_after() {
    let limiter = RateLimiter::with_burst(per_second(10), many(4));
    let start = Instant::now();
    limiter.acquire_many(many(3)).await.unwrap();
    let at = async |permits, due| {
        limiter.acquire_many(many(permits)).await.unwrap();
        assert_eq!(start.elapsed(), ms(due), "of {permits}");
    };
    tokio::join!(at(4, 300), at(1, 400), at(2, 600), at(4, 1_000));
    assert_eq!(limiter.statistics().granted, 14);
}

#[tokio::test(start_paused = true)]
async fn lk_22_small_ones_behind_a_cancelled_large_one_proceed_at_once() {
    let limiter = RateLimiter::with_burst(per_second(10), many(4));
    limiter.acquire_many(many(2)).await.unwrap();
    let large = ByHand::new(limiter.acquire_many(many(4))).waits();
    let [first, second, third] = [(); 3].map(|()| ByHand::new(limiter.acquire()).waits());
    drop(large);
    assert_eq!(first.wakes(), 1);
    first.finish();
    assert_eq!(second.wakes(), 1);
    second.finish();
    third.waits();
}

#[tokio::test(start_paused = true)]
async fn lk_15_exactly_what_was_granted_comes_back() {
    let limiter = RateLimiter::with_burst(per_second(10), many(4));
    limiter.acquire_many(many(4)).await.unwrap();
    let large = ByHand::new(limiter.acquire_many(many(3))).waits();
    let behind = ByHand::new(limiter.acquire_many(many(3))).waits();
    advance(ms(300)).await;
    assert_eq!(limiter.peek(), ms(400));
    assert!(large.wakes() > 0 && limiter.statistics().granted == 7);
    drop(large);
    behind.finish().unwrap();
    assert_eq!((limiter.peek(), limiter.statistics().granted), (ms(100), 7));
    advance(ms(400)).await;
    assert_eq!(limiter.try_acquire_many(many(4)), Ok(()));
    assert_eq!(limiter.peek(), ms(100));
}

#[tokio::test(start_paused = true)]
async fn peek_says_when_and_takes_nothing() {
    let limiter = RateLimiter::with_burst(per_second(10), many(2));
    assert_eq!((limiter.peek(), limiter.peek_many(many(2))), (Duration::ZERO, Ok(Duration::ZERO)));
    limiter.try_acquire().unwrap();
    assert_eq!((limiter.peek(), limiter.peek_many(many(2))), (Duration::ZERO, Ok(ms(100))));
    limiter.try_acquire().unwrap();
    assert_eq!((limiter.peek(), limiter.peek_many(many(2))), (ms(100), Ok(ms(200))));
    let _waiter = ByHand::new(limiter.acquire_many(many(2))).waits();
    assert_eq!((limiter.peek(), limiter.statistics().waiting), (ms(300), 1));
    assert_eq!(limiter.try_acquire_many(many(2)).unwrap_err().retry_after(), Some(ms(400)));
    limiter.pause_for(ms(5_000));
    assert_eq!(limiter.peek(), ms(5_200));
}

/// Ten a second, and twelve a minute.
fn two_limits() -> RateLimiter {
    RateLimiter::with_burst(per_second(10), many(2)).and(Rate::per_minute(many(12)), many(4))
}

#[tokio::test(start_paused = true)]
async fn several_limits_hold_together_and_a_refusal_takes_nothing() {
    let limiter = two_limits();
    for _ in 0..2 {
        limiter.try_acquire().unwrap();
    }
    for _ in 0..3 {
        assert_eq!(limiter.try_acquire().unwrap_err().duration(), ms(100), "the first limit");
    }
    advance(ms(200)).await;
    assert_eq!(limiter.try_acquire_many(many(2)), Ok(()), "the refused ones have taken nothing of the second limit");
    assert_eq!(limiter.try_acquire().unwrap_err().duration(), ms(4_800), "the second limit");
    assert!(limiter.try_acquire_many(many(3)).unwrap_err().retry_after().is_none(), "more than the smaller burst");
    let limits = limiter.statistics().limits;
    assert_eq!((limits[0].rate, limits[0].burst), (per_second(10), many(2)));
    assert_eq!((limits[1].rate, limits[1].burst), (Rate::per_minute(many(12)), many(4)));
}

#[tokio::test(start_paused = true)]
async fn slots_of_one_limit_that_pass_while_another_is_waited_for_do_not_pile_up() {
    let limiter = two_limits();
    limiter.acquire_many(many(2)).await.unwrap();
    limiter.acquire_many(many(2)).await.unwrap();
    let waiters: Vec<_> = (0..6).map(|_| ByHand::new(limiter.acquire()).waits()).collect();
    advance(ms(4_000)).await;
    limiter.set_rate_of(1, per_second(1_000)).unwrap();
    advance(ms(5)).await;
    let _ = limiter.try_acquire();
    // The first was woken for its timer; two are the burst of the first limit, and the one behind them sets its timer.
    let woken = waiters.iter().filter(|waiter| waiter.wakes() > 0).count();
    assert_eq!((woken, limiter.statistics().granted), (3, 6));
}

#[tokio::test(start_paused = true)]
async fn a_late_slot_is_not_lost_when_something_changes() {
    let limiter = RateLimiter::new(per_second(10));
    limiter.acquire().await;
    let [first, gone, third, fourth] = [(); 4].map(|()| ByHand::new(limiter.acquire()).waits());
    advance(ms(250)).await;
    drop(gone);
    first.finish();
    third.finish();
    fourth.waits();
}

#[tokio::test(start_paused = true)]
async fn waiters_get_every_slot_of_the_slower_limit() {
    let limiter = Arc::new(two_limits());
    let start = Instant::now();
    for _ in 0..16 {
        limiter.acquire().await;
    }
    assert_eq!(start.elapsed(), ms(60_000), "four at once, twelve a minute");
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_not_there_is_not_set() {
    let limiter = two_limits();
    limiter.set_rate_of(0, per_second(1)).unwrap();
    assert_eq!(limiter.statistics().limits[0].rate, per_second(1));
    let refused = limiter.set_rate_of(2, per_second(1)).unwrap_err();
    assert!(refused.to_string().starts_with("the limiter has no limit number 2"));
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
