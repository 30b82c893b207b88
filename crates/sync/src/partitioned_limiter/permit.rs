//! The right to proceed, as a guard.

use std::{fmt, sync::Arc};

use super::PartitionedLimiter;
use crate::inspected::Holding;

/// The right to proceed, given back when it is dropped; from [`PartitionedLimiter::acquire`] and [`PartitionedLimiter::try_acquire`].
#[must_use = "a permit that is dropped at once limits nothing: bind it, `let _permit = …`"]
pub struct PartitionPermit<'a, K> {
    limiter: &'a PartitionedLimiter<K>,
    _holding: Holding,
}

impl<'a, K> PartitionPermit<'a, K> {
    /// Stands for a permit that is counted already.
    pub(super) fn new(limiter: &'a PartitionedLimiter<K>) -> Self {
        Self { limiter, _holding: limiter.resource.hold() }
    }
}

impl<K> Drop for PartitionPermit<'_, K> {
    fn drop(&mut self) {
        self.limiter.release();
    }
}

impl<K> fmt::Debug for PartitionPermit<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PartitionPermit").field(self.limiter).finish()
    }
}

/// A [`PartitionPermit`] that shares ownership of its limiter; from [`PartitionedLimiter::acquire_owned`].
#[must_use = "a permit that is dropped at once limits nothing: bind it, `let _permit = …`"]
pub struct OwnedPartitionPermit<K> {
    limiter: Arc<PartitionedLimiter<K>>,
    _holding: Holding,
}

impl<K> OwnedPartitionPermit<K> {
    /// Stands for a permit that is counted already.
    pub(super) fn new(limiter: Arc<PartitionedLimiter<K>>) -> Self {
        let holding = limiter.resource.hold();
        Self { limiter, _holding: holding }
    }
}

impl<K> Drop for OwnedPartitionPermit<K> {
    fn drop(&mut self) {
        self.limiter.release();
    }
}

impl<K> fmt::Debug for OwnedPartitionPermit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedPartitionPermit").field(&self.limiter).finish()
    }
}
