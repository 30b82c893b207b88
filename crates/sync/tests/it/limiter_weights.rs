//! [`Limiter`]: requests for several permits at once.

use std::{num::NonZeroUsize, sync::Arc};

use bowline_sync::{AtCapacity, Limiter, TryAcquireManyError};
use bowline_testing::assert_cancel_safe;

use crate::{
    limiter::counts,
    support::{ByHand, on_both_runtimes},
};

fn weight(permits: usize) -> NonZeroUsize {
    NonZeroUsize::new(permits).expect("a test asks for something")
}

#[test]
fn lk_14_a_permit_knows_its_weight_and_gives_all_of_it_back() {
    on_both_runtimes(|| async {
        let limiter = Arc::new(Limiter::new(10));
        let borrowed = limiter.acquire_many(weight(3)).await.unwrap();
        let owned = limiter.acquire_many_owned(weight(4)).await.unwrap();
        let tried = limiter.try_acquire_many_owned(weight(3)).unwrap();
        assert_eq!([borrowed.weight(), owned.weight(), tried.weight()].map(NonZeroUsize::get), [3, 4, 3]);
        assert_eq!(counts(&limiter), (10, 0));
        assert_eq!(limiter.try_acquire_many(weight(1)).unwrap_err(), TryAcquireManyError::AtCapacity(AtCapacity));
        drop(owned);
        assert_eq!(counts(&limiter), (6, 0));
        drop((borrowed, tried));
        assert_eq!(counts(&limiter), (0, 0));
    });
}

#[test]
fn a_part_of_a_permit_comes_back_earlier_than_the_rest() {
    let limiter = Arc::new(Limiter::new(5));
    let mut permit = limiter.try_acquire_many_owned(weight(5)).unwrap();
    let waiter = ByHand::new(limiter.acquire_many(weight(2))).waits();
    assert!(permit.split(weight(5)).is_none() && permit.split(weight(6)).is_none());
    let part = permit.split(weight(2)).unwrap();
    assert_eq!((part.weight().get(), permit.weight().get(), counts(&limiter)), (2, 3, (5, 1)));
    drop(part);
    let mut granted = waiter.finish().unwrap();
    drop(granted.split(weight(1)));
    assert_eq!(counts(&limiter), (4, 0));
    drop((permit, granted));
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn lk_20_more_than_the_capacity_is_refused_at_once_and_blocks_nobody() {
    let limiter = Arc::new(Limiter::new(2));
    let held = limiter.try_acquire().unwrap();
    let refused = ByHand::new(limiter.acquire_many(weight(5))).finish().unwrap_err();
    assert_eq!((refused.requested().get(), refused.capacity()), (5, 2));
    assert_eq!(ByHand::new(limiter.acquire_many_owned(weight(5))).finish().unwrap_err(), refused);
    assert_eq!(limiter.try_acquire_many(weight(5)).unwrap_err(), TryAcquireManyError::ExceedsCapacity(refused));
    drop(ByHand::new(limiter.acquire()).finish());
    drop(held);
    drop(limiter.try_acquire_many(weight(2)).unwrap());
}

#[test]
fn lk_20_lowered_below_its_weight_a_waiter_is_refused_and_blocks_nobody() {
    let limiter = Limiter::new(8);
    let held = limiter.try_acquire_many(weight(4)).unwrap();
    let large = ByHand::new(limiter.acquire_many(weight(8))).waits();
    let small = ByHand::new(limiter.acquire_many(weight(2))).waits();
    let middle = ByHand::new(limiter.acquire_many(weight(7))).waits();
    let last = ByHand::new(limiter.acquire()).waits();
    limiter.set_capacity(6);
    assert_eq!([large.wakes(), small.wakes(), middle.wakes(), last.wakes()], [1, 1, 1, 0]);
    assert_eq!(counts(&limiter), (6, 1));
    limiter.set_capacity(20); // too late for those
    assert_eq!(counts(&limiter), (7, 0));
    let refused = large.finish().unwrap_err();
    assert_eq!((refused.requested().get(), refused.capacity()), (8, 6));
    drop(middle); // refused, and nobody looked
    drop((held, small.finish().unwrap(), last.finish()));
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn lk_20_a_closed_gate_refuses_nobody_until_it_opens() {
    let limiter = Limiter::new(4);
    let waiter = ByHand::new(limiter.acquire_many(weight(4)));
    limiter.set_capacity(0);
    let waiter = waiter.waits();
    let larger = ByHand::new(limiter.acquire_many(weight(9))).waits();
    assert_eq!(limiter.try_acquire_many(weight(9)).unwrap_err(), TryAcquireManyError::AtCapacity(AtCapacity));
    limiter.set_capacity(5);
    drop(waiter.finish().unwrap());
    assert_eq!(larger.finish().unwrap_err().capacity(), 5);
}

#[test]
fn lk_21_a_large_request_is_not_starved_by_small_ones() {
    let limiter = Limiter::new(4);
    let mut small: Vec<_> = (0..4).map(|_| limiter.try_acquire().unwrap()).collect();
    let large = ByHand::new(limiter.acquire_many(weight(3))).waits();
    for free in 1..=3 {
        small.pop();
        let newcomer = ByHand::new(limiter.acquire());
        if free < 3 {
            assert_eq!(limiter.try_acquire().unwrap_err(), AtCapacity);
            drop(newcomer.waits());
        }
    }
    assert_eq!((large.wakes(), counts(&limiter)), (1, (4, 0)));
    drop(large.finish().unwrap());
}

#[test]
fn lk_22_a_cancelled_large_request_lets_those_behind_it_proceed_at_once() {
    let limiter = Limiter::new(4);
    let _held = limiter.try_acquire().unwrap();
    let large = ByHand::new(limiter.acquire_many(weight(4))).waits();
    let [first, second, third, fourth] = [(); 4].map(|()| ByHand::new(limiter.acquire()).waits());
    drop(large);
    assert_eq!([&first, &second, &third, &fourth].map(ByHand::wakes), [1, 1, 1, 0]);
    assert_eq!(counts(&limiter), (4, 1));
}

#[test]
fn lk_15_a_granted_large_request_that_is_dropped_admits_several() {
    let limiter = Limiter::new(3);
    let held = limiter.try_acquire_many(weight(3)).unwrap();
    let large = ByHand::new(limiter.acquire_many(weight(3))).waits();
    let [first, second] = [(); 2].map(|()| ByHand::new(limiter.acquire()).waits());
    drop(held);
    assert_eq!([large.wakes(), first.wakes(), second.wakes()], [1, 0, 0]);
    drop(large);
    assert_eq!([first.wakes(), second.wakes()], [1, 1]);
    drop((first, second));
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn the_largest_capacity_counts_right() {
    let limiter = Limiter::new(usize::MAX);
    let all = limiter.try_acquire_many(NonZeroUsize::MAX).unwrap();
    assert_eq!(counts(&limiter), (usize::MAX, 0));
    assert!(limiter.try_acquire().is_err());
    drop(all);
    let one = limiter.try_acquire().unwrap();
    assert_eq!(counts(&limiter), (1, 0));
    drop(one);
    assert_eq!(counts(&limiter), (0, 0));
    limiter.set_capacity(1);
    let one = limiter.try_acquire().unwrap();
    limiter.set_capacity(usize::MAX);
    drop(one);
    assert_eq!(counts(&limiter), (0, 0));
}

#[test]
fn lk_15_dropped_anywhere_it_leaves_no_permit_and_no_place_behind() {
    assert_cancel_safe(
        async || {
            let limiter = Arc::new(Limiter::new(3));
            let held = limiter.try_acquire_many_owned(weight(2)).unwrap();
            let holder = tokio::spawn(async move {
                tokio::task::yield_now().await;
                drop(held);
            });
            let state = (Arc::clone(&limiter), holder);
            let work = async move {
                let large = limiter.acquire_many(weight(3)).await.unwrap();
                tokio::task::yield_now().await;
                drop(large);
                drop(limiter.acquire_many_owned(weight(2)).await.unwrap());
                drop((limiter.acquire().await, limiter.acquire_owned().await));
            };
            (work, state)
        },
        async |(limiter, holder)| {
            holder.await.unwrap();
            assert_eq!(counts(&limiter), (0, 0));
        },
    )
    .at_least(2);
}
