//! Moving a deadline while it runs.

use std::{fmt, sync::Arc, time::Duration};

use thiserror::Error;
use tokio::time::Instant;

use crate::node::{Clock, Node};

/// The handle of a [`deadline`](crate::deadline()): reads and moves it.
///
/// It keeps nothing waiting, and may outlive the deadline.
#[derive(Clone)]
pub struct DeadlineHandle {
    node: Arc<Node>,
}

impl DeadlineHandle {
    pub(super) fn new(node: Arc<Node>) -> Self {
        DeadlineHandle { node }
    }

    /// Lets the deadline pass at another instant, earlier or later; `None`: not at all.
    ///
    /// An instant in the past lets it pass now.
    ///
    /// # Errors
    ///
    /// The deadline has passed, or its body has ended, or was not polled yet.
    pub fn reschedule(&self, at: impl Into<Option<Instant>>) -> Result<(), RescheduleError> {
        if self.node.clock() == Clock::None {
            return Err(RescheduleError::NotStarted);
        }
        self.node.set_clock(Clock::Active(at.into())).map_err(|state| match state {
            Clock::Finished => RescheduleError::Finished,
            _ => RescheduleError::Expired,
        })
    }

    /// When the deadline passes, or has passed.
    pub fn at(&self) -> Option<Instant> {
        match self.node.clock() {
            Clock::Active(at) => at,
            Clock::Expired(at) => Some(at),
            Clock::None | Clock::Finished => None,
        }
    }

    /// How much time is left: zero once the deadline has passed, `None` if it never will.
    pub fn remaining(&self) -> Option<Duration> {
        self.at().map(|at| at.saturating_duration_since(Instant::now()))
    }

    /// Whether the deadline has passed. A body that was given a [`grace`](crate::Timeout::grace) may still end with a value then.
    pub fn expired(&self) -> bool {
        matches!(self.node.clock(), Clock::Expired(_))
    }
}

impl fmt::Debug for DeadlineHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeadlineHandle").field(&self.node.clock()).finish()
    }
}

/// A deadline was not moved.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum RescheduleError {
    /// The body has not been polled yet, so that the clock does not run.
    #[error("the deadline has not started: reschedule it from inside its body")]
    NotStarted,
    /// It is too late: the body is being cancelled, or has been.
    #[error("the deadline has passed: give the next piece of work a deadline of its own")]
    Expired,
    /// The body has ended in time.
    #[error("the work of the deadline has ended: there is nothing left to give more time")]
    Finished,
}
