//! The interleavings of two or three threads: `RUSTFLAGS="--cfg bowline_loom" cargo test --release -p bowline-sync --lib loom`.

use std::{
    num::NonZeroU32,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use loom::{cell::Cell, future::block_on, thread};

use crate::{Event, Limiter, Rate, RateLimiter};

/// Three preemptions find nearly every bug, and in seconds; `LOOM_MAX_PREEMPTIONS` asks for more.
pub(crate) fn model(check: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound.get_or_insert(3);
    builder.check(check);
}

#[derive(Default)]
pub(crate) struct Flag(pub(crate) AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn poll_once(future: Pin<&mut impl Future>) -> bool {
    future.poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn loom_event_set_wakes_a_waiter_and_publishes() {
    model(|| {
        let shared = loom::sync::Arc::new((Event::new(), Cell::new(0)));
        let setter = {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || {
                shared.1.set(7);
                shared.0.set();
            })
        };
        block_on(shared.0.wait());
        assert_eq!(shared.1.get(), 7);
        setter.join().unwrap();
    });
}

#[test]
fn loom_event_pulse_releases_who_waited() {
    model(|| {
        let event = Arc::new(Event::new());
        let wait = event.wait();
        let pulse = {
            let event = Arc::clone(&event);
            thread::spawn(move || {
                event.set();
                event.clear();
            })
        };
        block_on(wait);
        pulse.join().unwrap();
    });
}

/// The place of a waiter that was there before a pulse is void: giving it up after the pulse may not take that of a later waiter.
#[test]
fn loom_event_cancelled_waiter_leaves_the_later_ones() {
    model(|| {
        let event = Arc::new(Event::new());
        let canceller = {
            let event = Arc::clone(&event);
            thread::spawn(move || {
                let mut wait = pin!(event.wait());
                poll_once(wait.as_mut());
            })
        };
        event.set();
        event.clear();
        let woken = Arc::new(Flag::default());
        let mut later = pin!(event.wait());
        let waits = later.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(&woken)))).is_pending();
        canceller.join().unwrap();
        event.set();
        assert!(waits && woken.0.load(Ordering::Relaxed));
    });
}

#[test]
fn loom_limiter_is_exclusive_and_loses_no_wake() {
    model(|| {
        let shared = loom::sync::Arc::new((Limiter::new(1), Cell::new(0)));
        let work = |shared: &(Limiter, Cell<i32>)| {
            let permit = block_on(shared.0.acquire());
            shared.1.set(shared.1.get() + 1);
            drop(permit);
        };
        let other = {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || work(&shared))
        };
        work(&shared);
        other.join().unwrap();
        assert_eq!(shared.1.get(), 2);
        assert_eq!(shared.0.statistics().in_use, 0);
    });
}

#[test]
fn loom_limiter_grant_races_cancel() {
    model(|| {
        let limiter = Arc::new(Limiter::new(1));
        let held = limiter.try_acquire().unwrap();
        let canceller = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || {
                let mut acquire = pin!(limiter.acquire());
                poll_once(acquire.as_mut());
            })
        };
        let waiter = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || drop(block_on(limiter.acquire())))
        };
        drop(held);
        canceller.join().unwrap();
        waiter.join().unwrap();
        let statistics = limiter.statistics();
        assert_eq!((statistics.in_use, statistics.waiting), (0, 0));
    });
}

#[test]
fn loom_limiter_raise_races_a_newcomer() {
    model(|| {
        let limiter = Arc::new(Limiter::new(0));
        let waiter = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || drop(block_on(limiter.acquire())))
        };
        limiter.set_capacity(1);
        waiter.join().unwrap();
        assert_eq!(limiter.statistics().in_use, 0);
    });
}

#[test]
fn loom_rate_limiter_grants_a_slot_once() {
    model(|| {
        let limiter = Arc::new(RateLimiter::new(Rate::per_hour(NonZeroU32::MIN)));
        let other = {
            let limiter = Arc::clone(&limiter);
            thread::spawn(move || limiter.try_acquire().is_ok())
        };
        let granted = [limiter.try_acquire().is_ok(), other.join().unwrap()];
        assert!(granted[0] != granted[1]);
        assert_eq!(limiter.statistics().granted, 1);
    });
}
