//! The futures that wait for a permit.

use std::{
    fmt,
    hash::Hash,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{OwnedPartitionPermit, PartitionPermit, PartitionedLimiter, state::Ticket};
use crate::{inspected::Waiting, keyed::hash_of, primitive::lock};

/// Waits for a [`PartitionPermit`]; made by [`PartitionedLimiter::acquire`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in its line, and the line's turn if nobody else is in it. A permit that was already granted goes to the next
/// line in the round, so none is lost; asking again begins at the end. Between its grant and its next poll the future holds that permit: one
/// that is kept, but not polled, keeps others waiting.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquirePartitionPermit<'a, K> {
    limiter: &'a PartitionedLimiter<K>,
    turn: Turn<K>,
}

impl<'a, K> AcquirePartitionPermit<'a, K> {
    pub(super) fn new(limiter: &'a PartitionedLimiter<K>, key: K) -> Self {
        Self { limiter, turn: Turn::new(limiter, key) }
    }
}

impl<'a, K: Eq + Hash> Future for AcquirePartitionPermit<'a, K> {
    type Output = PartitionPermit<'a, K>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { limiter, turn } = self.get_mut();
        turn.poll(limiter, cx).map(|()| PartitionPermit::new(limiter))
    }
}

// Neither field is ever pinned, whatever the key is.
impl<K> Unpin for AcquirePartitionPermit<'_, K> {}

impl<K> Drop for AcquirePartitionPermit<'_, K> {
    fn drop(&mut self) {
        self.turn.give_up(self.limiter);
    }
}

impl<K> fmt::Debug for AcquirePartitionPermit<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquirePartitionPermit").field(self.limiter).finish()
    }
}

/// Waits for an [`OwnedPartitionPermit`]; made by [`PartitionedLimiter::acquire_owned`].
///
/// # Cancel safety
///
/// The same as [`AcquirePartitionPermit`]'s: the place is given up, and a permit granted in the same moment is passed on.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireOwnedPartitionPermit<K> {
    limiter: Arc<PartitionedLimiter<K>>,
    turn: Turn<K>,
}

impl<K> AcquireOwnedPartitionPermit<K> {
    pub(super) fn new(limiter: Arc<PartitionedLimiter<K>>, key: K) -> Self {
        let turn = Turn::new(&limiter, key);
        Self { limiter, turn }
    }
}

impl<K: Eq + Hash> Future for AcquireOwnedPartitionPermit<K> {
    type Output = OwnedPartitionPermit<K>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { limiter, turn } = self.get_mut();
        turn.poll(limiter, cx).map(|()| OwnedPartitionPermit::new(Arc::clone(limiter)))
    }
}

// As above.
impl<K> Unpin for AcquireOwnedPartitionPermit<K> {}

impl<K> Drop for AcquireOwnedPartitionPermit<K> {
    fn drop(&mut self) {
        self.turn.give_up(&self.limiter);
    }
}

impl<K> fmt::Debug for AcquireOwnedPartitionPermit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireOwnedPartitionPermit").field(&self.limiter).finish()
    }
}

struct Turn<K> {
    /// A line that this one began has it.
    key: Option<K>,
    stage: Stage,
    waiting: Waiting,
}

/// How far one future has come.
enum Stage {
    Unasked,
    InLine(Ticket),
    Over,
}

impl<K> Turn<K> {
    fn new(limiter: &PartitionedLimiter<K>, key: K) -> Self {
        Self { key: Some(key), stage: Stage::Unasked, waiting: limiter.resource.waiting() }
    }

    /// Ready means that a permit is counted as in use, for the caller to put into a guard.
    fn poll(&mut self, limiter: &PartitionedLimiter<K>, cx: &mut Context<'_>) -> Poll<()>
    where
        K: Eq + Hash,
    {
        let Self { key, stage, waiting } = self;
        waiting.poll(cx, |cx| {
            let coop = ready!(coop::poll_proceed(cx));
            ready!(stage.poll(key, limiter, cx));
            *stage = Stage::Over;
            coop.made_progress();
            Poll::Ready(())
        })
    }

    fn give_up(&mut self, limiter: &PartitionedLimiter<K>) {
        if let Stage::InLine(ticket) = mem::replace(&mut self.stage, Stage::Over) {
            let gone = lock(&limiter.state).leave(ticket);
            if gone.is_none() {
                // It had been granted: the permit goes to the next (invariant 2 of the state).
                limiter.release();
            }
        }
    }
}

impl Stage {
    fn poll<K: Eq + Hash>(
        &mut self,
        key: &mut Option<K>,
        limiter: &PartitionedLimiter<K>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        // Dropped after the lock (invariant 5 of the state).
        let _replaced;
        match self {
            Stage::Unasked => {
                if lock(&limiter.state).take() {
                    return Poll::Ready(());
                }
                let hash = key.as_ref().map_or(0, hash_of);
                let mut state = lock(&limiter.state);
                // A permit may have come back since.
                if state.take() {
                    return Poll::Ready(());
                }
                *self = Stage::InLine(state.join(hash, key, cx.waker().clone()));
                Poll::Pending
            }
            Stage::InLine(ticket) => {
                let mut state = lock(&limiter.state);
                let Some(waker) = state.waker(*ticket) else { return Poll::Ready(()) };
                if !waker.will_wake(cx.waker()) {
                    _replaced = mem::replace(waker, cx.waker().clone());
                }
                Poll::Pending
            }
            Stage::Over => panic!("a partitioned limiter's future was polled after it had completed"),
        }
    }
}
