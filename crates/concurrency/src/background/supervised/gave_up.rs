//! The error of a supervised task that is not started again.

use std::{fmt, time::Duration};

use thiserror::Error;

/// A supervised task was to start again more often than [`Restart::at_most`](crate::Restart::at_most) allows. The observer gets it as the error of the
/// task: `failure.downcast_ref::<GaveUp>()`.
#[derive(Clone, Error, PartialEq, Eq)]
#[error(
    "given up at the limit of {restarts} restarts within {within:?}: {last}; mend the cause, or raise the limit with `Restart::at_most`"
)]
#[non_exhaustive]
pub struct GaveUp {
    /// How many restarts are allowed.
    pub restarts: u32,
    /// Within which time.
    pub within: Duration,
    /// How the last run ended: the whole text of its failure, which has many lines if the error carries a backtrace.
    pub last: String,
}

impl GaveUp {
    pub(super) fn new(restarts: u32, within: Duration, last: String) -> Self {
        GaveUp { restarts, within, last }
    }
}

/// As its text: failures are shown by their `Debug`.
impl fmt::Debug for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
