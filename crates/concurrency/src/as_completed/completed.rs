//! The outputs that have come, on their way to the body.

use std::{
    collections::{HashSet, VecDeque},
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_util::Stream;

use crate::primitive::{Mutex, lock};

/// The outputs of an [`as_completed`](crate::as_completed()), each with the key of its input, in the order in which they come.
///
/// It is a stream too.
pub struct Completed<K, T> {
    /// By the number of the input; taken with its output.
    keys: Vec<Option<K>>,
    shared: Arc<Shared<T>>,
}

impl<K, T> Completed<K, T> {
    pub(super) fn new(keys: Vec<Option<K>>) -> (Self, Arc<Shared<T>>) {
        let shared = Arc::new(Shared(Mutex::new(State { ready: VecDeque::new(), running: keys.len(), body: None })));
        (Completed { keys, shared: shared.clone() }, shared)
    }

    /// Waits for the next output; `None` when all have been taken.
    ///
    /// # Cancel safety
    ///
    /// An output is taken by the poll that returns it. Dropping the wait loses nothing: the next one goes on from there.
    #[expect(clippy::should_implement_trait, reason = "it is the `next` of a stream, and takes no import")]
    pub fn next(&mut self) -> NextCompleted<'_, K, T> {
        NextCompleted { completed: self }
    }

    /// The next output, if one has come already.
    pub fn try_next(&mut self) -> Option<(K, T)> {
        let (number, output) = lock(&self.shared.0).ready.pop_front()?;
        Some(self.with_key(number, output))
    }

    /// The keys of those inputs that have not ended yet, in the order of the inputs. One whose output came, and was not taken,
    /// has ended. It looks at every input: once in a while, and not for each output.
    pub fn pending(&self) -> impl Iterator<Item = &K> {
        let ready: HashSet<usize> = lock(&self.shared.0).ready.iter().map(|(number, _)| *number).collect();
        self.keys
            .iter()
            .enumerate()
            .filter(move |(number, _)| !ready.contains(number))
            .filter_map(|(_, key)| key.as_ref())
    }

    fn with_key(&mut self, number: usize, output: T) -> (K, T) {
        (self.keys[number].take().expect("each input gives one output"), output)
    }
}

// Keys and outputs are moved, never pinned.
impl<K, T> Unpin for Completed<K, T> {}

impl<K, T> Stream for Completed<K, T> {
    type Item = (K, T);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<(K, T)>> {
        let polled = self.shared.poll_next(cx);
        polled.map(|next| next.map(|(number, output)| self.with_key(number, output)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let state = lock(&self.shared.0);
        let left = state.ready.len() + state.running;
        (left, Some(left))
    }
}

impl<K: fmt::Debug, T> fmt::Debug for Completed<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed").field("pending", &self.pending().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

/// Future of [`Completed::next`].
///
/// # Cancel safety
///
/// Dropping it loses nothing.
#[must_use = "futures do nothing unless awaited"]
pub struct NextCompleted<'a, K, T> {
    completed: &'a mut Completed<K, T>,
}

impl<K, T> Future for NextCompleted<'_, K, T> {
    type Output = Option<(K, T)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.completed).poll_next(cx)
    }
}

impl<K: fmt::Debug, T> fmt::Debug for NextCompleted<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextCompleted").field(&self.completed).finish()
    }
}

/// What the body and its inputs share. Nothing of the user's is called or dropped under the lock.
pub(super) struct Shared<T>(Mutex<State<T>>);

struct State<T> {
    ready: VecDeque<(usize, T)>,
    /// How many outputs are still to come.
    running: usize,
    body: Option<Waker>,
}

impl<T> Shared<T> {
    pub(super) fn push(&self, number: usize, output: T) {
        let body = {
            let mut state = lock(&self.0);
            state.ready.push_back((number, output));
            state.running -= 1;
            state.body.take()
        };
        if let Some(body) = body {
            body.wake();
        }
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<(usize, T)>> {
        let mut state = lock(&self.0);
        if let Some(next) = state.ready.pop_front() {
            return Poll::Ready(Some(next));
        }
        if state.running == 0 {
            return Poll::Ready(None);
        }
        let old = match &state.body {
            Some(present) if present.will_wake(cx.waker()) => None,
            _ => state.body.replace(cx.waker().clone()),
        };
        drop(state);
        drop(old);
        Poll::Pending
    }

    /// Nothing will come any more; drops what was not taken.
    pub(super) fn close(&self) {
        let (left, body) = {
            let mut state = lock(&self.0);
            state.running = 0;
            (std::mem::take(&mut state.ready), state.body.take())
        };
        if let Some(body) = body {
            body.wake();
        }
        drop(left);
    }
}
