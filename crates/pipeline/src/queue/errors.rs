//! Refusals, by operation.

use std::{error::Error, fmt, panic::Location};

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Full,
    Closed,
    NoConsumers,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Full => "the queue is full: wait for a place with `put`, or turn the work away",
            Refusal::Closed => "the queue is closed: keep the item, or end",
            Refusal::NoConsumers => "the last consumer of the queue has gone: keep the item, or end",
        })
    }
}

/// A queue did not take an item, because nobody would get it any more; from [`Producer::put`](super::Producer::put).
pub struct PutError<T> {
    pub(super) item: T,
    pub(super) refusal: Refusal,
}

impl<T> PutError<T> {
    /// The item that was refused.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Whether the queue is closed. Otherwise its last consumer has gone.
    pub fn is_closed(&self) -> bool {
        self.refusal == Refusal::Closed
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PutError").field(&self.refusal).finish()
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl<T> Error for PutError<T> {}

/// A queue did not take an item at this moment; from [`Producer::try_put`](super::Producer::try_put).
pub struct TryPutError<T> {
    pub(super) item: T,
    pub(super) refusal: Refusal,
}

impl<T> TryPutError<T> {
    /// The item that was refused.
    pub fn into_inner(self) -> T {
        self.item
    }

    /// Whether there is only no place, so that trying later may help.
    pub fn is_full(&self) -> bool {
        self.refusal == Refusal::Full
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self) -> bool {
        self.refusal == Refusal::Closed
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryPutError").field(&self.refusal).finish()
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal.fmt(f)
    }
}

impl<T> Error for TryPutError<T> {}

/// There is no item for the taking; from [`Consumer::try_get`](super::Consumer::try_get).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryGetError {
    /// Nothing is queued, or others wait for it; more may come.
    #[error("no item is free: wait for one with `get`")]
    Empty,
    /// The queue is closed and everything in it is settled.
    #[error("the queue has ended: nothing will come any more")]
    Ended,
}

/// Work is left in a queue, and its last consumer has gone: waiting on would be for ever. From
/// [`Queue::join`](super::Queue::join) and [`Queue::finish`](super::Queue::finish).
///
/// The items are still there: make another consumer, or take them out with [`Queue::abort`](super::Queue::abort).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{left} items are left in the queue made at {queue}, and its last consumer has gone: \
     let consumers run until `get` returns `None`, or take the items out with `abort`"
)]
pub struct NoConsumers {
    pub(super) left: usize,
    pub(super) queue: &'static Location<'static>,
}

impl NoConsumers {
    /// How many items are left.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left
    }
}
