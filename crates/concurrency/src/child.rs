//! The future that runs as the task of a child.

use std::{
    any::Any,
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::{
    current::{current, enter},
    failure::Failure,
    node::{ErrorValue, Node, leave_child},
};

/// What a child does when it ends; decides between a value for the handle and a failure of the owner.
pub(crate) trait Ending<O> {
    type Value;
    /// What the task gives to its handle.
    type Output;

    /// Tells a value from an error.
    fn judge(&mut self, output: O) -> Result<Self::Value, Box<dyn ErrorValue>>;

    /// Records a failure. Nothing is cancelled yet: what failed has not been dropped.
    fn failed(&mut self, node: &Arc<Node>, fault: Fault);

    /// The future is gone.
    fn end(&mut self, node: &Arc<Node>, how: End);

    /// The last step of a child that was polled to its end: takes over its count.
    fn hand_over(value: Option<Self::Value>, node: Arc<Node>) -> Self::Output;
}

/// What went wrong in a child.
pub(crate) enum Fault {
    Error(Box<dyn ErrorValue>),
    Panic(Box<dyn Any + Send>),
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Value,
    Failed,
    /// It was dropped because somebody cancelled this one task.
    Cancelled,
    /// It was dropped with the others, or its runtime has gone.
    Dropped,
}

pin_project! {
    /// A struct, not an async block: an async block around the future would double its size, and a never-polled one
    /// drops its captures in an order that would report the child as gone before its destructors ran.
    ///
    /// Beside the future it holds one word: a child that captures little then fits into Tokio's smallest task.
    pub(crate) struct Child<F, S> where F: Future, S: Ending<F::Output> {
        #[pin]
        future: Option<F>,
        // Has been counted as a child of the node; `None` once the count has gone over to the output.
        seat: Option<Arc<Node>>,
        ending: S,
    }

    impl<F, S> PinnedDrop for Child<F, S> where F: Future, S: Ending<F::Output> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(node) = this.seat.take() else { return };
            let alone = node.place_of_cancelled_task();
            let how = if alone.is_some() { End::Cancelled } else { End::Dropped };
            let mut place = alone.or_else(|| Some(node.clone()));
            let dropped = {
                let _entered = enter(&mut place);
                catch_unwind(AssertUnwindSafe(|| this.future.set(None)))
            };
            match dropped {
                Ok(()) => this.ending.end(&node, how),
                Err(payload) => {
                    this.ending.failed(&node, Fault::Panic(payload));
                    this.ending.end(&node, End::Failed);
                }
            }
            drop(place);
            leave_child(node); // The very last: the owner may return now.
        }
    }
}

impl<F: Future, S: Ending<F::Output>> Child<F, S> {
    /// For a child that has been counted.
    pub(crate) fn new(node: Arc<Node>, future: F, ending: S) -> Self {
        Child { future: Some(future), seat: Some(node), ending }
    }
}

impl<F: Future, S: Ending<F::Output>> Future for Child<F, S> {
    type Output = S::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (value, dropped) = {
            let _entered = enter(this.seat);
            let future = this.future.as_mut().as_pin_mut().expect("a task is not polled after it is done");
            let judged = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => this.ending.judge(output).map_err(Fault::Error),
                Err(payload) => Err(Fault::Panic(payload)),
            };
            // Recorded before the drop: whoever notices that the child has gone, and fails for it, comes second.
            let value = judged.map_err(|fault| this.ending.failed(&current(), fault)).ok();
            (value, catch_unwind(AssertUnwindSafe(|| this.future.set(None))))
        };
        let node = this.seat.take().expect("the count is taken once, here or in the drop");
        drop(node.place_of_cancelled_task()); // It has ended by itself: its place is not needed.
        let value = match dropped {
            Ok(()) => value,
            // A value whose maker panicked in its destructors is not handed on.
            Err(payload) => {
                drop_below(&node, value);
                this.ending.failed(&node, Fault::Panic(payload));
                None
            }
        };
        this.ending.end(&node, if value.is_some() { End::Value } else { End::Failed });
        Poll::Ready(S::hand_over(value, node))
    }
}

/// The output of a child. It is counted until somebody takes the value, or until the value is dropped: a value that
/// nobody takes may owe a release like everything else below the node.
pub(crate) struct Leaving<T> {
    value: Option<T>,
    node: Option<Arc<Node>>,
}

impl<T> Leaving<T> {
    /// For a child that is still counted.
    pub(crate) fn new(value: Option<T>, node: Arc<Node>) -> Self {
        Leaving { value, node: Some(node) }
    }

    pub(crate) fn take(mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T> Drop for Leaving<T> {
    fn drop(&mut self) {
        let Some(node) = self.node.take() else { return };
        if let Some(value) = self.value.take() {
            drop_below(&node, value);
        }
        leave_child(node);
    }
}

/// Drops a value that nobody took where what it owes is waited for.
pub(crate) fn drop_below<T>(node: &Arc<Node>, value: T) {
    if mem::needs_drop::<T>() {
        let mut seat = Some(node.clone());
        let _entered = enter(&mut seat);
        drop_untaken(value);
    }
}

/// A panic of the value's destructors goes to the observer.
pub(crate) fn drop_untaken<T>(value: T) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        Failure::panic("a destructor of a value that nobody took", payload).report();
    }
}

impl<T> fmt::Debug for Leaving<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leaving").finish_non_exhaustive()
    }
}
