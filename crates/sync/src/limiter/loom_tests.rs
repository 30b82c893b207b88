//! The count moves under the lock and out again while others take and give back: every interleaving of two or three threads.

use std::{num::NonZeroUsize, pin::pin, sync::Arc};

use loom::{cell::Cell, future::block_on, thread};

use super::{Limiter, TryAcquireManyError};
use crate::loom_tests::{model, poll_once};

const TWO: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1);

fn is_idle(limiter: &Limiter) -> bool {
    let statistics = limiter.statistics();
    statistics.in_use == 0 && statistics.waiting == 0
}

/// A large request takes the count under the lock while the permits come back without it.
#[test]
fn loom_limiter_small_ones_come_back_while_a_large_one_asks() {
    model(|| {
        let limiter = Arc::new(Limiter::new(2));
        let small = limiter.try_acquire().unwrap();
        let other = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || drop(limiter.try_acquire()))
        };
        let large = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || drop(block_on(limiter.acquire_many(TWO)).unwrap()))
        };
        drop(small);
        other.join().unwrap();
        large.join().unwrap();
        assert!(is_idle(&limiter));
        assert!(limiter.try_acquire_many(TWO).is_ok());
    });
}

/// What one holder did is seen by the next, whichever way the permit went: `try_acquire` and a cancelled waiter move the count to and fro.
#[test]
fn loom_limiter_publishes_through_the_count() {
    model(|| {
        let shared = loom::sync::Arc::new((Limiter::new(1), Cell::new(0)));
        let increment = |shared: &(Limiter, Cell<i32>)| {
            if let Ok(_permit) = shared.0.try_acquire() {
                shared.1.set(shared.1.get() + 1);
            }
        };
        let threads = [(); 2].map(|()| {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || {
                increment(&shared);
                poll_once(pin!(shared.0.acquire()));
            })
        });
        increment(&shared);
        for thread in threads {
            thread.join().unwrap();
        }
        let _permit = shared.0.try_acquire().unwrap();
        assert!((1..=3).contains(&shared.1.get()));
    });
}

#[test]
fn loom_limiter_lowered_while_permits_are_taken_and_come_back() {
    model(|| {
        let limiter = Arc::new(Limiter::new(2));
        let held = limiter.try_acquire().unwrap();
        let other = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || drop(limiter.try_acquire()))
        };
        let lowers = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || limiter.set_capacity(1))
        };
        drop(held);
        other.join().unwrap();
        lowers.join().unwrap();
        assert!(is_idle(&limiter));
        let _one = limiter.try_acquire().unwrap();
        assert!(limiter.try_acquire().is_err());
    });
}

/// Granted or refused, but one of them, and those behind it go on.
#[test]
fn loom_limiter_refuses_or_grants_a_large_waiter() {
    model(|| {
        let limiter = Arc::new(Limiter::new(2));
        let held = limiter.try_acquire().unwrap();
        let large = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || drop(block_on(limiter.acquire_many(TWO))))
        };
        let lowers = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || limiter.set_capacity(1))
        };
        drop(held);
        drop(block_on(limiter.acquire()));
        large.join().unwrap();
        lowers.join().unwrap();
        assert!(is_idle(&limiter));
        assert!(matches!(limiter.try_acquire_many(TWO), Err(TryAcquireManyError::ExceedsCapacity(_))));
    });
}

/// Admitting three takes two batches here. Whoever asks between them, or goes away, takes nothing along.
#[test]
fn loom_limiter_admits_in_batches_while_others_come_and_go() {
    model(|| {
        let limiter = Arc::new(Limiter::new(0));
        let mut waiting = [(); 3].map(|()| Box::pin(Arc::clone(&limiter).acquire_owned()));
        for waiter in &mut waiting {
            assert!(!poll_once(waiter.as_mut()));
        }
        let [first, second, third] = waiting;
        let raises = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || limiter.set_capacity(3))
        };
        let leaves = thread::spawn(move || drop(third));
        drop(limiter.try_acquire());
        raises.join().unwrap();
        leaves.join().unwrap();
        let now = limiter.statistics();
        assert_eq!((now.in_use, now.waiting), (2, 0));
        for mut granted in [first, second] {
            assert!(poll_once(granted.as_mut()));
        }
        assert!(is_idle(&limiter));
    });
}
