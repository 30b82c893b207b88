//! [`RateLimiter`]: requests for several slots at once, and several limits.

use std::{sync::Arc, time::Duration};

use bowline_sync::{Rate, RateLimiter, RateRefused};
use tokio::time::{Instant, advance, sleep};

use crate::{
    rate_limiter::{many, ms, per_second},
    support::ByHand,
};

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
#[should_panic(expected = "polled after it had completed")]
async fn polling_a_refused_request_again_panics() {
    let limiter = RateLimiter::new(per_second(10));
    let mut refused = ByHand::new(limiter.acquire_many(many(2)));
    assert!(refused.poll().is_ready());
    let _ = refused.poll();
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

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_added_to_a_limiter_in_use_holds() {
    let limiter = RateLimiter::with_burst(per_second(100), many(100));
    limiter.acquire().await;
    let limiter = limiter.and(Rate::per_hour(many(1)), many(1));
    assert!(limiter.try_acquire().is_ok());
    assert!(limiter.try_acquire().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_over_costs_nothing_at_another_rate() {
    let limiter = RateLimiter::with_burst(per_second(1_000), many(1_000));
    limiter.acquire().await;
    limiter.pause_for(ms(1));
    advance(Duration::from_secs(10)).await;
    limiter.set_rate(per_second(1));
    assert_eq!(limiter.peek_many(many(1_000)), Ok(Duration::ZERO));
}
