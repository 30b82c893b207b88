//! Grants and cancellations across lines.

use std::{pin::pin, sync::Arc};

use loom::{cell::Cell, future::block_on, thread};

use crate::{
    PartitionedLimiter,
    loom_tests::{model, poll_once},
};

#[test]
fn loom_partitioned_limiter_is_exclusive_and_loses_no_wake() {
    model(|| {
        let shared = loom::sync::Arc::new((PartitionedLimiter::new(1), Cell::new(0)));
        let work = |shared: &(PartitionedLimiter<u8>, Cell<i32>), key| {
            let permit = block_on(shared.0.acquire(key));
            shared.1.set(shared.1.get() + 1);
            drop(permit);
        };
        let other = {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || work(&shared, 1))
        };
        work(&shared, 2);
        other.join().unwrap();
        assert_eq!((shared.1.get(), shared.0.statistics().in_use), (2, 0));
    });
}

#[test]
fn loom_partitioned_limiter_grant_races_cancel() {
    model(|| {
        let limiter = Arc::new(PartitionedLimiter::new(1));
        let held = limiter.try_acquire().unwrap();
        let canceller = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || _ = poll_once(pin!(limiter.acquire(1))))
        };
        let waiter = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || drop(block_on(limiter.acquire(2))))
        };
        drop(held);
        canceller.join().unwrap();
        waiter.join().unwrap();
        let now = limiter.statistics();
        assert_eq!((now.in_use, now.waiting, now.partitions_waiting), (0, 0, 0));
    });
}
