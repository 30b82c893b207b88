//! The future that runs as the task of a child.

use std::{
    any::Any,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use pin_project_lite::pin_project;

use crate::{below::Below, live::Tracked, node::ChildHold};

/// What a child does when it ends; decides between a value for the handle and a failure of the owner.
pub(crate) trait Ending<O> {
    type Value;

    /// The future is done and dropped.
    fn done(self, outcome: thread::Result<O>) -> Option<Self::Value>;

    /// The future was dropped before it was done. `panicked`: by a destructor that panicked.
    fn dropped(self, panicked: Option<Box<dyn Any + Send>>);
}

pin_project! {
    /// A struct, not an async block: an async block around the future would double its size, and a never-polled one
    /// drops its captures in an order that would report the child as gone before its destructors ran.
    pub(crate) struct Child<F, S> where F: Future, S: Ending<F::Output> {
        #[pin]
        below: Below<F>,
        ending: Option<S>,
        tracked: Option<Tracked>,
        // The last field: it counts the child down, after the future and everything else of it is gone.
        hold: ChildHold,
    }

    impl<F, S> PinnedDrop for Child<F, S> where F: Future, S: Ending<F::Output> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let panicked = this.below.clear().err();
            if let Some(ending) = this.ending.take() {
                ending.dropped(panicked);
            }
        }
    }
}

impl<F: Future, S: Ending<F::Output>> Child<F, S> {
    pub(crate) fn new(future: F, ending: S, tracked: Option<Tracked>, hold: ChildHold) -> Self {
        let below = Below::fixed(hold.node().clone(), future);
        Child { below, ending: Some(ending), tracked, hold }
    }
}

impl<F: Future, S: Ending<F::Output>> Future for Child<F, S> {
    type Output = Option<S::Value>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.below.poll(cx));
        let ending = this.ending.take().expect("a task is not polled after it is done");
        Poll::Ready(ending.done(outcome))
    }
}
