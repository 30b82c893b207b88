//! Pauses that are ended, the end of the clock, and heads of the line that nobody polls.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use bowline_sync::{Admission, KeyedRateLimiter, Rate, RateLimiter};
use tokio::{
    task::yield_now,
    time::{Instant, advance, sleep, timeout},
};

use crate::support::{ByHand, on_both_runtimes};

const ONE: NonZeroU32 = NonZeroU32::MIN;
const HOURLY: Rate = Rate::per_hour(ONE);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[test]
fn a_pause_is_ended_for_those_who_wait() {
    on_both_runtimes(|| async {
        let limiter = RateLimiter::new(HOURLY);
        limiter.pause_for(Duration::MAX);
        let waiter = ByHand::new(limiter.acquire()).waits();
        limiter.resume();
        assert_eq!((waiter.wakes(), limiter.statistics().paused_until), (1, None));
        waiter.finish();

        let admission = Admission::new(1, HOURLY);
        admission.pause_for(Duration::MAX);
        let waiter = ByHand::new(admission.acquire()).waits();
        admission.resume();
        assert_eq!((waiter.wakes(), admission.statistics().paused_until), (1, None));
        drop(waiter.finish());
    });
}

#[test]
fn a_pause_of_a_key_is_ended_and_a_pause_of_all() {
    on_both_runtimes(|| async {
        let far = Instant::now() + YEAR;
        let limiter = KeyedRateLimiter::<u32>::new(NonZeroUsize::MIN.saturating_add(1), HOURLY);
        limiter.pause_all_until(far);
        let one = ByHand::new(limiter.acquire(&1)).waits();
        let two = ByHand::new(limiter.acquire(&2)).waits();
        limiter.resume(&1);
        limiter.resume(&3);
        assert_eq!((one.wakes(), two.wakes(), limiter.statistics().waiting), (1, 0, 1));
        one.finish().unwrap();
        limiter.resume_all();
        two.finish().unwrap();
        assert_eq!(limiter.statistics().waiting, 0);

        // New ones are not paused any more.
        let limiter = KeyedRateLimiter::<u32>::new(NonZeroUsize::MIN.saturating_add(4), HOURLY);
        limiter.pause_all_until(far);
        limiter.resume_all();
        assert_eq!(limiter.peek(&0), Duration::ZERO);

        // And a key whose pause was ended may be forgotten, wherever it stands in the table.
        for ended in 0..5 {
            let limiter = KeyedRateLimiter::<u32>::new(NonZeroUsize::MIN.saturating_add(4), HOURLY);
            (0..5).for_each(|key| limiter.pause_until(&key, far).unwrap());
            assert!(limiter.try_acquire(&9).is_err());
            limiter.resume(&ended);
            limiter.try_acquire(&9).unwrap();
        }
    });
}

#[test]
fn slots_that_were_taken_before_a_pause_count_when_it_is_ended() {
    on_both_runtimes(|| async {
        let limiter = RateLimiter::new(HOURLY);
        limiter.try_acquire().unwrap();
        limiter.pause_for(2 * YEAR);
        limiter.resume();
        let wait = limiter.peek();
        assert!(wait > Duration::from_secs(3590) && wait <= Duration::from_secs(3600), "{wait:?}");
    });
}

/// Neither spins: the waker of such a request is not called.
#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_clock_requests_wait() {
    let limiter = RateLimiter::new(Rate::per_second(ONE));
    limiter.acquire().await;
    limiter.pause_for(Duration::MAX);
    let waiter = ByHand::new(limiter.acquire()).waits();
    assert!(timeout(YEAR, limiter.acquire()).await.is_err());
    drop(waiter);

    let limiter = RateLimiter::new(Rate::per_second(ONE));
    limiter.acquire().await;
    advance(585 * YEAR).await;
    limiter.acquire().await;
    let waiter = ByHand::new(limiter.acquire()).waits();
    yield_now().await; // a waker that is called for lack of budget is called now
    assert_eq!(waiter.wakes(), 0);
}

/// The first in line may live in a runtime that stands still. Who is polled behind it, for whatever reason, hands out what has come.
#[test]
fn a_waiter_that_is_polled_serves_those_before_it() {
    on_both_runtimes(|| async {
        let limiter = RateLimiter::with_burst(HOURLY, NonZeroU32::MAX);
        limiter.try_acquire_many(NonZeroU32::MAX).unwrap();
        let first = ByHand::new(limiter.acquire()).waits();
        let mut next = ByHand::new(limiter.acquire()).waits();
        let last = ByHand::new(limiter.acquire_many(NonZeroU32::MAX)).waits();
        limiter.set_rate(Rate::per_second(ONE.saturating_add(999)));
        sleep(Duration::from_millis(3)).await;
        let told = first.wakes();
        let last = last.waits();
        assert_eq!((limiter.statistics().waiting, first.wakes()), (1, told + 1));
        assert!(next.poll().is_ready());
        first.finish();
        drop(last);
    });
}
