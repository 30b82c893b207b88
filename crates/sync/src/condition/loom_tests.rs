//! A notification and the end of its waiter, in every order. The mutex has models of its own and no part in this: a waiter that "locks again" is one that was
//! polled and has not consumed its notification.

use std::{
    pin::pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
};

use loom::{future::block_on, thread};

use super::{Condition, Notified};
use crate::loom_tests::{Flag, model};

fn poll(notified: &mut Notified<'_>, waker: &Waker) -> Poll<()> {
    pin!(notified).poll(&mut Context::from_waker(waker))
}

#[test]
fn loom_condition_notification_of_a_cancelled_waiter_is_passed_on() {
    model(|| {
        let condition = Arc::new(Condition::new());
        let (joined, was_joined) = (Arc::new(Flag::default()), Waker::from(Arc::new(Flag::default())));
        // The first one is in line before the second: it is the one that gets the notification, unless it has gone.
        let first = Notified::join(&condition, &was_joined);
        let waker = Waker::from(Arc::clone(&joined));
        let mut second = Notified::join(&condition, &waker);
        let notify = {
            let condition = Arc::clone(&condition);
            thread::spawn(move || condition.notify_one())
        };
        let mut first = first;
        let _ = poll(&mut first, Waker::noop());
        drop(first);
        notify.join().unwrap();
        assert!(joined.0.load(Ordering::Relaxed), "the second one heard nothing");
        assert!(poll(&mut second, &waker).is_ready());
        second.consume();
        assert_eq!(condition.statistics().waiting, 0);
    });
}

#[test]
fn loom_condition_consumed_notification_wakes_one() {
    model(|| {
        let condition = Arc::new(Condition::new());
        let mut first = Notified::join(&condition, Waker::noop());
        let mut second = Notified::join(&condition, Waker::noop());
        let notify = {
            let condition = Arc::clone(&condition);
            thread::spawn(move || condition.notify_one())
        };
        let notified = poll(&mut first, Waker::noop()).is_ready();
        notify.join().unwrap();
        assert!(notified || poll(&mut first, Waker::noop()).is_ready());
        first.consume();
        assert!(poll(&mut second, Waker::noop()).is_pending());
    });
}

#[test]
fn loom_condition_notify_all_wakes_who_joined() {
    model(|| {
        let condition = Arc::new(Condition::new());
        let mut here = Notified::join(&condition, Waker::noop());
        let notify = {
            let condition = Arc::clone(&condition);
            thread::spawn(move || condition.notify_all())
        };
        block_on(&mut here);
        here.consume();
        notify.join().unwrap();
        assert_eq!(condition.statistics().waiting, 0);
    });
}
