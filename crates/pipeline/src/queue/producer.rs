//! The end of a queue where items go in.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{
    PutError, TryPutError,
    errors::Refusal,
    shared::Shared,
    state::{Left, Turn},
};

/// Puts items into a [`Queue`](super::Queue); made by [`Queue::producer`](super::Queue::producer).
///
/// While one is alive, more may come, and [`Queue::finish`](super::Queue::finish) waits. Clone it for another task; drop it when its work is done.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Producer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        shared.change(|state| state.producers += 1);
        Self { shared }
    }

    /// Puts `item` at the end of the queue, and waits for a place first if there is none: back-pressure.
    ///
    /// Places are given in the order of the first polls.
    ///
    /// # Errors
    ///
    /// [`PutError`] gives the item back when nobody would get it: the queue is closed, or its last consumer has gone. A put
    /// that waits is refused in the moment when that happens.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let queue = bowline_pipeline::Queue::bounded(10);
    /// let producer = queue.producer();
    /// producer.put("letter").await?;
    ///
    /// queue.close();
    /// let refused = producer.put("late letter").await.expect_err("it is closed");
    /// assert_eq!(refused.into_inner(), "late letter");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "send")]
    #[doc(alias = "push")]
    pub fn put(&self, item: T) -> Put<'_, T> {
        Put { producer: self, item: Some(item), turn: Turn::Unasked }
    }

    /// Puts `item` at the end of the queue if there is a place. It never overtakes a put that waits.
    ///
    /// # Errors
    ///
    /// [`TryPutError`] gives the item back: the queue is full or closed, or its last consumer has gone.
    #[doc(alias = "put_nowait")]
    #[doc(alias = "try_send")]
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        self.shared.change(|state| match state.refusal() {
            Some(refusal) => Err(TryPutError { item, refusal }),
            None if state.has_place() => {
                state.accept(item);
                Ok(())
            }
            None => Err(TryPutError { item, refusal: Refusal::Full }),
        })
    }
}

impl<T> Clone for Producer<T> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.shared.change(|state| {
            state.producers -= 1;
            state.close_if_unreachable();
        });
    }
}

impl<T> fmt::Debug for Producer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Producer").field(&self.shared).finish()
    }
}

/// Puts an item into a queue; made by [`Producer::put`].
///
/// # Cancel safety
///
/// A put that is dropped before it is ready has not happened: the item is dropped with it, its place in line is given up, and a place that it was
/// promised goes to the next. To keep the item, poll the put by reference, and take it out with [`into_inner`](Self::into_inner).
///
/// # Panics
///
/// When it is polled again after it is ready.
#[must_use = "futures do nothing unless awaited"]
pub struct Put<'a, T> {
    producer: &'a Producer<T>,
    item: Option<T>,
    turn: Turn,
}

// The item is never pinned: it only passes through.
impl<T> Unpin for Put<'_, T> {}

impl<T> Put<'_, T> {
    /// Gives the put up; returns the item, or `None` if the queue has answered already.
    ///
    /// ```
    /// use tokio::time::{Duration, timeout};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let queue = bowline_pipeline::Queue::bounded(1);
    /// let producer = queue.producer();
    /// producer.put("first").await?;
    ///
    /// let mut put = producer.put("second");
    /// if timeout(Duration::from_millis(5), &mut put).await.is_err() {
    ///     assert_eq!(put.into_inner(), Some("second"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(mut self) -> Option<T> {
        self.item.take()
    }
}

impl<T> Future for Put<'_, T> {
    type Output = Result<(), PutError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let budget = ready!(coop::poll_proceed(cx));
        let Self { producer, item, turn } = &mut *self;
        // Dropped after the change, outside the lock.
        let mut _waker = None;
        let poll = producer.shared.change(|state| {
            let granted = matches!(&*turn, Turn::InLine(place) if state.putters.is_granted(place));
            let may_enter = granted || (matches!(turn, Turn::Unasked) && state.has_place());
            let refusal = state.refusal();
            if refusal.is_none() && !may_enter {
                assert!(item.is_some(), "a put was polled after it was ready");
                _waker = turn.wait(&mut state.putters, cx.waker());
                return Poll::Pending;
            }
            match turn.leave(&mut state.putters) {
                Left::Granted => state.end_promised_place(),
                Left::Waiting(waker) => _waker = Some(waker),
                Left::Outside => {}
            }
            let item = item.take().expect("a put is not polled after it is ready");
            Poll::Ready(match refusal {
                Some(refusal) => Err(PutError { item, refusal }),
                None => {
                    state.accept(item);
                    Ok(())
                }
            })
        });
        if poll.is_ready() {
            budget.made_progress();
        }
        poll
    }
}

impl<T> Drop for Put<'_, T> {
    fn drop(&mut self) {
        let Turn::InLine(_) = self.turn else { return };
        let shared = &self.producer.shared;
        let left = shared.change(|state| {
            let left = self.turn.leave(&mut state.putters);
            if let Left::Granted = left {
                state.end_promised_place();
            }
            left
        });
        drop(left);
    }
}

impl<T> fmt::Debug for Put<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Put").field("turn", &self.turn).finish_non_exhaustive()
    }
}
