//! What a waiter takes: its future, and what the primitive keeps for it.

use std::{
    pin::Pin,
    task::{Context, Waker},
};

use asyncband::event::ManualResetEvent;
use bowline_benches::{Allocations, Bench, Contender, ONCE};
use bowline_sync::{Event, Limiter, Mutex, Rate, RateLimiter};
use tokio::sync::{Notify, Semaphore};

const WAITERS: usize = 100_000;

pub(crate) fn compare(bench: &mut Bench) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime can be built");
    let _inside = runtime.enter();
    let event = Event::new();
    let limiter = Limiter::new(0);
    let rate = RateLimiter::new(Rate::per_hour(std::num::NonZeroU32::MIN));
    let mutex = Mutex::new(());
    let locked = mutex.try_lock();
    let (notify, semaphore, manual) = (Notify::new(), Semaphore::new(0), ManualResetEvent::new());
    let (tokio_mutex, band_mutex, lock_mutex) =
        (tokio::sync::Mutex::new(()), asyncband::mutex::Mutex::new(()), async_lock::Mutex::new(()));
    let (_tokio, _band, _lock) = (tokio_mutex.try_lock(), band_mutex.try_lock(), lock_mutex.try_lock());
    let (band_semaphore, lock_semaphore) = (asyncband::semaphore::Semaphore::new(0), async_lock::Semaphore::new(0));
    let contenders = vec![
        bytes("bowline Event", || event.wait()),
        bytes("bowline Limiter", || limiter.acquire()),
        bytes("bowline Mutex", || mutex.lock()),
        bytes("bowline RateLimiter", || rate.acquire()),
        bytes("tokio Notify", || notify.notified()),
        bytes("tokio Semaphore", || semaphore.acquire()),
        bytes("tokio Mutex", || tokio_mutex.lock()),
        bytes("asyncband ManualResetEvent", || manual.wait()),
        bytes("asyncband Semaphore", || band_semaphore.acquire(1)),
        bytes("asyncband Mutex", || band_mutex.lock()),
        bytes("async-lock Semaphore", || lock_semaphore.acquire()),
        bytes("async-lock Mutex", || lock_mutex.lock()),
    ];
    bench.compare("what one of 100,000 waiters takes, its future included", "bytes per waiter", ONCE, contenders);
    drop(locked);
}

/// Each future has a box of its own: that is as large as the future.
fn bytes<'a, F: Future + 'a>(name: &str, wait: impl Fn() -> F + 'a) -> Contender<'a> {
    Contender::new(name, move || {
        let mut waiters: Vec<Pin<Box<F>>> = Vec::with_capacity(WAITERS);
        let allocations = Allocations::new();
        for _ in 0..WAITERS {
            let mut waiter = Box::pin(wait());
            if waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
                waiters.push(waiter);
            }
        }
        let live = allocations.live_bytes();
        // The first of a rate limiter's has its slot at once.
        if waiters.len() + 1 < WAITERS { Err("they do not wait".to_owned()) } else { Ok(live / WAITERS as f64) }
    })
}
