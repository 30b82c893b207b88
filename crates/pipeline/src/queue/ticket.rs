//! An item in work.

use std::{
    error::Error,
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use super::{
    dead_letter::DeadCause,
    shared::Shared,
    state::{Entry, State},
};

/// An item taken from a queue, owing an answer: [`done`](Self::done), [`retry`](Self::retry), [`retry_or_fail`](Self::retry_or_fail),
/// [`fail`](Self::fail) or [`into_inner`](Self::into_inner), each of which can be given once.
///
/// A ticket that is dropped without one, because its worker panicked, was cancelled or returned early, is counted, and its item goes
/// back to the end of the queue, as often as the queue allows ([`Queue::with_max_attempts`](super::Queue::with_max_attempts)); then it
/// becomes a [dead letter](super::DeadLetter).
///
/// It dereferences to the item. Changes are kept when the item is tried again.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bowline_pipeline::{DeadCause, Queue};
///
/// let queue = Queue::bounded(10).with_max_attempts(2);
/// let (producer, consumer) = (queue.producer(), queue.consumer());
/// producer.put("7").await?;
/// producer.put("seven").await?;
/// drop(producer);
/// queue.close();
///
/// let mut sum = 0;
/// while let Some(ticket) = consumer.get().await {
///     match ticket.parse::<u32>() {
///         Ok(number) => {
///             sum += number;
///             ticket.done();
///         }
///         Err(error) => ticket.retry_or_fail(error),
///     }
/// }
/// let report = queue.finish().await?;
/// assert_eq!(sum, 7);
/// assert_eq!(report.dead_letters[0].item, "seven");
/// assert_eq!(report.dead_letters[0].attempts, 2);
/// assert!(matches!(&report.dead_letters[0].cause, DeadCause::Failed(error) if error.is::<std::num::ParseIntError>()));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "Delivery")]
#[doc(alias = "task_done")]
#[doc(alias = "ack")]
#[must_use = "a ticket that is dropped puts its item back: say `done`"]
pub struct Ticket<T> {
    shared: Arc<Shared<T>>,
    /// Present until the answer.
    entry: Option<Entry<T>>,
}

impl<T> Ticket<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, entry: Entry<T>) -> Self {
        Self { shared, entry: Some(entry) }
    }

    /// The item has been dealt with.
    #[doc(alias = "ack")]
    pub fn done(mut self) {
        let entry = self.answer(|state, entry| {
            state.finish_item();
            entry
        });
        drop(entry);
    }

    /// Puts the item at the end of the queue, for another attempt. After the last one it is a dead letter.
    ///
    /// It never waits: the item has kept its place.
    #[doc(alias = "nack")]
    #[doc(alias = "requeue")]
    pub fn retry(mut self) {
        self.answer(|state, entry| state.retry_item(entry, DeadCause::Exhausted));
    }

    /// Puts the item at the end of the queue, for another attempt. After the last one it is a dead letter with this error.
    ///
    /// The errors of earlier attempts are dropped: log them if they matter.
    pub fn retry_or_fail(mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        let cause = DeadCause::Failed(error.into());
        let unneeded = self.answer(|state, entry| state.retry_item(entry, cause));
        drop(unneeded);
    }

    /// Gives the item up: another attempt would fail too. It becomes a dead letter with this error.
    #[doc(alias = "reject")]
    #[doc(alias = "dead_letter")]
    pub fn fail(mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        let cause = DeadCause::Failed(error.into());
        self.answer(|state, entry| state.bury_item(entry, cause));
    }

    /// Takes the item out of the queue's responsibility, to put it elsewhere. It counts as returned.
    pub fn into_inner(mut self) -> T {
        self.answer(|state, entry| {
            state.return_item();
            entry.item
        })
    }

    /// Which delivery of the item this is: 1 for the first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.entry().attempt
    }

    fn answer<R>(&mut self, answer: impl FnOnce(&mut State<T>, Entry<T>) -> R) -> R {
        let entry = self.entry.take().expect("every answer consumes the ticket");
        self.shared.change(|state| answer(state, entry))
    }

    fn entry(&self) -> &Entry<T> {
        self.entry.as_ref().expect("an answered ticket is gone")
    }
}

impl<T> Deref for Ticket<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.entry().item
    }
}

impl<T> DerefMut for Ticket<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.entry.as_mut().expect("an answered ticket is gone").item
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.shared.change(|state| state.recover_item(entry));
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Ticket<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("item", &**self).field("attempt", &self.attempt()).finish_non_exhaustive()
    }
}
