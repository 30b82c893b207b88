//! The futures that wait for a permit in the name of a borrower.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{AlreadyHolds, Borrower, Limiter, OwnedPermit, Permit, acquiring::Borrowing};

/// Waits for a [`Permit`] in the name of a [`Borrower`]; made by [`Limiter::acquire_as`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line and strikes the borrower off the books. A permit that was already granted goes to the next in line. One that was
/// granted and is kept, but not polled, holds its permit meanwhile.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquirePermitAs<'a>(Borrowing<&'a Limiter>);

impl<'a> AcquirePermitAs<'a> {
    pub(super) fn new(limiter: &'a Limiter, borrower: &Borrower) -> Self {
        Self(Borrowing::new(limiter, borrower))
    }
}

impl<'a> Future for AcquirePermitAs<'a> {
    type Output = Result<Permit<'a>, AlreadyHolds>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(Permit)
    }
}

impl fmt::Debug for AcquirePermitAs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "AcquirePermitAs")
    }
}

/// Waits for an [`OwnedPermit`] in the name of a [`Borrower`]; made by [`Limiter::acquire_owned_as`].
///
/// # Cancel safety
///
/// The same as [`AcquirePermitAs`]'s: place, permit and record are given up.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireOwnedPermitAs(Borrowing<Arc<Limiter>>);

impl AcquireOwnedPermitAs {
    pub(super) fn new(limiter: Arc<Limiter>, borrower: &Borrower) -> Self {
        Self(Borrowing::new(limiter, borrower))
    }
}

impl Future for AcquireOwnedPermitAs {
    type Output = Result<OwnedPermit, AlreadyHolds>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx).map_ok(OwnedPermit)
    }
}

impl fmt::Debug for AcquireOwnedPermitAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f, "AcquireOwnedPermitAs")
    }
}
