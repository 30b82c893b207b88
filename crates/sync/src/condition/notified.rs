//! One waiter: in line, notified, and gone.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use tokio::task::coop;

use super::Condition;
use crate::{inspected::Waiting, primitive::lock, wait_list::Place};

/// Completes with a notification, and keeps it until it is consumed or passed on (invariant 2 of the condition).
pub(super) struct Notified<'a> {
    condition: &'a Condition,
    /// `None` after the notification has been consumed.
    place: Option<Place>,
    waiting: Waiting,
}

impl<'a> Notified<'a> {
    pub(super) fn join(condition: &'a Condition, waker: &Waker) -> Self {
        let waiting = condition.resource.waiting();
        let place = Some(lock(&condition.waiters).join(waker, ()));
        Self { condition, place, waiting }
    }

    /// The waiter has what it was woken for.
    pub(super) fn consume(mut self) {
        self.leave();
    }

    /// Gives the place back; tells whether it was a notified one.
    fn leave(&mut self) -> bool {
        let Some(place) = self.place.take() else {
            return false;
        };
        // The lock is a temporary of this statement: the waker is dropped after it.
        let waker = lock(&self.condition.waiters).leave(place);
        waker.is_none()
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Notified { condition, place, waiting } = self.get_mut();
        waiting.poll(cx, |cx| {
            let coop = ready!(coop::poll_proceed(cx));
            // Dropped after the lock.
            let _replaced;
            let mut waiters = lock(&condition.waiters);
            match place {
                Some(place) if !waiters.is_granted(place) => {
                    _replaced = waiters.update(place, cx.waker());
                    Poll::Pending
                }
                _ => {
                    coop.made_progress();
                    Poll::Ready(())
                }
            }
        })
    }
}

impl Drop for Notified<'_> {
    fn drop(&mut self) {
        if self.leave() {
            self.condition.notify_one();
        }
    }
}
