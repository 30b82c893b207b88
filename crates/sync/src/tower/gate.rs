//! What the layers can ask for admission.

use std::sync::Arc;

use super::Refused;
use crate::{
    AcquireOwnedAdmission, AcquireOwnedPermit, AcquireOwnedSlot, Admission, Limiter, OwnedAdmissionPermit, OwnedPermit,
    RateLimiter,
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
        self.acquire_owned()
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
