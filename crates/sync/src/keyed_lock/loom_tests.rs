//! The last ones to leave a key, in every order.

use std::{pin::pin, sync::Arc, task::Waker};

use loom::{cell::Cell, future::block_on, thread};

use super::KeyedLock;
use crate::loom_tests::model;

fn is_idle(locks: &KeyedLock<u8>) -> bool {
    let statistics = locks.statistics();
    (statistics.keys, statistics.waiting) == (0, 0)
}

#[test]
fn loom_keyed_lock_is_exclusive_and_leaves_nothing() {
    model(|| {
        let shared = loom::sync::Arc::new((KeyedLock::new(), Cell::new(0)));
        let work = |shared: &(KeyedLock<u8>, Cell<i32>)| {
            let guard = block_on(shared.0.lock(1));
            shared.1.set(shared.1.get() + 1);
            drop(guard);
        };
        let other = {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || work(&shared))
        };
        work(&shared);
        other.join().unwrap();
        assert_eq!(shared.1.get(), 2);
        assert!(is_idle(&shared.0));
    });
}

#[test]
fn loom_keyed_lock_grant_races_cancel() {
    model(|| {
        let locks = Arc::new(KeyedLock::new());
        let held = locks.try_lock(1).unwrap();
        let canceller = {
            let locks = Arc::clone(&locks);
            thread::spawn(move || {
                let mut waiter = pin!(locks.lock(1));
                let _ = waiter.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop()));
            })
        };
        let waiter = {
            let locks = Arc::clone(&locks);
            thread::spawn(move || drop(block_on(locks.lock(1))))
        };
        drop(held);
        canceller.join().unwrap();
        waiter.join().unwrap();
        assert!(is_idle(&locks));
    });
}

#[test]
fn loom_keyed_lock_last_guard_races_last_waiter() {
    model(|| {
        let locks = Arc::new(KeyedLock::new());
        let held = locks.try_lock(1).unwrap();
        let mut waiter = Box::pin(locks.lock_owned(1));
        assert!(waiter.as_mut().poll(&mut std::task::Context::from_waker(Waker::noop())).is_pending());
        let canceller = thread::spawn(move || drop(waiter));
        drop(held);
        canceller.join().unwrap();
        assert!(is_idle(&locks));
    });
}
