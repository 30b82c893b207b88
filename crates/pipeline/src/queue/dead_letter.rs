//! Items that were given up, and why.

use std::{error::Error, fmt};

/// An item that was given up, kept for whoever wants to look at it; from [`QueueReport`](super::QueueReport) and
/// [`Queue::take_dead_letters`](super::Queue::take_dead_letters).
#[derive(Debug)]
#[non_exhaustive]
pub struct DeadLetter<T> {
    /// The item, as the last ticket left it.
    pub item: T,
    /// How often it was delivered.
    pub attempts: u32,
    /// What became of the last attempt.
    pub cause: DeadCause,
}

/// What the last attempt at a [`DeadLetter`] came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeadCause {
    /// It failed with this error ([`Ticket::fail`](super::Ticket::fail), [`Ticket::retry_or_fail`](super::Ticket::retry_or_fail)).
    Failed(Box<dyn Error + Send + Sync>),
    /// It asked for another one ([`Ticket::retry`](super::Ticket::retry)), and there was none left.
    Exhausted,
    /// Its ticket was dropped, because the worker panicked, was cancelled or forgot it.
    Abandoned,
}

impl fmt::Display for DeadCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeadCause::Failed(error) => write!(f, "{error}"),
            DeadCause::Exhausted => f.write_str("every attempt asked for another one"),
            DeadCause::Abandoned => f.write_str("the worker dropped its ticket"),
        }
    }
}

/// Reported when a queue is dropped with dead letters in it: their errors must not be lost.
#[derive(Debug, thiserror::Error)]
#[error(
    "{count} dead letters were never read, the first one: {first}; take them out with `finish` or `take_dead_letters`"
)]
pub(super) struct UnreadDeadLetters {
    pub(super) count: usize,
    pub(super) first: String,
}
