//! The right to proceed, as a guard.

use std::{fmt, sync::Arc};

use super::Admission;
use crate::inspected::Holding;

/// A place inside, given back when it is dropped; from [`Admission::acquire`] and [`Admission::try_acquire`].
#[must_use = "a permit that is dropped at once limits only the rate: bind it, `let _permit = …`"]
pub struct AdmissionPermit<'a> {
    admission: &'a Admission,
    _holding: Holding,
}

impl<'a> AdmissionPermit<'a> {
    /// Stands for a place that is counted already.
    pub(super) fn new(admission: &'a Admission) -> Self {
        Self { admission, _holding: admission.hold() }
    }
}

impl Drop for AdmissionPermit<'_> {
    fn drop(&mut self) {
        self.admission.release();
    }
}

impl fmt::Debug for AdmissionPermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdmissionPermit").field(self.admission).finish()
    }
}

/// An [`AdmissionPermit`] that shares ownership of its admission; from [`Admission::acquire_owned`].
#[must_use = "a permit that is dropped at once limits only the rate: bind it, `let _permit = …`"]
pub struct OwnedAdmissionPermit {
    admission: Arc<Admission>,
    _holding: Holding,
}

impl OwnedAdmissionPermit {
    /// Stands for a place that is counted already.
    pub(super) fn new(admission: Arc<Admission>) -> Self {
        let _holding = admission.hold();
        Self { admission, _holding }
    }
}

impl Drop for OwnedAdmissionPermit {
    fn drop(&mut self) {
        self.admission.release();
    }
}

impl fmt::Debug for OwnedAdmissionPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedAdmissionPermit").field(&self.admission).finish()
    }
}
