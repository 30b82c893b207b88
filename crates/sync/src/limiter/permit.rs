//! The right to proceed, as a guard.

use std::{fmt, sync::Arc};

use super::Limiter;

/// The right to proceed, given back when it is dropped; from [`Limiter::acquire`] and [`Limiter::try_acquire`].
#[must_use = "a permit that is dropped at once limits nothing: bind it, `let _permit = …`"]
pub struct Permit<'a> {
    limiter: &'a Limiter,
}

impl<'a> Permit<'a> {
    /// Stands for a permit that is counted already.
    pub(super) fn new(limiter: &'a Limiter) -> Self {
        Self { limiter }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.limiter.release();
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(self.limiter).finish()
    }
}

/// A [`Permit`] that shares ownership of its limiter; from [`Limiter::acquire_owned`].
#[must_use = "a permit that is dropped at once limits nothing: bind it, `let _permit = …`"]
pub struct OwnedPermit {
    limiter: Arc<Limiter>,
}

impl OwnedPermit {
    /// Stands for a permit that is counted already.
    pub(super) fn new(limiter: Arc<Limiter>) -> Self {
        Self { limiter }
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        self.limiter.release();
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedPermit").field(&self.limiter).finish()
    }
}
