//! A future that is polled and dropped below a node.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
};

use pin_project_lite::pin_project;

use crate::{
    current::{enter, process_root},
    failure::Failure,
    node::{Node, above as nodes_above},
};

pin_project! {
    /// Polls and drops `future` with its node as the current one, and catches its panics.
    ///
    /// The future is dropped as soon as it is done, before its output is handed on: who sees the output sees what the
    /// destructors did.
    pub(crate) struct Below<F> {
        #[pin]
        future: Option<F>,
        seat: Option<Arc<Node>>,
        home: Home,
    }

    impl<F> PinnedDrop for Below<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this;
            if let Err(payload) = this.as_mut().clear() {
                let node = this.project().seat.clone().unwrap_or_else(process_root);
                Failure::panic("a destructor", payload).report_from(node);
            }
        }
    }
}

/// How the node of a future finds its parent.
#[derive(Debug)]
enum Home {
    /// Not polled yet: the node comes with the first poll.
    Unborn,
    /// Spawned or entered by hand: the node stays where it is.
    Fixed,
    /// Polled in its owner's task: the node moves below the place of the latest poll. The addresses are those of the
    /// node itself and of its parent; the node keeps its parent alive, so an equal address is the same parent.
    Inline { own: usize, parent: usize },
}

impl Home {
    fn inline(node: &Arc<Node>) -> Self {
        Home::Inline { own: address(node), parent: node.parent().as_ref().map_or(0, address) }
    }
}

fn address(node: &Arc<Node>) -> usize {
    Arc::as_ptr(node).addr()
}

impl<F> Below<F> {
    pub(crate) fn fixed(node: Arc<Node>, future: F) -> Self {
        Below { future: Some(future), seat: Some(node), home: Home::Fixed }
    }

    pub(crate) fn inline(node: Arc<Node>, future: F) -> Self {
        let home = Home::inline(&node);
        Below { future: Some(future), seat: Some(node), home }
    }

    /// For a future that is pinned before its node exists; see [`Below::enter_at`].
    pub(crate) fn unborn(future: F) -> Self {
        Below { future: Some(future), seat: None, home: Home::Unborn }
    }

    pub(crate) fn enter_at(self: Pin<&mut Self>, node: Arc<Node>) {
        let this = self.project();
        *this.home = Home::inline(&node);
        *this.seat = Some(node);
    }

    /// Drops the future below its node. A panic of its destructors is the caller's to resume or to report.
    pub(crate) fn clear(self: Pin<&mut Self>) -> thread::Result<()> {
        let mut this = self.project();
        if this.future.is_none() {
            return Ok(());
        }
        // What was never polled belongs to whoever drops it.
        let _entered = (!matches!(this.home, Home::Unborn)).then(|| enter(this.seat));
        catch_unwind(AssertUnwindSafe(|| this.future.set(None)))
    }
}

impl<F: Future> Future for Below<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let entered = enter(this.seat);
        if let Home::Inline { own, parent } = this.home {
            follow(*own, parent, entered.outer());
        }
        let future = this.future.as_mut().as_pin_mut().expect("a future is not polled after it is done");
        let outcome = ready!(match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        });
        let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
        drop(entered);
        Poll::Ready(match (outcome, dropped) {
            (Ok(output), Ok(())) => Ok(output),
            (Ok(_), Err(payload)) | (Err(payload), Ok(())) => Err(payload),
            (Err(first), Err(second)) => {
                Failure::panic("a destructor", second).report();
                Err(first)
            }
        })
    }
}

/// Moves the inline node at `own` below `outer`, the node of the code that polls it, if it is not there yet.
fn follow(own: usize, parent: &mut usize, outer: Option<&Arc<Node>>) {
    let (Some(outer), Some(node)) = (outer, crate::current::try_current()) else { return };
    let above = address(outer);
    if above == *parent || address(&node) != own {
        return;
    }
    // Polled from below itself, it stays where it is: a circle of parents would have no end.
    if !nodes_above(outer.clone()).any(|node| address(&node) == own) {
        node.set_parent(outer.clone());
        *parent = above;
    }
}
