//! [`Limiter`].

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bowline_sync::{AtCapacity, Limiter};

use crate::support::{ByHand, on_both_runtimes};

/// in use, waiting
pub(crate) fn counts(limiter: &Limiter) -> (usize, usize) {
    let statistics = limiter.statistics();
    (statistics.in_use, statistics.waiting)
}

#[test]
fn lk_01_waiters_are_granted_in_order_of_arrival() {
    let limiter = Limiter::new(1);
    let held = limiter.try_acquire().unwrap();
    let [first, second] = [(); 2].map(|()| ByHand::new(limiter.acquire()).waits());
    drop(held);
    assert_eq!((first.wakes(), second.wakes()), (1, 0));
    let second = second.waits();
    drop(first.finish());
    drop(second.finish());
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn lk_02_never_more_inside_than_the_capacity() {
    on_both_runtimes(|| async {
        let limiter = Arc::new(Limiter::new(2));
        let inside = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..5)
            .map(|_| {
                let (limiter, inside) = (Arc::clone(&limiter), Arc::clone(&inside));
                tokio::spawn(async move {
                    for _ in 0..100 {
                        let _permit = limiter.acquire().await;
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                        tokio::task::yield_now().await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        assert_eq!(counts(&limiter), (0, 0));
    });
}

#[test]
fn lk_04_release_and_cancel_of_the_first_waiter_coincide() {
    let limiter = Limiter::new(1);
    let held = limiter.try_acquire().unwrap();
    let [first, second, third] = [(); 3].map(|()| ByHand::new(limiter.acquire()).waits());
    drop(held);
    drop(first);
    assert_eq!((second.wakes(), third.wakes()), (1, 0));
    let _permit = second.finish();
    third.waits();
}

#[test]
fn lk_06_a_permit_comes_back_by_error_and_panic() {
    let limiter = Limiter::new(1);
    let fails = || -> Result<(), AtCapacity> {
        let _permit = limiter.try_acquire()?;
        let _second = limiter.try_acquire()?;
        Ok(())
    };
    assert_eq!(fails(), Err(AtCapacity));
    let panics = std::panic::AssertUnwindSafe(|| {
        let _permit = limiter.try_acquire();
        panic!("inside");
    });
    assert!(std::panic::catch_unwind(panics).is_err());
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn lk_09_an_uncontended_acquire_does_not_yield() {
    let limiter = Arc::new(Limiter::new(2));
    let _borrowed = ByHand::new(limiter.acquire()).finish();
    let _owned = ByHand::new(limiter.acquire_owned()).finish();
    assert_eq!(counts(&limiter), (2, 0));
}

#[test]
fn lk_10_try_acquire_does_not_take_a_permit_that_is_promised() {
    let limiter = Limiter::new(1);
    let held = limiter.try_acquire().unwrap();
    let waiter = ByHand::new(limiter.acquire()).waits();
    drop(held);
    assert_eq!(limiter.try_acquire().unwrap_err(), AtCapacity);
    let _newcomer = ByHand::new(limiter.acquire()).waits();
    drop(waiter.finish());
}

#[test]
fn lk_11_a_static_limiter_works_in_several_runtimes() {
    static LIMITER: Limiter = Limiter::new(1);
    on_both_runtimes(|| async { drop(LIMITER.acquire().await) });
}

#[test]
fn lk_12_statistics_and_debug() {
    let limiter = Limiter::new(1);
    let _held = limiter.try_acquire().unwrap();
    let _waiter = ByHand::new(limiter.acquire()).waits();
    assert_eq!(limiter.statistics().capacity, 1);
    assert_eq!(format!("{limiter:?}"), "Limiter { capacity: 1, in_use: 1, waiting: 1 }");
}

#[test]
fn lk_14_three_permits_for_four() {
    let limiter = Limiter::new(3);
    let mut permits: Vec<_> = (1..=3)
        .map(|taken| {
            let permit = ByHand::new(limiter.acquire()).finish();
            assert_eq!(counts(&limiter), (taken, 0));
            permit
        })
        .collect();
    let fourth = ByHand::new(limiter.acquire()).waits();
    assert_eq!(counts(&limiter), (3, 1));
    permits.pop();
    assert_eq!(counts(&limiter), (3, 0), "handed over, never free");
    drop(fourth.finish());
    assert_eq!(counts(&limiter), (2, 0));
}

#[test]
fn lk_15_a_woken_waiter_that_is_cancelled_passes_the_permit_on() {
    let limiter = Arc::new(Limiter::new(1));
    let held = limiter.try_acquire().unwrap();
    let woken = ByHand::new(limiter.acquire_owned()).waits();
    let next = ByHand::new(limiter.acquire()).waits();
    drop(held);
    assert_eq!(woken.wakes(), 1);
    drop(woken);
    assert_eq!(next.wakes(), 1);
    drop(next);
    assert_eq!(counts(&limiter), (0, 0), "and back to the limiter when nobody is left");
}

#[test]
fn lk_16_asking_again_goes_to_the_back() {
    let limiter = Limiter::new(1);
    let held = limiter.try_acquire().unwrap();
    let first = ByHand::new(limiter.acquire()).waits();
    drop(held);
    let again = ByHand::new(limiter.acquire()).waits();
    drop(first.finish());
    assert_eq!(again.wakes(), 1);
}

#[test]
fn lk_19_cancelling_a_waiter_wakes_nobody() {
    let limiter = Limiter::new(1);
    let _held = limiter.try_acquire().unwrap();
    let [first, second, third] = [(); 3].map(|()| ByHand::new(limiter.acquire()).waits());
    drop(second);
    drop(first);
    assert_eq!(third.wakes(), 0);
    assert_eq!(counts(&limiter), (1, 1));
}

#[test]
fn lk_26_raised_limiter_admits_waiters_in_order() {
    let limiter = Limiter::new(0);
    let [first, second, third] = [(); 3].map(|()| ByHand::new(limiter.acquire()).waits());
    limiter.set_capacity(2);
    assert_eq!([&first, &second, &third].map(ByHand::wakes), [1, 1, 0]);
    let _permits = (first.finish(), second.finish());
    let third = third.waits();
    limiter.set_capacity(usize::MAX);
    drop(third.finish());
}

#[test]
fn lk_27_lowered_limiter_takes_nothing_and_admits_nobody_until_below() {
    let limiter = Limiter::new(3);
    let mut permits: Vec<_> = (0..3).map(|_| limiter.try_acquire().unwrap()).collect();
    let waiter = ByHand::new(limiter.acquire()).waits();
    limiter.set_capacity(1);
    assert_eq!(counts(&limiter), (3, 1));
    permits.pop();
    permits.pop();
    assert_eq!((counts(&limiter), waiter.wakes()), ((1, 1), 0));
    permits.pop();
    assert_eq!(waiter.wakes(), 1);
    limiter.set_capacity(0);
    drop(waiter.finish());
    assert!(limiter.try_acquire().is_err());
}

#[test]
fn lk_27_lowered_while_nobody_waits_it_admits_nobody_until_below() {
    let limiter = Limiter::new(2);
    let mut permits: Vec<_> = (0..2).map(|_| limiter.try_acquire().unwrap()).collect();
    limiter.set_capacity(1);
    permits.pop();
    assert_eq!((counts(&limiter), limiter.try_acquire().unwrap_err()), ((1, 0), AtCapacity));
    permits.pop();
    drop(limiter.try_acquire().unwrap());
}

#[test]
fn lk_29_a_cancelled_waiter_leaves_no_record() {
    let limiter = Limiter::new(0);
    for _ in 0..1_000 {
        assert!(ByHand::new(limiter.acquire()).waits().leaves_nothing());
    }
    assert_eq!(counts(&limiter), (0, 0));
    limiter.set_capacity(1);
    drop(ByHand::new(limiter.acquire()).finish());
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn polling_after_completion_panics() {
    let limiter = Limiter::new(2);
    let mut acquire = ByHand::new(limiter.acquire());
    let _permit = acquire.poll();
    let _ = acquire.poll();
}

#[test]
fn a_waiter_that_changes_hands_is_woken_by_its_new_waker() {
    let limiter = Limiter::new(0);
    let mut acquire = limiter.acquire();
    let _ = ByHand::new(&mut acquire).waits();
    let second = ByHand::new(&mut acquire).waits();
    limiter.set_capacity(1);
    assert_eq!(second.wakes(), 1);
}
