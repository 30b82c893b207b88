//! Waiting for all of a queue.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    NoConsumers, Queue, QueueReport,
    state::{Left, State, Turn},
};

/// Waits until nothing is unfinished; made by [`Queue::join`].
///
/// # Cancel safety
///
/// It only looks: dropping it changes nothing, and the next one starts from what it finds.
///
/// # Panics
///
/// Never; polled again after it is ready, it begins anew.
#[must_use = "futures do nothing unless awaited"]
pub struct Join<'a, T> {
    watch: Watch<'a, T>,
    /// How often the queue had been settled at the first poll: once more is enough, even if more has come meanwhile.
    settled_before: Option<u64>,
}

impl<'a, T> Join<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        Self { watch: Watch::new(queue), settled_before: None }
    }
}

impl<T> Future for Join<'_, T> {
    type Output = Result<(), NoConsumers>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { watch, settled_before } = &mut *self;
        watch.poll(cx, |state| {
            let settled_since = *settled_before.get_or_insert(state.times_settled) != state.times_settled;
            (state.unfinished() == 0 || settled_since).then(|| *settled_before = None)
        })
    }
}

/// Waits until everything is put and settled, then closes the queue; made by [`Queue::finish`].
///
/// # Cancel safety
///
/// Nothing is closed before it is ready, and dead letters stay in the queue until then: dropped and awaited anew, it goes on as if nothing had happened.
///
/// # Panics
///
/// Never; polled again after it is ready, it reports again, without the dead letters that it gave out.
#[must_use = "futures do nothing unless awaited"]
pub struct Finish<'a, T> {
    watch: Watch<'a, T>,
}

impl<'a, T> Finish<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        Self { watch: Watch::new(queue) }
    }
}

impl<T> Future for Finish<'_, T> {
    type Output = Result<QueueReport<T>, NoConsumers>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.watch.poll(cx, |state| {
            state.is_finished().then(|| {
                state.close();
                let dead_letters = state.take_dead_letters();
                QueueReport { statistics: state.statistics(), dead_letters }
            })
        })
    }
}

/// Looks at the state whenever its verdict may have changed.
struct Watch<'a, T> {
    queue: &'a Queue<T>,
    turn: Turn,
}

impl<'a, T> Watch<'a, T> {
    fn new(queue: &'a Queue<T>) -> Self {
        Self { queue, turn: Turn::Unasked }
    }

    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        verdict: impl FnOnce(&mut State<T>) -> Option<R>,
    ) -> Poll<Result<R, NoConsumers>> {
        // Dropped outside the lock.
        let mut _waker = None;
        let shared = &self.queue.shared;
        // It leaves the line before the change ends, which wakes whoever is left in there.
        shared.change(|state| {
            let result = match verdict(state) {
                Some(result) => Ok(result),
                None if state.is_stranded() => Err(NoConsumers { left: state.unfinished(), queue: shared.location }),
                None => {
                    _waker = self.turn.wait(&mut state.watchers, cx.waker());
                    return Poll::Pending;
                }
            };
            if let Left::Waiting(waker) = self.turn.leave(&mut state.watchers) {
                _waker = Some(waker);
            }
            Poll::Ready(result)
        })
    }
}

impl<T> Drop for Watch<'_, T> {
    fn drop(&mut self) {
        let Turn::InLine(_) = self.turn else { return };
        let left = self.turn.leave(&mut self.queue.shared.lock().watchers);
        drop(left);
    }
}

impl<T> fmt::Debug for Join<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Join").field(self.watch.queue).finish()
    }
}

impl<T> fmt::Debug for Finish<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Finish").field(self.watch.queue).finish()
    }
}
