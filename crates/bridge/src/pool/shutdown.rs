//! What a shutdown left behind.

use std::{fmt, panic::Location, sync::Arc, time::Duration};

use super::label::Label;

/// What was not done when a pool was shut down; from [`BlockingPool::shutdown`](super::BlockingPool::shutdown).
#[derive(Debug, Clone)]
#[must_use = "it names the calls that are stuck"]
#[non_exhaustive]
pub struct ShutdownReport {
    pool: Arc<str>,
    refused: usize,
    stuck: Vec<StuckCall>,
}

/// A call that still ran at the deadline of a shutdown.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StuckCall {
    name: String,
    location: &'static Location<'static>,
    running_for: Duration,
}

impl ShutdownReport {
    pub(super) fn new(pool: Arc<str>, refused: usize, stuck: Vec<StuckCall>) -> Self {
        Self { pool, refused, stuck }
    }

    /// Whether every accepted call was done in time.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.refused == 0 && self.stuck.is_empty()
    }

    /// How many calls were accepted, but had no thread by the deadline. Their callers were told.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused
    }

    /// The calls that were running at the deadline, the longest first. Their threads end with them.
    #[must_use]
    pub fn stuck(&self) -> &[StuckCall] {
        &self.stuck
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, refused, stuck } = self;
        if self.is_clean() {
            return write!(f, "the pool {pool} was shut down: every call was done");
        }
        write!(f, "the pool {pool} was shut down: {refused} queued calls were refused, {} were stuck", stuck.len())?;
        for (index, call) in stuck.iter().enumerate() {
            write!(f, "{} {call}", if index == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

impl StuckCall {
    pub(super) fn new(label: &Label, running_for: Duration) -> Self {
        Self { name: label.text().into_owned(), location: label.location, running_for }
    }

    /// The name of the call ([`Call::named`](super::Call::named)), or else where it was made.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the call was made.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// How long it had been running at the deadline.
    #[must_use]
    pub fn running_for(&self) -> Duration {
        self.running_for
    }
}

impl fmt::Display for StuckCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.name, self.running_for)
    }
}
