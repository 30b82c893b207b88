//! The futures that wait for slots.

use std::{
    convert::Infallible,
    fmt,
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{task::coop, time::Instant};

use super::{ExceedsBurst, RateLimiter, request::Request};
use crate::inspected::Waiting;

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
/// Polling it again after it has completed panics; so does having to wait outside a Tokio runtime with its timer on, and
/// polling it in another runtime after the one in which it waited has been shut down.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireSlot<'a> {
    limiter: &'a RateLimiter,
    request: Request,
    waiting: Waiting,
}

impl<'a> AcquireSlot<'a> {
    pub(super) fn new(limiter: &'a RateLimiter) -> Self {
        Self { limiter, request: Request::new(NonZeroU32::MIN), waiting: limiter.resource.waiting() }
    }
}

impl Future for AcquireSlot<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { limiter, request, waiting } = self.get_mut();
        limiter.poll(request, waiting, cx)
    }
}

impl Drop for AcquireSlot<'_> {
    fn drop(&mut self) {
        self.limiter.give_up(&mut self.request);
    }
}

impl fmt::Debug for AcquireSlot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireSlot").field(self.limiter).finish()
    }
}

/// Waits for the next slot; made by [`RateLimiter::acquire_owned`].
///
/// # Cancel safety
///
/// The same as [`AcquireSlot`]'s: place and slot go to the next in line, or back to the limiter.
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait outside a Tokio runtime with its timer on, and
/// polling it in another runtime after the one in which it waited has been shut down.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireOwnedSlot {
    limiter: Arc<RateLimiter>,
    request: Request,
    waiting: Waiting,
}

impl AcquireOwnedSlot {
    pub(super) fn new(limiter: Arc<RateLimiter>) -> Self {
        let waiting = limiter.resource.waiting();
        Self { limiter, request: Request::new(NonZeroU32::MIN), waiting }
    }
}

impl Future for AcquireOwnedSlot {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { limiter, request, waiting } = self.get_mut();
        limiter.poll(request, waiting, cx)
    }
}

impl Drop for AcquireOwnedSlot {
    fn drop(&mut self) {
        self.limiter.give_up(&mut self.request);
    }
}

impl fmt::Debug for AcquireOwnedSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireOwnedSlot").field(&self.limiter).finish()
    }
}

/// Waits for several slots at once; made by [`RateLimiter::acquire_many`].
///
/// # Cancel safety
///
/// As with [`AcquireSlot`]: the place in line is given up, exactly the slots that were granted go to the next in line or back, and those behind that were
/// held up by a large request go ahead.
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait outside a Tokio runtime with its timer on, and
/// polling it in another runtime after the one in which it waited has been shut down.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireSlots<'a> {
    limiter: &'a RateLimiter,
    request: Request,
    waiting: Waiting,
}

impl<'a> AcquireSlots<'a> {
    pub(super) fn new(limiter: &'a RateLimiter, permits: NonZeroU32) -> Self {
        Self { limiter, request: Request::new(permits), waiting: limiter.resource.waiting() }
    }
}

impl Future for AcquireSlots<'_> {
    type Output = Result<(), ExceedsBurst>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), ExceedsBurst>> {
        let Self { limiter, request, waiting } = self.get_mut();
        let step = |request: &mut Request, waker: &_| {
            limiter.shared.with_line(|line, clock, wakes| {
                ExceedsBurst::check(request.permits(), line)?;
                Ok(request.step(line, clock, wakes, waker))
            })
        };
        waiting.poll(cx, |cx| request.poll(cx, step))
    }
}

impl Drop for AcquireSlots<'_> {
    fn drop(&mut self) {
        self.limiter.give_up(&mut self.request);
    }
}

impl fmt::Debug for AcquireSlots<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireSlots")
            .field("limiter", self.limiter)
            .field("permits", &self.request.permits())
            .finish_non_exhaustive()
    }
}

impl RateLimiter {
    /// One step of a request for one slot.
    #[inline]
    fn poll(&self, request: &mut Request, waiting: &mut Waiting, cx: &mut Context<'_>) -> Poll<()> {
        waiting.poll(cx, |cx| {
            if request.is_new() {
                let coop = ready!(coop::poll_proceed(cx));
                if let Some((Ok(()), _)) = self.shared.take_outside(Instant::now()) {
                    coop.made_progress();
                    request.end();
                    return Poll::Ready(());
                }
            }
            self.poll_in_line(request, cx)
        })
    }

    #[cold]
    fn poll_in_line(&self, request: &mut Request, cx: &mut Context<'_>) -> Poll<()> {
        let step = |request: &mut Request, waker: &_| {
            Ok::<_, Infallible>(self.shared.with_line(|line, clock, wakes| request.step(line, clock, wakes, waker)))
        };
        request.poll(cx, step).map(|Ok(())| ())
    }
}
