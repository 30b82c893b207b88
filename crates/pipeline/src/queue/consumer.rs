//! The end of a queue where items come out.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{
    Ticket, TryGetError,
    shared::Shared,
    state::{Left, Turn},
};

/// Takes items out of a [`Queue`](super::Queue); made by [`Queue::consumer`](super::Queue::consumer).
///
/// Each item goes to one consumer. When the last one is dropped, producers get their items back instead of waiting for nobody.
/// Clone it for another worker.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Consumer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        shared.change(|state| state.add_consumer());
        Self { shared }
    }

    /// Takes the first item, as a ticket that owes an answer; waits for one if there is none.
    ///
    /// `None` means that nothing will come any more: the queue is closed ([`finish`](super::Queue::finish), [`close`](super::Queue::close),
    /// or everybody who could put has gone) *and* every ticket is settled, since until then one may come back.
    ///
    /// Therefore a task that collects tickets must settle them before it waits for more than it needs: fill a batch with
    /// [`try_get`](Self::try_get).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use bowline_pipeline::Queue;
    /// let queue = Queue::bounded(100);
    /// let (producer, consumer) = (queue.producer(), queue.consumer());
    /// for row in 0..5 {
    ///     producer.put(row).await?;
    /// }
    /// drop(producer);
    /// queue.close();
    ///
    /// let mut stored = Vec::new();
    /// while let Some(first) = consumer.get().await {
    ///     let mut batch = vec![first];
    ///     while batch.len() < 3 {
    ///         let Ok(ticket) = consumer.try_get() else { break };
    ///         batch.push(ticket);
    ///     }
    ///     stored.push(batch.iter().map(|row| **row).collect::<Vec<_>>()); // one transaction
    ///     batch.into_iter().for_each(|ticket| ticket.done());
    /// }
    /// assert_eq!(stored, [vec![0, 1, 2], vec![3, 4]]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "recv")]
    #[doc(alias = "pop")]
    #[doc(alias = "take")]
    pub fn get(&self) -> Get<'_, T> {
        Get { consumer: self, turn: Turn::Unasked }
    }

    /// Takes the first item if one is free. It never takes what a waiting consumer has been promised.
    ///
    /// # Errors
    ///
    /// [`TryGetError::Empty`] when there is none now, [`TryGetError::Ended`] when there never will be.
    #[doc(alias = "get_nowait")]
    #[doc(alias = "try_recv")]
    pub fn try_get(&self) -> Result<Ticket<T>, TryGetError> {
        let mut state = self.shared.lock();
        match state.take_free() {
            Some(entry) => Ok(Ticket::new(self.shared.clone(), entry)),
            None if state.has_ended() => Err(TryGetError::Ended),
            None => Err(TryGetError::Empty),
        }
    }
}

impl<T> Clone for Consumer<T> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        self.shared.change(|state| state.remove_consumer());
    }
}

impl<T> fmt::Debug for Consumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Consumer").field(&self.shared).finish()
    }
}

/// Takes an item out of a queue; made by [`Consumer::get`].
///
/// # Cancel safety
///
/// Dropping it loses no item and no order: an item that it was promised stays at the front of the queue, and the next consumer in line is told. Between
/// the promise and its next poll, that item waits for this future; one that is kept, but not polled, keeps it from others.
///
/// # Panics
///
/// When it is polled again after it is ready.
#[must_use = "futures do nothing unless awaited"]
pub struct Get<'a, T> {
    consumer: &'a Consumer<T>,
    turn: Turn,
}

impl<T> Future for Get<'_, T> {
    type Output = Option<Ticket<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let budget = ready!(coop::poll_proceed(cx));
        let Self { consumer, turn } = &mut *self;
        // Dropped outside the lock. Taking an item sets nothing free: it keeps its place while it is in work.
        let mut _waker = None;
        let mut state = consumer.shared.lock();
        let entry = match turn {
            Turn::Unasked => state.take_free(),
            Turn::InLine(place) if state.getters.is_granted(place) => {
                turn.leave(&mut state.getters);
                state.take_promised()
            }
            Turn::InLine(_) => None,
            Turn::Over => panic!("a get was polled after it was ready"),
        };
        if entry.is_none() && !state.has_ended() {
            _waker = turn.wait(&mut state.getters, cx.waker());
            return Poll::Pending;
        }
        if let Left::Waiting(waker) = turn.leave(&mut state.getters) {
            _waker = Some(waker);
        }
        drop(state);
        budget.made_progress();
        Poll::Ready(entry.map(|entry| Ticket::new(consumer.shared.clone(), entry)))
    }
}

impl<T> Drop for Get<'_, T> {
    fn drop(&mut self) {
        let Turn::InLine(_) = self.turn else { return };
        let shared = &self.consumer.shared;
        let left = shared.change(|state| {
            let left = self.turn.leave(&mut state.getters);
            if let Left::Granted = left {
                state.end_promised_item();
            }
            left
        });
        drop(left);
    }
}

impl<T> fmt::Debug for Get<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Get").field("turn", &self.turn).finish_non_exhaustive()
    }
}
