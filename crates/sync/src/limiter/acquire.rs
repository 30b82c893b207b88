//! The futures that wait for a permit.

use std::{
    fmt,
    num::NonZeroUsize,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    ExceedsCapacity, Limiter, OwnedPermit, Permit,
    acquiring::{Acquiring, one},
};

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
pub struct AcquirePermit<'a>(Acquiring<&'a Limiter>);

impl<'a> AcquirePermit<'a> {
    pub(super) fn new(limiter: &'a Limiter) -> Self {
        Self(Acquiring::new(limiter, NonZeroUsize::MIN))
    }
}

impl<'a> Future for AcquirePermit<'a> {
    type Output = Permit<'a>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit<'a>> {
        self.0.poll(cx).map(|outcome| Permit(one(outcome)))
    }
}

impl fmt::Debug for AcquirePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "AcquirePermit")
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
pub struct AcquireOwnedPermit(Acquiring<Arc<Limiter>>);

impl AcquireOwnedPermit {
    pub(super) fn new(limiter: Arc<Limiter>) -> Self {
        Self(Acquiring::new(limiter, NonZeroUsize::MIN))
    }
}

impl Future for AcquireOwnedPermit {
    type Output = OwnedPermit;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnedPermit> {
        self.0.poll(cx).map(|outcome| OwnedPermit(one(outcome)))
    }
}

impl fmt::Debug for AcquireOwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "AcquireOwnedPermit")
    }
}

/// Waits for a [`Permit`] of some weight; made by [`Limiter::acquire_many`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line, and all permits if they were already granted. Those behind it who can go on now do so at once. One that was granted
/// and is kept, but not polled, holds its permits meanwhile.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireManyPermits<'a>(Acquiring<&'a Limiter>);

impl<'a> AcquireManyPermits<'a> {
    pub(super) fn new(limiter: &'a Limiter, permits: NonZeroUsize) -> Self {
        Self(Acquiring::new(limiter, permits))
    }
}

impl<'a> Future for AcquireManyPermits<'a> {
    type Output = Result<Permit<'a>, ExceedsCapacity>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(Permit)
    }
}

impl fmt::Debug for AcquireManyPermits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "AcquireManyPermits")
    }
}

/// Waits for an [`OwnedPermit`] of some weight; made by [`Limiter::acquire_many_owned`].
///
/// # Cancel safety
///
/// The same as [`AcquireManyPermits`]'s: place and permits go to those behind it.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireManyOwnedPermits(Acquiring<Arc<Limiter>>);

impl AcquireManyOwnedPermits {
    pub(super) fn new(limiter: Arc<Limiter>, permits: NonZeroUsize) -> Self {
        Self(Acquiring::new(limiter, permits))
    }
}

impl Future for AcquireManyOwnedPermits {
    type Output = Result<OwnedPermit, ExceedsCapacity>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(OwnedPermit)
    }
}

impl fmt::Debug for AcquireManyOwnedPermits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "AcquireManyOwnedPermits")
    }
}
