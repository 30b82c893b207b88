//! The deadline of a node: when it passes, whether it has passed, and the way to move it.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Node, cancelling};
use crate::primitive::lock;

/// The state of a node's deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The node has no deadline.
    None,
    /// It runs, until the instant if there is one.
    Active(Option<Instant>),
    Expired(Instant),
    Finished,
}

impl Node {
    pub(crate) fn clock(&self) -> Clock {
        lock(&self.cold).clock
    }

    /// Replaces the state if it is still the running one; gives back the one that stands otherwise.
    pub(crate) fn set_clock(&self, clock: Clock) -> Result<(), Clock> {
        let owner = {
            let mut cold = lock(&self.cold);
            if !matches!(cold.clock, Clock::Active(_) | Clock::None) {
                return Err(cold.clock);
            }
            cold.clock = clock;
            cold.owner.clone()
        };
        if let (Clock::Active(_), Some(owner)) = (clock, owner) {
            owner.wake(); // Its timer is set for another instant.
        }
        Ok(())
    }

    /// Whether the node is that of a deadline that has ended, with all that it waited for: it concerns nobody any more.
    pub(super) fn is_past(&self) -> bool {
        self.is_settled() && self.clock() != Clock::None
    }

    /// The first instant at which a deadline at or above this node passes; in the past once one is being cancelled.
    pub(crate) fn effective_deadline(self: &Arc<Self>, now: Instant) -> Option<Instant> {
        let instants = cancelling(self.clone()).filter_map(|node| {
            if node.is_cancelled() {
                return Some(now);
            }
            match node.clock() {
                Clock::Active(at) => at,
                Clock::Expired(at) => Some(at),
                Clock::None | Clock::Finished => None,
            }
        });
        instants.min()
    }
}
