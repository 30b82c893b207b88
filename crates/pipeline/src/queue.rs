//! A bounded queue that knows what became of every item.

mod consumer;
mod dead_letter;
mod errors;
mod finish;
mod producer;
mod shared;
mod state;
mod statistics;
mod ticket;

use std::{fmt, panic::Location, sync::Arc};

pub use self::{
    consumer::{Consumer, Get},
    dead_letter::{DeadCause, DeadLetter},
    errors::{NoConsumers, PutError, TryGetError, TryPutError},
    finish::{Finish, Join},
    producer::{Producer, Put},
    statistics::{QueueReport, QueueStatistics},
    ticket::Ticket,
};
use self::{shared::Shared, state::State};

/// How often an item is delivered unless the queue is told otherwise.
const MAX_ATTEMPTS: u32 = 3;

/// A bounded first-in, first-out queue for many producers and many consumers, which can be waited for as a whole.
///
/// This is the end that owns the work: it makes the handles, waits ([`finish`](Self::finish), [`join`](Self::join)) and
/// ends ([`close`](Self::close), [`abort`](Self::abort)). The work is done through [`Producer`]s and [`Consumer`]s, so that the
/// queue knows when nobody is left on one side.
///
/// Make the handles where the queue is in sight, *before* the tasks are spawned: a task that has not begun yet holds none, and
/// `finish` would find nobody to wait for.
///
/// The capacity counts the items that are queued *and* those in work. So memory is bounded by it, an item that comes back
/// finds its place, and a queue smaller than its number of workers keeps some of them idle.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{ScopeError, TaskGroup, try_scope};
/// use bowline_pipeline::{Consumer, NoConsumers, Producer, PutError, Queue};
///
/// #[derive(Debug, thiserror::Error)]
/// enum Error {
///     #[error(transparent)]
///     Put(#[from] PutError<u32>),
///     #[error(transparent)]
///     NoConsumers(#[from] NoConsumers),
/// }
///
/// async fn produce(queue: Producer<u32>) -> Result<(), Error> {
///     for page in 0..10 {
///         queue.put(page).await?; // back-pressure
///     }
///     Ok(())
/// }
///
/// async fn consume(queue: Consumer<u32>) -> Result<(), Error> {
///     while let Some(page) = queue.get().await {
///         // Whatever ends this task here, the page is not lost.
///         page.done();
///     }
///     Ok(())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), ScopeError<Error>> {
/// let queue = Queue::bounded(100);
/// let report = try_scope(async |group: &TaskGroup<Error>| {
///     drop(group.try_spawn(produce(queue.producer())));
///     for _ in 0..4 {
///         drop(group.try_spawn(consume(queue.consumer())));
///     }
///     Ok(queue.finish().await?) // all producers gone, every ticket settled; then the consumers' loops end
/// })
/// .await?;
/// assert_eq!(report.statistics.done, 10);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "JoinableQueue")]
#[doc(alias = "channel")]
#[doc(alias = "mpmc")]
pub struct Queue<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Queue<T> {
    /// Creates a queue for at most `capacity` items, queued and in work.
    ///
    /// An item is delivered three times at most, which [`with_max_attempts`](Self::with_max_attempts) changes.
    ///
    /// # Panics
    ///
    /// If the capacity is zero: nothing could ever be put.
    #[track_caller]
    #[must_use]
    pub fn bounded(capacity: usize) -> Self {
        assert!(capacity > 0, "a queue of capacity 0 takes no item: give it room for one at least");
        let state = State::new(capacity, MAX_ATTEMPTS);
        Self { shared: Arc::new(Shared::new(state, Location::caller())) }
    }

    /// Sets how often an item is delivered before it becomes a dead letter; 1 means that a worker that dies takes its item
    /// straight to the dead letters.
    ///
    /// # Panics
    ///
    /// If it is zero.
    #[track_caller]
    #[must_use]
    pub fn with_max_attempts(self, attempts: u32) -> Self {
        assert!(attempts > 0, "an item is attempted once at least");
        self.shared.lock().max_attempts = attempts;
        self
    }

    /// Makes a handle to put items with.
    pub fn producer(&self) -> Producer<T> {
        Producer::new(self.shared.clone())
    }

    /// Makes a handle to get items with. After the last one has gone, a new one makes puts welcome again.
    pub fn consumer(&self) -> Consumer<T> {
        Consumer::new(self.shared.clone())
    }

    /// Waits until nothing is unfinished: every item put so far is settled. The queue stays open.
    ///
    /// An empty queue is finished at once, even if a producer is just about to put: this is what `Queue.join` of asyncio
    /// means. Most programs want [`finish`](Self::finish). Workers that put new items into their own queue want this, and then
    /// [`close`](Self::close): there, producers never go first.
    ///
    /// # Errors
    ///
    /// [`NoConsumers`] when items are queued, none is in work and there is no consumer.
    pub fn join(&self) -> Join<'_, T> {
        Join::new(self)
    }

    /// Waits until all producers have gone and every item is settled, then closes the queue, so that the loops of its
    /// consumers end, and reports.
    ///
    /// After [`close`](Self::close) it no longer waits for producers.
    ///
    /// A producer that the waiting task itself keeps is waited for too, for ever: drop it first.
    ///
    /// # Errors
    ///
    /// [`NoConsumers`] when items are queued, none is in work and there is no consumer. The queue is left as it is.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use bowline_pipeline::Queue;
    /// let queue = Queue::bounded(10);
    /// queue.producer().put("nobody wants it").await?;
    ///
    /// let error = queue.finish().await.expect_err("nobody can take it");
    /// assert_eq!(error.left(), 1);
    /// assert_eq!(queue.abort(), ["nobody wants it"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "drain")]
    pub fn finish(&self) -> Finish<'_, T> {
        Finish::new(self)
    }

    /// Refuses new items; those inside are still delivered, and then the consumers' loops end.
    ///
    /// Puts that wait for a place are refused and give their items back.
    #[doc(alias = "shutdown")]
    pub fn close(&self) {
        self.shared.change(State::close);
    }

    /// Closes the queue and takes what is queued out of it, in order.
    ///
    /// Items in work are not among them: their tickets can still be answered, and those that would come back become dead
    /// letters.
    #[doc(alias = "clear")]
    #[doc(alias = "shutdown_now")]
    pub fn abort(&self) -> Vec<T> {
        self.shared.change(State::abort).into_iter().map(|entry| entry.item).collect()
    }

    /// Takes the dead letters out, oldest first.
    ///
    /// They stay in memory until somebody does that or until [`finish`](Self::finish) reports them: a queue that lives long should be
    /// emptied of them now and then. Those left in a queue that is dropped are reported to the failure observer.
    pub fn take_dead_letters(&self) -> Vec<DeadLetter<T>> {
        self.shared.change(State::take_dead_letters)
    }

    /// What the queue holds and has seen, as of one moment.
    #[must_use]
    #[doc(alias = "len")]
    #[doc(alias = "qsize")]
    pub fn statistics(&self) -> QueueStatistics {
        self.shared.statistics()
    }
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.owned = false;
            state.close_if_unreachable();
        });
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.fmt(f)
    }
}
