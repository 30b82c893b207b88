//! [`Admission`], on a paused clock.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bowline_sync::{Admission, AdmissionRefused, Rate};
use bowline_testing::assert_cancel_safe;
use tokio::time::{Instant, advance, sleep};

use crate::support::{ByHand, on_both_runtimes};

const fn per_second(permits: u32) -> Rate {
    Rate::per_second(NonZeroU32::new(permits).expect("not zero"))
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn many(burst: u32) -> NonZeroU32 {
    NonZeroU32::new(burst).expect("not zero")
}

#[test]
fn never_more_inside_than_the_capacity_on_both_runtimes() {
    on_both_runtimes(|| async {
        let admission = Arc::new(Admission::with_burst(3, per_second(10_000), many(100)));
        let (inside, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let (admission, inside, most) = (Arc::clone(&admission), Arc::clone(&inside), Arc::clone(&most));
                tokio::spawn(async move {
                    let _permit = admission.acquire_owned().await;
                    most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= 3);
        let now = admission.statistics();
        assert_eq!((now.in_use, now.granted, now.waiting), (0, 40, 0));
    });
}

#[tokio::test(start_paused = true)]
async fn lk_01_the_head_waits_for_room_and_rate_and_nobody_overtakes_it() {
    let admission = Admission::new(1, per_second(10));
    let held = admission.acquire().await;
    let [head, second] = [(); 2].map(|()| ByHand::new(admission.acquire()).waits());
    advance(ms(50)).await;
    drop(held);
    assert_eq!(head.wakes(), 1, "it has to set its timer");
    let head = head.waits();
    assert_eq!(admission.try_acquire().unwrap_err(), admission.try_acquire().unwrap_err());
    assert_eq!(admission.try_acquire().unwrap_err().retry_after(), Some(ms(250)), "the slot after those two");
    advance(ms(50)).await;
    let held = head.finish();
    assert_eq!(second.wakes(), 0, "there is no room for it");
    drop(held);
    second.waits();
}

#[tokio::test(start_paused = true)]
async fn slots_that_pass_while_there_is_no_room_do_not_pile_up() {
    let admission = Admission::with_burst(2, per_second(10), many(2));
    let mut held: Vec<_> = [admission.acquire().await, admission.acquire().await].into();
    let waiters: Vec<_> = (0..6).map(|_| ByHand::new(admission.acquire()).waits()).collect();
    advance(ms(60_000)).await;
    admission.set_capacity(9);
    let ready = waiters.iter().filter(|waiter| waiter.wakes() > 0).count();
    assert_eq!(ready, 3, "a burst of two, and the head that sets its timer");
    let mut waiters = waiters.into_iter();
    held.extend([waiters.next().unwrap().finish(), waiters.next().unwrap().finish()]);
    let third = waiters.next().unwrap().waits();
    advance(ms(100)).await;
    drop(third.finish());
}

#[tokio::test(start_paused = true)]
async fn a_place_that_comes_back_after_a_long_wait_brings_one_burst() {
    let admission = Admission::new(1, per_second(10));
    let held = admission.acquire().await;
    let [first, second] = [(); 2].map(|()| ByHand::new(admission.acquire()).waits());
    advance(ms(5_000)).await;
    drop(held);
    drop(first.finish());
    let second = second.waits();
    advance(ms(100)).await;
    drop(second.finish());
}

#[tokio::test(start_paused = true)]
async fn a_late_timer_makes_up_for_the_slots_that_passed_while_there_was_room() {
    let admission = Admission::new(9, per_second(10));
    let _held = admission.acquire().await;
    let [first, second, third] = [(); 3].map(|()| ByHand::new(admission.acquire()).waits());
    advance(ms(250)).await;
    let _first = first.finish();
    let _second = second.finish();
    third.waits();
}

#[tokio::test(start_paused = true)]
async fn lk_10_try_acquire_says_what_is_missing() {
    let admission = Admission::new(1, per_second(10));
    let held = admission.try_acquire().unwrap();
    let refused = admission.try_acquire().unwrap_err();
    assert_eq!((refused, refused.retry_after()), (AdmissionRefused::AtCapacity, None));
    assert!(refused.to_string().starts_with("the admission is at capacity"));
    drop(held);
    let refused = admission.try_acquire().unwrap_err();
    assert_eq!(refused.retry_after(), Some(ms(100)));
    assert!(refused.to_string().starts_with("the rate is used up: try again in 100ms"));
}

#[tokio::test(start_paused = true)]
async fn lk_15_what_a_dropped_grant_held_goes_to_the_next_or_back() {
    let admission = Admission::with_burst(1, per_second(10), many(2));
    let held = admission.acquire().await;
    let [granted, next] = [(); 2].map(|()| ByHand::new(admission.acquire()).waits());
    drop(held);
    assert_eq!((granted.wakes(), next.wakes()), (1, 0));
    drop(granted);
    assert_eq!(next.wakes(), 1, "it has the room and the slot");
    drop(next.finish());
    let now = admission.statistics();
    assert_eq!((now.in_use, now.waiting, now.granted), (0, 0, 2));
    assert_eq!(admission.try_acquire().unwrap_err().retry_after(), Some(ms(100)), "two slots are spent");
}

#[tokio::test(start_paused = true)]
async fn lk_19_a_waiter_that_goes_away_wakes_nobody_while_there_is_no_room() {
    let admission = Admission::new(1, per_second(1_000));
    let _held = admission.acquire().await;
    let [first, second, third] = [(); 3].map(|()| ByHand::new(admission.acquire()).waits());
    assert!(second.leaves_nothing() && first.leaves_nothing());
    assert_eq!(third.wakes(), 0);
    assert_eq!(admission.statistics().waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_lower_capacity_takes_nothing_away_and_zero_closes_the_gate() {
    let admission = Admission::with_burst(2, per_second(10), many(9));
    let (first, second) = (admission.acquire().await, admission.acquire().await);
    admission.set_capacity(0);
    assert_eq!((admission.statistics().in_use, admission.statistics().capacity), (2, 0));
    drop((first, second));
    let waiter = ByHand::new(admission.acquire()).waits();
    admission.set_capacity(1);
    assert_eq!(waiter.wakes(), 1);
    drop(waiter.finish());
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_a_new_rate_hold_for_those_who_wait() {
    let admission = Arc::new(Admission::new(9, Rate::per_hour(NonZeroU32::MIN)));
    let start = Instant::now();
    let _held = admission.acquire().await;
    let waiter = {
        let admission = Arc::clone(&admission);
        tokio::spawn(async move { drop(admission.acquire().await) })
    };
    sleep(ms(1)).await;
    admission.set_rate(per_second(10));
    admission.pause_until(start + ms(500));
    assert_eq!(admission.statistics().paused_until, Some(start + ms(500)));
    waiter.await.unwrap();
    assert!((ms(500)..=ms(502)).contains(&start.elapsed()));
    admission.pause_for(ms(900));
    assert_eq!(admission.try_acquire().unwrap_err().retry_after(), Some(ms(900)));
    assert_eq!(admission.statistics().limit.rate, per_second(10));
}

#[test]
fn futures_may_be_dropped_anywhere() {
    let visited = assert_cancel_safe(
        async || {
            let admission = Arc::new(Admission::new(1, per_second(1_000)));
            let held = admission.acquire_owned().await;
            let work = {
                let admission = Arc::clone(&admission);
                async move {
                    let other = async {
                        tokio::task::yield_now().await;
                        drop(held);
                    };
                    let (first, second, ()) = tokio::join!(admission.acquire(), admission.acquire_owned(), async {
                        other.await;
                        admission.set_capacity(2);
                    });
                    drop((first, second));
                }
            };
            (work, admission)
        },
        async |admission| {
            let now = admission.statistics();
            assert_eq!((now.in_use, now.waiting), (0, 0));
            drop(admission.acquire().await);
        },
    );
    visited.at_least(2);
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "polled after it had completed")]
async fn polling_after_completion_panics() {
    let admission = Admission::new(1, per_second(10));
    let mut acquire = ByHand::new(admission.acquire());
    assert!(acquire.poll().is_ready());
    let _ = acquire.poll();
}
