//! What the handles, the tickets and the futures of a queue share.

use std::{fmt, panic::Location};

use bowline_concurrency::Failure;

use super::{QueueStatistics, dead_letter::UnreadDeadLetters, state::State};
use crate::{
    primitive::{Mutex, MutexGuard, lock},
    wait_list::Wakes,
};

pub(crate) struct Shared<T> {
    state: Mutex<State<T>>,
    /// Where the queue was made: its name in messages.
    pub(super) location: &'static Location<'static>,
}

impl<T> Shared<T> {
    pub(super) fn new(state: State<T>, location: &'static Location<'static>) -> Self {
        Self { state: Mutex::new(state), location }
    }

    /// Changes the state, grants what that has set free, and wakes whom it concerns, outside the lock.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut State<T>) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        let mut wakes = Wakes::default();
        state.restore(&mut wakes);
        drop(state);
        wakes.wake();
        result
    }

    /// To look, and for changes that set nothing free.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }

    pub(super) fn statistics(&self) -> QueueStatistics {
        self.lock().statistics()
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let unread =
            self.lock().unread().map(|(count, first)| UnreadDeadLetters { count, first: first.cause.to_string() });
        if let Some(unread) = unread {
            Failure::error(format!("the queue made at {}", self.location), unread).report();
        }
    }
}

impl<T> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let QueueStatistics { capacity, queued, in_work, producers, consumers, .. } = self.statistics();
        f.debug_struct("Queue")
            .field("capacity", &capacity)
            .field("queued", &queued)
            .field("in_work", &in_work)
            .field("producers", &producers)
            .field("consumers", &consumers)
            .finish_non_exhaustive()
    }
}
