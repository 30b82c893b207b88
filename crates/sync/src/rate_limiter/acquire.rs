//! The future that waits for a slot.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    task::coop,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    RateLimiter,
    line::{Slot, Turn},
};

/// Waits for the next slot; made by [`RateLimiter::acquire`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line. Its slot, even one that was already granted, goes to the next in line, or back to the
/// limiter when nobody waits: a cancelled request costs nothing of the rate.
///
/// The first in line owns the timer for all. Kept alive but not polled (a `&mut` of it beside a long `select!` arm), it holds back those
/// behind it until somebody else calls the limiter; drop it, or keep it in a task of its own.
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait outside a Tokio runtime with its timer on.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireSlot<'a> {
    limiter: &'a RateLimiter,
    turn: Turn,
    /// Only ever set by the first in line. Not shared with the next one: that may live in another runtime.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<'a> AcquireSlot<'a> {
    pub(super) fn new(limiter: &'a RateLimiter) -> Self {
        Self { limiter, turn: Turn::Unasked, timer: None }
    }

    /// The timer, set to `due`. An unchanged one is left alone: resetting costs as much as a new one.
    fn timer_at(&mut self, due: Instant) -> Pin<&mut Sleep> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut()
    }
}

impl Future for AcquireSlot<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let coop = ready!(coop::poll_proceed(cx));
        loop {
            let (slot, clock) = this.limiter.with_line(|line, clock, wakes| {
                let slot = line.poll(&mut this.turn, clock.now(), cx.waker(), wakes);
                (slot, clock)
            });
            match slot {
                Slot::Granted => break,
                Slot::Behind => return Poll::Pending,
                // Ready means that the slot has come meanwhile: ask again.
                Slot::DueAt(due) => ready!(this.timer_at(clock.instant(due)).poll(cx)),
            }
        }
        this.timer = None;
        coop.made_progress();
        Poll::Ready(())
    }
}

impl Drop for AcquireSlot<'_> {
    fn drop(&mut self) {
        if self.turn.is_in_line() {
            self.limiter.with_line(|line, _, wakes| {
                line.give_up(&mut self.turn, wakes);
            });
        }
    }
}

impl fmt::Debug for AcquireSlot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireSlot").field(self.limiter).finish()
    }
}
