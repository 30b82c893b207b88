//! What a child that is being started and the one who waits for it share.

use std::{
    any::Any,
    mem,
    task::{Context, Poll, Waker},
};

use tokio::task::Id;

use crate::{
    node::{ErrorValue, Hold},
    primitive::{Mutex, lock},
};

pub(super) struct Handshake<T>(Mutex<State<T>>);

struct State<T> {
    phase: Phase<T>,
    /// The error of a child that was not ready, for the caller.
    error: Option<Box<dyn ErrorValue>>,
    /// The child's future is gone.
    ended: bool,
}

enum Phase<T> {
    /// The child is not ready; wakes the caller.
    Waiting(Option<Waker>),
    /// The child is ready, and the caller does not know yet.
    Ready(T),
    /// The caller has the value, or knows that there is none.
    Settled,
    /// The caller has gone. Its place is held until the child has gone, too.
    Gone(Option<(Hold, Id)>),
}

/// To whom an error of the child goes.
pub(super) enum Claim {
    /// It is here for the caller.
    Caller,
    Group(Box<dyn ErrorValue>),
    /// The caller has gone.
    Nobody(Box<dyn ErrorValue>),
}

/// What a caller who goes away leaves.
pub(super) struct Left<T> {
    pub(super) value: Option<T>,
    pub(super) error: Option<Box<dyn ErrorValue>>,
    /// The child has ended already, and needs none.
    pub(super) hold: Option<Hold>,
}

impl<T> Default for Handshake<T> {
    fn default() -> Self {
        Handshake(Mutex::new(State { phase: Phase::Waiting(None), error: None, ended: false }))
    }
}

impl<T> Handshake<T> {
    /// The child is ready.
    pub(super) fn signal(&self, value: T) {
        let mut state = lock(&self.0);
        // Somebody else may signal in the child's name, also when it has failed.
        let failed = state.error.is_some();
        let waker = match &mut state.phase {
            Phase::Waiting(waker) if !failed => waker.take(),
            _ => {
                drop(state);
                return drop(value); // User code: not under the lock.
            }
        };
        state.phase = Phase::Ready(value);
        drop(state);
        waker.into_iter().for_each(Waker::wake);
    }

    /// The child has failed, and is not dropped yet.
    pub(super) fn claim(&self, error: Box<dyn ErrorValue>) -> Claim {
        let mut state = lock(&self.0);
        match state.phase {
            Phase::Waiting(_) => {
                state.error = Some(error);
                Claim::Caller
            }
            Phase::Ready(_) | Phase::Settled => Claim::Group(error),
            Phase::Gone(_) => Claim::Nobody(error),
        }
    }

    /// The child is gone. Gives what is to be released if the caller has gone before.
    pub(super) fn end(&self) -> Option<(Hold, Id)> {
        let mut state = lock(&self.0);
        state.ended = true;
        let waker = match &mut state.phase {
            Phase::Gone(held) => return held.take(),
            Phase::Waiting(waker) => {
                let waker = waker.take();
                state.phase = Phase::Settled;
                waker
            }
            Phase::Ready(_) | Phase::Settled => None,
        };
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        None
    }

    /// Ready with the value of the signal, or with `None` if the child has ended without one.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut state = lock(&self.0);
        let old = match &mut state.phase {
            Phase::Waiting(waker) => waker.replace(cx.waker().clone()),
            phase => {
                return Poll::Ready(match mem::replace(phase, Phase::Settled) {
                    Phase::Ready(value) => Some(value),
                    _ => None,
                });
            }
        };
        drop(state);
        drop(old); // May free a task: not under the lock.
        Poll::Pending
    }

    /// The error of the child that ended before it was ready.
    pub(super) fn take_error<E: 'static>(&self) -> Option<E> {
        let error: Box<dyn Any> = lock(&self.0).error.take()?.into_any();
        Some(*error.downcast().expect("a child of a group has its type of error"))
    }

    /// The caller goes without the child.
    pub(super) fn leave(&self, hold: Hold, child: Id) -> Left<T> {
        let mut state = lock(&self.0);
        let (held, hold) = if state.ended { (None, Some(hold)) } else { (Some((hold, child)), None) };
        let phase = mem::replace(&mut state.phase, Phase::Gone(held));
        let error = state.error.take();
        drop(state);
        let value = match phase {
            Phase::Ready(value) => Some(value),
            _ => None,
        };
        Left { value, error, hold }
    }
}
