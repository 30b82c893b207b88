//! Room that comes back beside somebody who gives up, comes, or is waiting.

use std::{
    num::NonZeroU32,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use loom::{future::block_on, thread};

use super::Admission;
use crate::{Rate, loom_tests::model};

/// Slots enough for all: no timer is needed.
fn admission(capacity: usize) -> Arc<Admission> {
    Arc::new(Admission::with_burst(capacity, Rate::per_hour(NonZeroU32::MIN), NonZeroU32::MAX))
}

fn is_empty(admission: &Admission, granted: u64) -> bool {
    let now = admission.statistics();
    (now.in_use, now.waiting, now.granted) == (0, 0, granted)
}

#[test]
fn loom_admission_grant_races_cancel() {
    model(|| {
        let admission = admission(1);
        let held = admission.try_acquire().unwrap();
        let canceller = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || {
                let mut acquire = pin!(admission.acquire());
                let polled = acquire.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                u64::from(polled.is_ready())
            })
        };
        let waiter = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || drop(block_on(admission.acquire())))
        };
        drop(held);
        let taken = canceller.join().unwrap();
        waiter.join().unwrap();
        assert!(is_empty(&admission, 2 + taken));
    });
}

#[test]
fn loom_admission_raise_races_a_newcomer() {
    model(|| {
        let admission = admission(0);
        let waiter = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || drop(block_on(admission.acquire())))
        };
        admission.set_capacity(1);
        waiter.join().unwrap();
        assert!(is_empty(&admission, 1));
    });
}

#[test]
fn loom_admission_two_share_one_place() {
    model(|| {
        let admission = admission(1);
        let other = {
            let admission = Arc::clone(&admission);
            thread::spawn(move || drop(block_on(admission.acquire_owned())))
        };
        drop(block_on(admission.acquire()));
        other.join().unwrap();
        assert!(is_empty(&admission, 2));
    });
}
