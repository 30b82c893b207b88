//! The future of an open scope: the body beside its children, then the wait for what is below.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::limits::{Limits, Tick};
use crate::{
    below::Below,
    current,
    inspect::{self, On},
    node::Node,
    reason::Reason,
};

/// Makes the value of a scope from what its body returned, or records the failure.
pub(super) type Judge<O, T> = fn(&Arc<Node>, O) -> Option<T>;

/// How a scope ended, once everything below it is gone or given up.
pub(super) struct End<T> {
    /// `None` if the body failed, panicked or was dropped.
    pub(super) value: Option<T>,
    /// What was not gone within the budget, by name.
    pub(super) stragglers: Vec<String>,
}

pin_project! {
    /// A struct: an async fn would hold the body twice, and double it at each level.
    pub(super) struct Running<'group, F: Future, T> {
        #[pin]
        body: Below<F>,
        node: &'group Arc<Node>,
        judge: Judge<F::Output, T>,
        limits: Option<Box<Limits>>,
        // The body has asked whether it is cancelled: it may use the grace.
        asked: bool,
        // What the body gave, once it has ended.
        ended: Option<Option<T>>,
    }
}

impl<'group, F: Future, T> Running<'group, F, T> {
    pub(super) fn new(
        node: &'group Arc<Node>,
        limits: Option<Box<Limits>>,
        judge: Judge<F::Output, T>,
        body: F,
    ) -> Self {
        Running { body: Below::inline(node.clone(), body), node, judge, limits, asked: false, ended: None }
    }

    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        loop {
            let cancelled = this.node.is_cancelled();
            // Cooperative first: a body that asks may end in its own way until the grace is over.
            if cancelled && (!*this.asked || this.node.is_aborting()) {
                break;
            }
            let poll = current::listening(this.asked, || {
                this.body.as_mut().poll_judged(cx, |output| (this.judge)(this.node, output))
            });
            match poll {
                Poll::Ready(Ok(value)) => return Poll::Ready(value),
                Poll::Ready(Err(payload)) => {
                    this.node.record_panic(Some("the body".into()), payload);
                    return Poll::Ready(None);
                }
                Poll::Pending => {}
            }
            this.node.register_owner(cx.waker());
            if let Some(limits) = this.limits {
                limits.tick(this.node, cx);
            }
            // Whoever cancels from here on wakes us. What came before, and be it from the body, is seen now.
            let now = (this.node.is_cancelled(), cancelled && this.node.is_aborting());
            if now == (cancelled, false) {
                return Poll::Pending;
            }
        }
        if let Err(payload) = this.body.clear() {
            this.node.record_panic(Some("the body".into()), payload);
        }
        Poll::Ready(None)
    }

    /// Ready, with the names of what is left, when everything below is gone, or when waiting for it has taken too long.
    fn poll_settled(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<String>> {
        let this = self.project();
        let settled = inspect::waits(|| On::settled(this.node)).poll(cx, |cx| this.node.poll_settled(cx));
        if settled.is_ready() {
            return Poll::Ready(Vec::new());
        }
        match this.limits.as_mut().map(|limits| limits.tick(this.node, cx)) {
            Some(Tick::GiveUp) => Poll::Ready(this.node.stragglers()),
            _ => Poll::Pending,
        }
    }
}

impl<F: Future, T> Future for Running<'_, F, T> {
    type Output = End<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End<T>> {
        if self.ended.is_none() {
            let value = ready!(self.as_mut().poll_body(cx));
            let this = self.as_mut().project();
            if value.is_none() {
                this.node.cancel(Reason::SiblingFailed); // Does nothing where the body was dropped for a cancellation.
            }
            *this.ended = Some(value);
        }
        let stragglers = ready!(self.as_mut().poll_settled(cx));
        let value = self.project().ended.take().expect("a scope is not polled after it is done");
        Poll::Ready(End { value, stragglers })
    }
}
