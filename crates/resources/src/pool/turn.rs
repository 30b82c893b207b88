//! Waiting in line.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bowline_concurrency::inspect::Waiting;

use super::{
    pooled::Pooled,
    shared::{Granted, Shared},
};

/// The pool was closed.
pub(super) struct Closed;

/// A place in the line, from the moment it is made. One that was served with what turned out to be unusable asks again in its old place.
pub(super) struct Turn<'a, R: Pooled> {
    shared: &'a Arc<Shared<R>>,
    ticket: u64,
    is_in_line: bool,
    /// `None` before it has had to wait.
    waiting: Option<Waiting>,
}

impl<'a, R: Pooled> Turn<'a, R> {
    /// With what it is served at once, if it is.
    pub(super) fn new(shared: &'a Arc<Shared<R>>) -> Result<(Self, Option<Granted<R>>), Closed> {
        let mut state = shared.state();
        if state.is_closed {
            return Err(Closed);
        }
        let ticket = state.ticket();
        let grant = state.take();
        drop(state);
        let turn = Turn { shared, ticket, is_in_line: false, waiting: None };
        Ok((turn, grant.map(|grant| shared.granted(grant))))
    }

    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<Result<Granted<R>, Closed>> {
        let waker = cx.waker().clone(); // Not under the lock: it is code of the user's, like its drop.
        let mut state = self.shared.state();
        if state.is_closed {
            self.is_in_line = false;
            return Poll::Ready(Err(Closed));
        }
        let grant = if self.is_in_line { state.fetch(self.ticket) } else { state.take() };
        if let Some(grant) = grant {
            drop(state);
            self.is_in_line = false;
            return Poll::Ready(Ok(self.shared.granted(grant)));
        }
        self.is_in_line = true;
        let replaced = state.queue(self.ticket, waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }
}

impl<R: Pooled> Future for Turn<'_, R> {
    type Output = Result<Granted<R>, Closed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = self.shared;
        let mut waiting = self.waiting.take().unwrap_or_else(|| shared.seen.waiting());
        let poll = waiting.poll(cx, |cx| self.poll_line(cx));
        if poll.is_pending() {
            self.waiting = Some(waiting);
        }
        poll
    }
}

impl<R: Pooled> Drop for Turn<'_, R> {
    fn drop(&mut self) {
        if self.is_in_line {
            self.shared.leave(self.ticket);
        }
    }
}
