//! Why a permit is refused.

use std::num::NonZeroUsize;

use super::Borrower;

/// No permit is free, or others wait for the next one; returned by [`Limiter::try_acquire`](super::Limiter::try_acquire).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limiter is at capacity: wait with `acquire`, or turn the work away")]
pub struct AtCapacity;

/// More permits were asked for at once than there are; returned by [`Limiter::acquire_many`](super::Limiter::acquire_many).
///
/// Such a request would wait for ever, and so would everybody behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{requested} permits can never be had of a limiter of capacity {capacity}: ask for fewer, or raise the capacity"
)]
pub struct ExceedsCapacity {
    requested: NonZeroUsize,
    capacity: usize,
}

impl ExceedsCapacity {
    pub(super) fn new(requested: NonZeroUsize, capacity: usize) -> Self {
        Self { requested, capacity }
    }

    /// How many permits were asked for.
    #[must_use]
    pub fn requested(&self) -> NonZeroUsize {
        self.requested
    }

    /// How many there were in all when the request was refused; never zero.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

/// The borrower holds a permit of this limiter or waits for one; returned by [`Limiter::acquire_as`](super::Limiter::acquire_as).
///
/// To wait for a second one would be to wait for oneself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{borrower} holds or awaits a permit of this limiter already: let go of that one first, or be another borrower"
)]
pub struct AlreadyHolds {
    pub(super) borrower: Borrower,
}

impl AlreadyHolds {
    /// Who it is.
    #[must_use]
    pub fn borrower(&self) -> &Borrower {
        &self.borrower
    }
}

/// Why [`Limiter::try_acquire_many`](super::Limiter::try_acquire_many) gives no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryAcquireManyError {
    /// Not now.
    #[error(transparent)]
    AtCapacity(#[from] AtCapacity),
    /// Not ever.
    #[error(transparent)]
    ExceedsCapacity(#[from] ExceedsCapacity),
}

/// Why [`Limiter::try_acquire_as`](super::Limiter::try_acquire_as) gives no permit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryAcquireAsError {
    /// Not now.
    #[error(transparent)]
    AtCapacity(#[from] AtCapacity),
    /// Not to this borrower.
    #[error(transparent)]
    AlreadyHolds(#[from] AlreadyHolds),
}
