//! What a periodic task has done so far.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a [`PeriodicTask`](crate::PeriodicTask) has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeriodicCounts {
    /// How many runs have begun.
    pub runs: u64,
    /// How many of them have failed or panicked.
    pub failures: u64,
    /// How many of them were cancelled by the next one; see [`Overlap::Cancel`](crate::Overlap::Cancel).
    pub cancelled: u64,
    /// How many were due and never began, because the one before went on or nothing could run.
    pub skipped: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    runs: AtomicU64,
    failures: AtomicU64,
    cancelled: AtomicU64,
    skipped: AtomicU64,
}

// Relaxed, all of them: statistics, which order nothing.
impl Counts {
    pub(super) fn run(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn cancel(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn skip(&self, runs: u64) {
        self.skipped.fetch_add(runs, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> PeriodicCounts {
        PeriodicCounts {
            runs: self.runs.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
        }
    }
}
