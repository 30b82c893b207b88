//! The value, the notes and the permit go back in this order: borrowing the value never fails. That the permit is exclusive and lost by nobody is shown by the
//! models of the limiter.

use std::pin::pin;

use loom::{future::block_on, sync::Arc, thread};

use super::Mutex;
use crate::loom_tests::{model, poll_once};

#[test]
fn loom_mutex_the_value_comes_back_before_the_permit() {
    model(|| {
        let mutex = Arc::new(Mutex::new(0));
        let other = {
            let mutex = Arc::clone(&mutex);
            thread::spawn(move || *block_on(mutex.lock()) += 1)
        };
        if let Ok(mut value) = mutex.try_lock() {
            *value += 1;
        }
        *block_on(mutex.lock()) += 1;
        other.join().unwrap();
        assert!((2..=3).contains(&*mutex.try_lock().unwrap()));
    });
}

#[test]
fn loom_mutex_grant_races_cancel() {
    model(|| {
        let mutex = Arc::new(Mutex::new(0));
        let held = mutex.try_lock().unwrap();
        let canceller = {
            let mutex = Arc::clone(&mutex);
            thread::spawn(move || poll_once(pin!(mutex.lock())))
        };
        let waiter = {
            let mutex = Arc::clone(&mutex);
            thread::spawn(move || *block_on(mutex.lock()) += 1)
        };
        drop(held);
        canceller.join().unwrap();
        waiter.join().unwrap();
        let statistics = mutex.statistics();
        assert_eq!((*mutex.try_lock().unwrap(), statistics.locked, statistics.waiting), (1, false, 0));
    });
}
