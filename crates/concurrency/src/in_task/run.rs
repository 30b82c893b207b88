//! A scope from its first poll to its end: what runs inside of it, and then the wait for what that left behind.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::{
    child::Judge,
    fate::{Broken, Fate, Report},
    group::InTaskGroup,
    inside::Inside,
    shared::Shared,
};
use crate::{
    below::Below,
    current,
    errors::Errors,
    inspect::{self, On},
    node::{Label, Node, Owner},
};

pin_project! {
    pub(super) struct Run<'env, B, T, E>
    where
        B: Future,
    {
        // Dropped before the owner: what it leaves behind is counted when the owner hands the node over.
        #[pin]
        inside: Below<Inside<'env, B, T, E>>,
        // How it ended, while what is below settles.
        outcome: Option<Result<T, Fate<E>>>,
        owner: Owner,
        report: Report<E>,
    }
}

impl<'env, B: Future, T, E> Run<'env, B, T, E> {
    pub(super) fn open<F>(body: F, judge: Judge<B::Output, T, E>, report: Report<E>) -> Self
    where
        F: FnOnce(InTaskGroup<'env, E>) -> B,
    {
        let node = Node::new(Label::Kind("an in-task scope"), Some(current::current()));
        let shared = Shared::new(node.clone());
        let inside = Inside::new(body(InTaskGroup::new(shared.clone())), judge, shared, report);
        let inside = Below::inline(node.clone(), inside);
        Run { inside, outcome: None, owner: Owner(node), report }
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.owner.0
    }
}

impl<B: Future, T, E> Future for Run<'_, B, T, E> {
    type Output = Result<T, Errors<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.outcome.is_none() {
            let outcome = ready!(this.inside.poll(cx)).unwrap_or_else(|payload| {
                let broken = Broken { task: None, error: None, panic: Some(payload) };
                Err(Fate::new(this.owner.0.clone(), *this.report, broken))
            });
            *this.outcome = Some(outcome);
        }
        let node = &this.owner.0;
        ready!(inspect::waits(|| On::settled(node)).poll(cx, |cx| node.poll_settled(cx)));
        let outcome = this.outcome.take().expect("it was set above");
        Poll::Ready(outcome.map_err(Fate::conclude))
    }
}
