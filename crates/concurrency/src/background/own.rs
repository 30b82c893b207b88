//! A task with a node of its own, so that it can be waited for alone.

use std::{
    panic::resume_unwind,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{
    below::Below,
    node::{Node, Owner},
};

pin_project! {
    /// Polls and drops a future below a node. What is then left goes to the node around, and whoever waits for the end of its own waits on.
    pub(super) struct Own<F> {
        #[pin]
        below: Below<F>,
        // Dropped after the future, or before it ever ran: the node ends in any case.
        owner: Owner,
    }

    impl<F> PinnedDrop for Own<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Err(payload) = this.project().below.clear() {
                resume_unwind(payload); // To the task, which knows its name.
            }
        }
    }
}

impl<F> Own<F> {
    pub(super) fn new(node: Arc<Node>, future: F) -> Self {
        Own { below: Below::fixed(node.clone(), future), owner: Owner(node) }
    }
}

impl<F: Future> Future for Own<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        Poll::Ready(ready!(self.project().below.poll(cx)).unwrap_or_else(|payload| resume_unwind(payload)))
    }
}
