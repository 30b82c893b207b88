//! Counting.

use super::DeadLetter;

/// The counts of a queue at one moment; made by [`Queue::statistics`](super::Queue::statistics).
///
/// No item is lost: `put = done + dead + returned + queued + in_work`, in every snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStatistics {
    /// How many items may be queued and in work.
    pub capacity: usize,
    /// Items that were accepted.
    pub put: u64,
    /// Items whose ticket said so.
    pub done: u64,
    /// Items that were given up: the dead letters, read or not.
    pub dead: u64,
    /// Items that went back to the program, by [`Ticket::into_inner`](super::Ticket::into_inner) or [`Queue::abort`](super::Queue::abort).
    pub returned: u64,
    /// Items that wait for a consumer.
    pub queued: usize,
    /// Tickets that are out.
    pub in_work: usize,
    /// How often an item was put back for another attempt.
    pub retried: u64,
    /// How often a ticket was dropped unanswered. More than zero means that workers panic, are cancelled, or forget.
    pub abandoned: u64,
    /// Handles that can put.
    pub producers: usize,
    /// Handles that can get.
    pub consumers: usize,
    /// Puts that wait for a place.
    pub waiting_to_put: usize,
    /// Gets that wait for an item.
    pub waiting_to_get: usize,
}

/// What became of the items of a queue; from [`Queue::finish`](super::Queue::finish).
#[derive(Debug)]
#[must_use = "dead letters are in it"]
#[non_exhaustive]
pub struct QueueReport<T> {
    /// The final counts: nothing is queued or in work.
    pub statistics: QueueStatistics,
    /// What was given up and not yet taken, in that order.
    pub dead_letters: Vec<DeadLetter<T>>,
}

impl<T> QueueReport<T> {
    /// Whether every item that was put was also done.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.statistics.done == self.statistics.put
    }
}
