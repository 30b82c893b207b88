//! A future that is polled and dropped below a node.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
};

use pin_project_lite::pin_project;

use crate::{
    current::{self, Recipe, enter, enter_on_demand, process_root},
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
    /// Not polled yet: what is dropped now belongs to whoever drops it.
    Unborn,
    /// The node is made when somebody below asks for it.
    OnDemand(Recipe),
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

    /// For a node whose parent is the current one.
    pub(crate) fn inline(node: Arc<Node>, future: F) -> Self {
        let home = Home::Inline { own: address(&node), parent: current::address() };
        Below { future: Some(future), seat: Some(node), home }
    }

    /// For a future whose node is known at its first poll only.
    pub(crate) fn unborn(future: F) -> Self {
        Below { future: Some(future), seat: None, home: Home::Unborn }
    }

    /// At the first poll: the node will be made from `recipe`, if anything below asks for it.
    pub(crate) fn enter_on_demand(self: Pin<&mut Self>, recipe: Recipe) {
        *self.project().home = Home::OnDemand(recipe);
    }

    /// At the first poll: the node is `node`.
    pub(crate) fn enter_at(self: Pin<&mut Self>, node: Arc<Node>) {
        let this = self.project();
        *this.home = Home::inline(&node);
        *this.seat = Some(node);
    }

    /// The node, if it has been asked for.
    pub(crate) fn node(&self) -> Option<&Arc<Node>> {
        self.seat.as_ref()
    }

    /// The node, which is made here if nobody has asked for it yet. Not before the first poll.
    pub(crate) fn demand_node(self: Pin<&mut Self>) -> Arc<Node> {
        let this = self.project();
        at_home(this.seat, this.home, current::current)
    }

    /// The future, until it is done.
    pub(crate) fn get_mut(&mut self) -> Option<&mut F>
    where
        F: Unpin,
    {
        self.future.as_mut()
    }

    /// Takes the future out, not to be dropped but to go on elsewhere.
    pub(crate) fn take(&mut self) -> Option<F>
    where
        F: Unpin,
    {
        self.future.take()
    }

    /// Drops the future below its node. A panic of its destructors is the caller's to resume or to report.
    #[inline]
    pub(crate) fn clear(self: Pin<&mut Self>) -> thread::Result<()> {
        if self.future.is_none() {
            return Ok(());
        }
        let this = self.project();
        let mut future = this.future;
        at_home(this.seat, this.home, || catch_unwind(AssertUnwindSafe(|| future.set(None))))
    }
}

impl<F: Future> Below<F> {
    /// Polls the future. Its output is judged before it is dropped, and handed on after.
    pub(crate) fn poll_judged<R>(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        judge: impl FnOnce(F::Output) -> R,
    ) -> Poll<thread::Result<R>> {
        let this = self.project();
        let mut slot = this.future;
        at_home(this.seat, this.home, || {
            let future = slot.as_mut().as_pin_mut().expect("a future is not polled after it is done");
            let outcome = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => Ok(judge(output)),
                Err(payload) => Err(payload),
            };
            let dropped = catch_unwind(AssertUnwindSafe(|| slot.set(None)));
            Poll::Ready(match (outcome, dropped) {
                (outcome, Ok(())) => outcome,
                (Ok(_), Err(payload)) => Err(payload),
                (Err(first), Err(second)) => {
                    Failure::panic("a destructor", second).report();
                    Err(first)
                }
            })
        })
    }
}

impl<F: Future> Future for Below<F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_judged(cx, |output| output)
    }
}

/// Runs `act`, which does not panic, with the node as the current one.
#[inline]
fn at_home<T>(seat: &mut Option<Arc<Node>>, home: &mut Home, act: impl FnOnce() -> T) -> T {
    match home {
        Home::Unborn => act(),
        Home::OnDemand(recipe) => {
            let entered = enter_on_demand(*recipe, seat);
            let result = act();
            drop(entered);
            if let Some(node) = seat {
                *home = Home::inline(node);
            }
            result
        }
        Home::Fixed => {
            let _entered = enter(seat);
            act()
        }
        Home::Inline { own, parent } => {
            let entered = enter(seat);
            follow(*own, parent, entered.outer());
            act()
        }
    }
}

/// Moves the inline node at `own` below `outer`, the node of the code that polls it, if it is not there yet.
fn follow(own: usize, parent: &mut usize, outer: Option<&Arc<Node>>) {
    let Some(outer) = outer else { return };
    let above = address(outer);
    if above == *parent {
        return;
    }
    let Some(node) = current::try_current().filter(|node| address(node) == own) else { return };
    // Polled from below itself, it stays where it is: a circle of parents would have no end.
    if !nodes_above(outer.clone()).any(|node| address(&node) == own) {
        node.set_parent(outer.clone());
        *parent = above;
    }
}
