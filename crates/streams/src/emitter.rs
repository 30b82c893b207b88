//! The end of a generator that its body holds.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{channel::Channel, closed::Closed};

/// Gives items to the consumer of a generator; see [`try_generate`](crate::try_generate).
///
/// A clone emits into the same stream, from any task.
pub struct Emitter<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Emitter<T> {
    pub(crate) fn new(channel: Arc<Channel<T>>) -> Self {
        Emitter { channel }
    }

    /// Hands one item to the consumer, and returns when the consumer asks for the next one.
    ///
    /// # Errors
    ///
    /// [`Closed`] when the consumer has gone, also if it took this item as its last one; and, in a task that is left, when the
    /// body has ended. An item that was not taken is dropped.
    #[doc(alias = "yield")]
    pub fn emit(&self, item: T) -> Emit<'_, T> {
        Emit { channel: &self.channel, stage: Stage::New(item) }
    }
}

impl<T> Clone for Emitter<T> {
    fn clone(&self) -> Self {
        Emitter { channel: self.channel.clone() }
    }
}

impl<T> fmt::Debug for Emitter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").finish_non_exhaustive()
    }
}

/// Future of [`Emitter::emit`].
///
/// # Cancel safety
///
/// Dropped before it is done, it takes its item back if the consumer has not taken it yet: an item is delivered once or not
/// at all, and one that was dropped is never seen later.
#[must_use = "nothing is emitted unless this is awaited"]
pub struct Emit<'a, T> {
    channel: &'a Channel<T>,
    stage: Stage<T>,
}

enum Stage<T> {
    New(T),
    Entered(u64),
    Done,
}

// No field is pinned.
impl<T> Unpin for Emit<'_, T> {}

impl<T> Future for Emit<'_, T> {
    type Output = Result<(), Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::New(item) => match self.channel.enter(item, cx.waker()) {
                Ok(number) => {
                    self.stage = Stage::Entered(number);
                    Poll::Pending
                }
                Err((item, closed)) => {
                    drop(item);
                    Poll::Ready(Err(closed))
                }
            },
            Stage::Entered(number) => {
                let poll = self.channel.poll_done(number, cx.waker());
                if poll.is_pending() {
                    self.stage = Stage::Entered(number);
                }
                poll
            }
            Stage::Done => panic!("an emit must not be polled after it is done"),
        }
    }
}

impl<T> Drop for Emit<'_, T> {
    fn drop(&mut self) {
        if let Stage::Entered(number) = self.stage {
            self.channel.withdraw(number);
        }
    }
}

impl<T> fmt::Debug for Emit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emit").finish_non_exhaustive()
    }
}
