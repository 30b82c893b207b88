//! The futures that wait for a permit.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{Limiter, OwnedPermit, Permit};
use crate::{primitive::lock, wait_list::Place};

/// Waits for a [`Permit`]; made by [`Limiter::acquire`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line. A permit that was already granted goes to the next in line, so none is lost; asking again
/// begins at the end. Between its grant and its next poll the future holds that permit: one that is kept, but not polled, keeps others waiting.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquirePermit<'a> {
    limiter: &'a Limiter,
    turn: Turn,
}

impl<'a> AcquirePermit<'a> {
    pub(super) fn new(limiter: &'a Limiter) -> Self {
        Self { limiter, turn: Turn::Unasked }
    }
}

impl<'a> Future for AcquirePermit<'a> {
    type Output = Permit<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<'a>> {
        let limiter = self.limiter;
        self.turn.poll(limiter, cx).map(|()| Permit::new(limiter))
    }
}

impl Drop for AcquirePermit<'_> {
    fn drop(&mut self) {
        self.turn.give_up(self.limiter);
    }
}

impl fmt::Debug for AcquirePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquirePermit").field(self.limiter).finish()
    }
}

/// Waits for an [`OwnedPermit`]; made by [`Limiter::acquire_owned`].
///
/// # Cancel safety
///
/// The same as [`AcquirePermit`]'s: the place is given up, and a permit granted in the same moment is passed on.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireOwnedPermit {
    limiter: Arc<Limiter>,
    turn: Turn,
}

impl AcquireOwnedPermit {
    pub(super) fn new(limiter: Arc<Limiter>) -> Self {
        Self { limiter, turn: Turn::Unasked }
    }
}

impl Future for AcquireOwnedPermit {
    type Output = OwnedPermit;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnedPermit> {
        let this = self.get_mut();
        this.turn.poll(&this.limiter, cx).map(|()| OwnedPermit::new(Arc::clone(&this.limiter)))
    }
}

impl Drop for AcquireOwnedPermit {
    fn drop(&mut self) {
        self.turn.give_up(&self.limiter);
    }
}

impl fmt::Debug for AcquireOwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireOwnedPermit").field(&self.limiter).finish()
    }
}

/// How far one future has come.
#[derive(Debug)]
enum Turn {
    Unasked,
    InLine(Place),
    Over,
}

impl Turn {
    /// Ready means that a permit is counted as in use, for the caller to put into a guard.
    #[inline]
    fn poll(&mut self, limiter: &Limiter, cx: &mut Context<'_>) -> Poll<()> {
        let coop = ready!(coop::poll_proceed(cx));
        // Dropped after the lock (invariant 4).
        let _replaced;
        let mut state = lock(&limiter.state);
        match self {
            Turn::Unasked if state.take() => {}
            Turn::Unasked => {
                *self = Turn::InLine(state.waiters.join(cx.waker(), ()));
                return Poll::Pending;
            }
            Turn::InLine(place) if state.waiters.is_granted(place) => {}
            Turn::InLine(place) => {
                _replaced = state.waiters.update(place, cx.waker());
                return Poll::Pending;
            }
            Turn::Over => panic!("a limiter's future was polled after it had completed"),
        }
        if let Turn::InLine(place) = mem::replace(self, Turn::Over) {
            state.waiters.leave(place);
        }
        coop.made_progress();
        Poll::Ready(())
    }

    fn give_up(&mut self, limiter: &Limiter) {
        let Turn::InLine(place) = mem::replace(self, Turn::Over) else {
            return;
        };
        let waker = lock(&limiter.state).waiters.leave(place);
        if waker.is_none() {
            // It had been granted: the permit goes to the next (invariant 2).
            limiter.release();
        }
    }
}
