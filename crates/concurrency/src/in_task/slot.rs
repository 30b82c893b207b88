//! The handle of a child, and the place where its value waits.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    inspect::{self, Handle, On},
    primitive::{Mutex, lock},
};

/// A child of an [`InTaskGroup`](crate::InTaskGroup); awaiting it gives the child's value.
///
/// There is no error to handle, as with a [`Task`](crate::Task): where the child or a sibling fails, whoever awaits is dropped. It cannot leave the
/// body, or the child, whose group it came from:
///
/// ```compile_fail,E0515
/// # async fn escape() {
/// let child = bowline_concurrency::in_task_scope(async |group| group.spawn(async { 1 })).await;
/// # }
/// ```
///
/// # Cancel safety
///
/// Awaiting only looks for the value, which waits in its place. Dropping the handle loses that and nothing else: the child goes on.
///
/// # Panics
///
/// When it is polled after it gave its value.
#[must_use = "the value of the child is lost unless it is awaited; use `drop` if that is meant"]
pub struct InTaskChild<'group, T> {
    /// `None`: the child was refused. Everything is being dropped, so there is nothing to wait for.
    slot: Option<Arc<Slot<T>>>,
    group: PhantomData<&'group ()>,
}

impl<T> InTaskChild<'_, T> {
    pub(super) fn new(slot: Option<Arc<Slot<T>>>) -> Self {
        InTaskChild { slot, group: PhantomData }
    }

    /// Whether the child has ended, or never ran.
    pub fn is_finished(&self) -> bool {
        self.slot.as_ref().is_none_or(|slot| !matches!(*lock(&slot.0), State::Running(_)))
    }
}

impl<T> Future for InTaskChild<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &self.slot {
            Some(slot) => inspect::waits(|| On::Task(Handle::Place(slot.address()))).poll(cx, |cx| slot.poll(cx)),
            None => Poll::Pending,
        }
    }
}

impl<T> Drop for InTaskChild<'_, T> {
    fn drop(&mut self) {
        if let Some(slot) = &self.slot {
            slot.abandon();
        }
    }
}

impl<T> fmt::Debug for InTaskChild<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InTaskChild").field("finished", &self.is_finished()).finish()
    }
}

/// Where the value of a child waits for its handle. Nothing of the user's is called or dropped under the lock.
pub(super) struct Slot<T>(Mutex<State<T>>);

enum State<T> {
    Running(Option<Waker>),
    Done(T),
    /// The value has been taken.
    Taken,
    /// The handle is gone.
    Abandoned,
}

impl<T> Slot<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Slot(Mutex::new(State::Running(None))))
    }

    /// By which the child is known to those who look on.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Wakes the handle; gives the value back if there is none.
    pub(super) fn fill(&self, value: T) -> Option<T> {
        let waker = {
            let mut state = lock(&self.0);
            match &mut *state {
                State::Running(waker) => {
                    let waker = waker.take();
                    *state = State::Done(value);
                    waker
                }
                State::Done(_) | State::Taken | State::Abandoned => return Some(value),
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        None
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<T> {
        let mut state = lock(&self.0);
        match &mut *state {
            State::Running(Some(waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            State::Running(waker) => {
                let old = waker.replace(cx.waker().clone());
                drop(state);
                drop(old);
                Poll::Pending
            }
            State::Done(_) => match mem::replace(&mut *state, State::Taken) {
                State::Done(value) => Poll::Ready(value),
                _ => unreachable!("it is done, and locked"),
            },
            State::Taken | State::Abandoned => {
                drop(state);
                panic!("an `InTaskChild` was polled after it gave its value");
            }
        }
    }

    fn abandon(&self) {
        let left = mem::replace(&mut *lock(&self.0), State::Abandoned);
        drop(left);
    }
}
