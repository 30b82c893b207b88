//! What a pool is doing, and what it has done.

use super::{
    pooled::Pooled,
    state::{Phase, State},
};

/// What a [`Pool`](crate::Pool) is doing at one moment; made by [`Pool::statistics`](crate::Pool::statistics).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// How many values there may be.
    pub max_size: usize,
    /// How many places are taken: the sum of the next five.
    pub size: usize,
    /// How many values are ready to be handed out.
    pub idle: usize,
    /// How many are checked out, or on their way to who has asked.
    pub in_use: usize,
    /// How many are being created.
    pub creating: usize,
    /// How many are being reset or checked.
    pub recycling: usize,
    /// How many are being destroyed.
    pub closing: usize,
    /// How many futures wait in line.
    pub waiting: usize,
    /// Whether it has been closed.
    pub is_closed: bool,
    /// How many values were created since the beginning.
    pub created: u64,
    /// How many creations failed, took too long or panicked.
    pub failed_creations: u64,
    /// How many values were destroyed, or are being, and why.
    pub destroyed: Destroyed,
    /// How many of those releases failed, took too long or panicked.
    pub failed_releases: u64,
}

/// How many values of a pool were destroyed since the beginning, by cause; in [`PoolStatistics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destroyed {
    /// Older than [`max_lifetime`](crate::PoolBuilder::max_lifetime).
    pub expired: u64,
    /// Not used for longer than [`idle_timeout`](crate::PoolBuilder::idle_timeout).
    pub idle_too_long: u64,
    /// [`Pooled::is_usable`](crate::Pooled::is_usable) said no, or panicked.
    pub unusable: u64,
    /// [`Pooled::check`](crate::Pooled::check) failed, took too long or panicked.
    pub failed_check: u64,
    /// [`Pooled::reset`](crate::Pooled::reset) failed, took too long or panicked.
    pub failed_reset: u64,
    /// Their use panicked or was dropped half-way: [`Pooled::is_reusable_after`](crate::Pooled::is_reusable_after) said no.
    pub interrupted: u64,
    /// [`discard`](crate::Checkout::discard) or [`invalidate`](crate::Checkout::invalidate) was called.
    pub discarded: u64,
    /// The pool was closed.
    pub closed: u64,
    /// Cut off without a release, by the end of a runtime.
    pub lost: u64,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Cause {
    Expired,
    IdleTooLong,
    Unusable,
    FailedCheck,
    FailedReset,
    Interrupted,
    Discarded,
    Closed,
    Lost,
}

impl Destroyed {
    /// The sum of all.
    pub fn total(&self) -> u64 {
        let Destroyed {
            expired,
            idle_too_long,
            unusable,
            failed_check,
            failed_reset,
            interrupted,
            discarded,
            closed,
            lost,
        } = self;
        expired + idle_too_long + unusable + failed_check + failed_reset + interrupted + discarded + closed + lost
    }

    pub(super) fn count(&mut self, cause: Cause) {
        *match cause {
            Cause::Expired => &mut self.expired,
            Cause::IdleTooLong => &mut self.idle_too_long,
            Cause::Unusable => &mut self.unusable,
            Cause::FailedCheck => &mut self.failed_check,
            Cause::FailedReset => &mut self.failed_reset,
            Cause::Interrupted => &mut self.interrupted,
            Cause::Discarded => &mut self.discarded,
            Cause::Closed => &mut self.closed,
            Cause::Lost => &mut self.lost,
        } += 1;
    }
}

impl PoolStatistics {
    pub(super) fn of<R: Pooled>(state: &State<R>) -> Self {
        PoolStatistics {
            max_size: state.max(),
            size: state.size(),
            idle: state.idle(),
            in_use: state.busy(Phase::InUse),
            creating: state.busy(Phase::Creating),
            recycling: state.busy(Phase::Recycling),
            closing: state.busy(Phase::Closing),
            waiting: state.waiting(),
            is_closed: state.is_closed,
            created: state.created,
            failed_creations: state.failed_creations,
            destroyed: state.destroyed,
            failed_releases: state.failed_releases,
        }
    }
}
