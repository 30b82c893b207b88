//! The future of an open scope: the body beside its children, then the wait for what is below, and at last for the services.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::limits::{Limits, Stage, Tick};
use crate::{
    below::Below,
    current,
    group::{Services, TaskGroup},
    inspect::{self, On},
    node::Node,
    reason::Reason,
};

/// How a scope ended, once everything below it is gone or given up.
pub(crate) struct End<T> {
    /// `None` if the body failed, panicked or was dropped.
    pub(crate) value: Option<T>,
    /// What was not gone within the budget, by name.
    pub(crate) stragglers: Vec<String>,
}

pin_project! {
    /// A struct: an async fn would hold the body twice, and double it at each level.
    pub(crate) struct Running<'group, F: Future, T, J> {
        #[pin]
        body: Below<F>,
        node: &'group Arc<Node>,
        services: &'group Services,
        // Makes the value of the scope from what its body returned, or records the failure.
        judge: J,
        limits: Option<Box<Limits>>,
        // The body has asked whether it is cancelled: it may use the grace.
        asked: bool,
        // What the body gave, once it has ended.
        ended: Option<Option<T>>,
    }
}

impl<'group, F, T, J> Running<'group, F, T, J>
where
    F: Future,
    J: FnMut(&Arc<Node>, F::Output) -> Option<T>,
{
    pub(crate) fn new<E: fmt::Debug + Send + 'static>(
        group: &'group TaskGroup<E>,
        limits: Option<Box<Limits>>,
        judge: J,
        body: F,
    ) -> Self {
        let (node, services) = (group.node(), group.services());
        Running { body: Below::inline(node.clone(), body), node, services, judge, limits, asked: false, ended: None }
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
            return match this.services.get() {
                None => Poll::Ready(Vec::new()),
                Some(services) => poll_services(services, this.node, this.limits, cx),
            };
        }
        match this.limits.as_mut().map(|limits| limits.tick(this.node, cx)) {
            Some(Tick::GiveUp) => {
                let services = this.services.get().map(|services| services.stragglers());
                Poll::Ready(this.node.stragglers().into_iter().chain(services.unwrap_or_default()).collect())
            }
            _ => Poll::Pending,
        }
    }
}

/// The last phase: nobody is left who could use a service. They are cancelled, and have the times of the scope once more.
#[cold]
fn poll_services(
    services: &Node,
    group: &Node,
    limits: &mut Option<Box<Limits>>,
    cx: &mut Context<'_>,
) -> Poll<Vec<String>> {
    if services.try_close() {
        return Poll::Ready(Vec::new()); // They have ended by themselves.
    }
    if !services.is_cancelled() {
        services.cancel(group.reason().unwrap_or(Reason::ScopeEnded));
        limits.iter_mut().for_each(|limits| limits.stage = Stage::Running);
    }
    if services.poll_settled(cx).is_ready() {
        return Poll::Ready(Vec::new());
    }
    match limits.as_mut().map(|limits| limits.tick(services, cx)) {
        Some(Tick::GiveUp) => Poll::Ready(services.stragglers()),
        _ => Poll::Pending,
    }
}

impl<F, T, J> Future for Running<'_, F, T, J>
where
    F: Future,
    J: FnMut(&Arc<Node>, F::Output) -> Option<T>,
{
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
