//! What the layers can ask for admission.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::Refused;
use crate::{
    AcquireOwnedAdmission, AcquireOwnedPermit, Admission, Limiter, OwnedAdmissionPermit, OwnedPermit, RateLimiter,
};

/// What a [`WaitLayer`](super::WaitLayer) or a [`RejectLayer`](super::RejectLayer) asks for admission: an `Arc` of a [`Limiter`], of a
/// [`RateLimiter`] or of an [`Admission`].
pub trait Gate: sealed::Sealed + Clone {
    /// What is kept until the response is there.
    type Permit;

    /// Waits for one.
    type Acquire: Future<Output = Self::Permit>;

    // Not `acquire`: a trait in scope would come before the limiter's own method.
    #[doc(hidden)]
    fn wait_for_permit(&self) -> Self::Acquire;

    #[doc(hidden)]
    fn take_permit(&self) -> Result<Self::Permit, Refused>;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for Arc<Limiter> {}

impl Gate for Arc<Limiter> {
    type Permit = OwnedPermit;
    type Acquire = AcquireOwnedPermit;

    fn wait_for_permit(&self) -> AcquireOwnedPermit {
        self.acquire_owned()
    }

    fn take_permit(&self) -> Result<OwnedPermit, Refused> {
        Ok(self.try_acquire_owned()?)
    }
}

impl sealed::Sealed for Arc<RateLimiter> {}

impl Gate for Arc<RateLimiter> {
    type Permit = ();
    type Acquire = AcquireOwnedSlot;

    fn wait_for_permit(&self) -> AcquireOwnedSlot {
        AcquireOwnedSlot(Stage::New(Arc::clone(self)))
    }

    fn take_permit(&self) -> Result<(), Refused> {
        Ok(RateLimiter::try_acquire(self)?)
    }
}

impl sealed::Sealed for Arc<Admission> {}

impl Gate for Arc<Admission> {
    type Permit = OwnedAdmissionPermit;
    type Acquire = AcquireOwnedAdmission;

    fn wait_for_permit(&self) -> AcquireOwnedAdmission {
        self.acquire_owned()
    }

    fn take_permit(&self) -> Result<OwnedAdmissionPermit, Refused> {
        Ok(self.try_acquire_owned()?)
    }
}

/// Waits for the next slot of a shared [`RateLimiter`]; what a [`WaitLayer`](super::WaitLayer) waits for.
///
/// # Cancel safety
///
/// The same as that of [`AcquireSlot`](crate::AcquireSlot): a cancelled request costs nothing of the rate.
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait outside a Tokio runtime with its timer on.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireOwnedSlot(Stage);

enum Stage {
    New(Arc<RateLimiter>),
    /// Boxed, as its timer is: it borrows from the `Arc` that it keeps. Only those who must wait have one.
    Waits(Pin<Box<dyn Future<Output = ()> + Send + Sync>>),
    Over,
}

impl Future for AcquireOwnedSlot {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Stage::New(limiter) = &self.0 {
            let coop = ready!(coop::poll_proceed(cx));
            coop.made_progress();
            let limiter = Arc::clone(limiter);
            self.0 = match limiter.try_acquire() {
                Ok(()) => Stage::Over,
                Err(_) => Stage::Waits(Box::pin(async move { limiter.acquire().await })),
            };
            if let Stage::Over = self.0 {
                return Poll::Ready(());
            }
        }
        let Stage::Waits(slot) = &mut self.0 else {
            panic!("a rate limiter's future was polled after it had completed");
        };
        ready!(slot.as_mut().poll(cx));
        self.0 = Stage::Over;
        Poll::Ready(())
    }
}

impl fmt::Debug for AcquireOwnedSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireOwnedSlot").finish_non_exhaustive()
    }
}
