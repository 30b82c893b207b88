//! A key that comes and goes on two threads at once.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use loom::thread;

use super::KeyedRateLimiter;
use crate::{Rate, loom_tests::model};

fn keyed() -> Arc<KeyedRateLimiter<u8>> {
    Arc::new(KeyedRateLimiter::new(NonZeroUsize::MIN, Rate::per_hour(NonZeroU32::MIN)))
}

#[test]
fn loom_keyed_new_key_is_entered_once() {
    model(|| {
        let limiter = keyed();
        let other = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || limiter.try_acquire(&1).is_ok())
        };
        let granted = [limiter.try_acquire(&1).is_ok(), other.join().unwrap()];
        assert!(granted[0] != granted[1]);
        assert_eq!((limiter.statistics().keys, limiter.statistics().granted), (1, 1));
    });
}

#[test]
fn loom_keyed_cancel_races_another_key() {
    model(|| {
        let limiter = keyed();
        let canceller = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || {
                let mut acquire = pin!(limiter.acquire(&1));
                acquire.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready()
            })
        };
        let _ = limiter.try_acquire(&2);
        canceller.join().unwrap();
        let now = limiter.statistics();
        assert_eq!((now.keys, now.waiting, now.granted), (1, 0, 1));
        assert!(limiter.try_acquire(&2).is_err(), "its hour is not over");
    });
}
