//! The futures that wait for the lock.

use std::{
    fmt,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{Mutex, MutexGuard, ONE, Poisoned};
use crate::{inspected::Waiting, limiter::permits::Turn};

/// Waits for a [`MutexGuard`]; made by [`Mutex::lock`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line. A lock that it was granted in the same moment goes to the next. Between
/// the grant and its next poll the lock is reserved for it: a future that is kept, but not polled, keeps others waiting.
///
/// # Panics
///
/// Polling it panics when the mutex is [`checked`](Mutex::checked) and the running task holds it, and when it has completed already.
#[must_use = "futures do nothing unless polled"]
pub struct Lock<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    turn: Turn,
    location: &'static Location<'static>,
    waiting: Waiting,
}

impl<'a, T: ?Sized> Lock<'a, T> {
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<T>, location: &'static Location<'static>) -> Self {
        Self { mutex, turn: Turn::Unasked, location, waiting: mutex.resource.waiting() }
    }

    /// Ready with the permit.
    fn poll_permit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { mutex, turn, waiting, .. } = self;
        match turn {
            Turn::Unasked if mutex.permits.take_free(ONE) => {
                *turn = Turn::Over;
                return Poll::Ready(());
            }
            Turn::Unasked => mutex.holder.refuse_the_holder(),
            Turn::InLine(_) => {}
            Turn::Over => panic!("a mutex's future was polled after it had completed"),
        }
        ready!(waiting.poll(cx, |cx| mutex.permits.poll(turn, ONE, cx))).expect("the capacity is one, always");
        Poll::Ready(())
    }
}

impl<'a, T: ?Sized> Future for Lock<'a, T> {
    type Output = MutexGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MutexGuard<'a, T>> {
        let this = self.get_mut();
        let coop = ready!(coop::poll_proceed(cx));
        ready!(this.poll_permit(cx));
        coop.made_progress();
        Poll::Ready(this.mutex.enter(this.location))
    }
}

impl<T: ?Sized> Drop for Lock<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.mutex.permits.give_up(&mut self.turn, ONE);
    }
}

impl<T: ?Sized> fmt::Debug for Lock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lock").field(&self.mutex).finish()
    }
}

/// Waits for a [`MutexGuard`] whose value is whole, as far as is known; made by [`Mutex::lock_unpoisoned`].
///
/// # Cancel safety
///
/// That of [`Lock`].
///
/// # Panics
///
/// As [`Lock`] does.
#[must_use = "futures do nothing unless polled"]
pub struct LockUnpoisoned<'a, T: ?Sized>(Lock<'a, T>);

impl<'a, T: ?Sized> LockUnpoisoned<'a, T> {
    #[inline]
    pub(super) fn new(lock: Lock<'a, T>) -> Self {
        Self(lock)
    }
}

impl<'a, T: ?Sized> Future for LockUnpoisoned<'a, T> {
    type Output = Result<MutexGuard<'a, T>, Poisoned<MutexGuard<'a, T>>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let guard = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(match self.0.mutex.poison() {
            Some(cause) => Err(Poisoned::new(cause, guard)),
            None => Ok(guard),
        })
    }
}

impl<T: ?Sized> fmt::Debug for LockUnpoisoned<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockUnpoisoned").field(&self.0.mutex).finish()
    }
}
