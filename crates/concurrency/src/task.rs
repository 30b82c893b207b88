//! The handle of a child.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::{JoinHandle, unconstrained};

use crate::{
    child::Leaving,
    inspect::{self, Handle, On},
    node::{Node, Owner},
};

/// A child of a [`TaskGroup`](crate::TaskGroup); awaiting it gives the child's value.
///
/// There is no error to handle: if the child or one of its siblings fails, the body that awaits is dropped, and the
/// scope returns the failure. Like a scoped thread's handle it cannot leave the body of its scope:
///
/// ```compile_fail
/// # async fn escape() {
/// let task = bowline_concurrency::scope(async |group| group.spawn(async { 1 })).await;
/// # }
/// ```
///
/// Awaiting consumes it, so that no value is asked for twice, and the compiler warns of a handle that is forgotten:
///
/// ```compile_fail,E0382
/// # // TG-74
/// # async fn twice() {
/// bowline_concurrency::scope(async |group| {
///     let task = group.spawn(async { 1 });
///     (task.await, task.await)
/// })
/// .await;
/// # }
/// ```
///
/// ```compile_fail
/// # // TG-75
/// #![deny(unused_must_use)]
/// # async fn forgotten() {
/// bowline_concurrency::scope(async |group| {
///     group.spawn(async { 1 });
/// })
/// .await;
/// # }
/// ```
///
/// Nor can it go to a sibling: two of them could wait for each other, or a child for its own group. The body awaits, and hands values on.
///
/// ```compile_fail
/// # async fn wait_inside() {
/// bowline_concurrency::scope(async |group| {
///     let first = group.spawn(async { 1 });
///     let second = group.spawn(async move { first.await });
///     second.await
/// })
/// .await;
/// # }
/// ```
///
/// Awaiting does not use up Tokio's cooperative budget, so a hundred thousand handles in one `join_all` stay linear.
///
/// # Cancel safety
///
/// Dropping the handle, before or while it is awaited, loses only the value: the child runs on and its scope waits for it.
/// A value that nobody takes is dropped below the scope, which waits for a release that it owes.
///
/// # Panics
///
/// When it is polled after it gave its value.
#[must_use = "the value of the child is lost unless the task is awaited; use `drop` if that is meant"]
pub struct Task<'group, T> {
    /// `None`: the child never ran or failed. The body is being dropped, so there is nothing to wait for.
    handle: Option<JoinHandle<Leaving<T>>>,
    node: &'group Arc<Node>,
    /// Boxed: most children have none, and there may be a million handles.
    name: Option<Box<Arc<str>>>,
}

impl<'group, T> Task<'group, T> {
    pub(crate) fn new(node: &'group Arc<Node>, name: Option<Arc<str>>, handle: Option<JoinHandle<Leaving<T>>>) -> Self {
        Task { handle, node, name: name.map(Box::new) }
    }

    /// Whether the child has ended, or never ran.
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(|handle| handle.is_finished())
    }

    /// The name that the child was given; see [`TaskGroup::named`](crate::TaskGroup::named).
    pub fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &***name)
    }

    /// Drops the child's future at its next await, and waits until it and all that it leaves behind are gone. Its siblings go on.
    ///
    /// `Some` if the child had its value already; what it had handed off before, the scope waits for.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let cancelled = bowline_concurrency::scope(async |group| {
    ///     let endless = group.spawn(std::future::pending::<u32>());
    ///     endless.cancel().await
    /// });
    /// assert_eq!(cancelled.await, None);
    /// # }
    /// ```
    #[doc(alias = "abort")]
    #[doc(alias = "cancel_and_wait")]
    pub fn cancel(self) -> CancelTask<'group, T> {
        CancelTask {
            cancelling: self.handle.map(|handle| Cancelling::new(self.node, handle, Leaving::take)),
            group: self.node,
        }
    }
}

impl<T> Future for Task<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(handle) = &mut self.handle else { return Poll::Pending };
        // Unconstrained: see above, on the cooperative budget.
        let joined = inspect::waits(|| On::Task(Handle::Id(handle.id())))
            .poll(cx, |cx| Pin::new(&mut unconstrained(handle)).poll(cx));
        match ready!(joined).ok().and_then(Leaving::take) {
            Some(value) => Poll::Ready(value),
            // Failed or dropped: the group is cancelled already, and its owner is woken by that.
            None => {
                self.handle = None;
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("name", &self.name).field("finished", &self.is_finished()).finish()
    }
}

/// Future of [`Task::cancel`]: the child's value, if it had one.
///
/// # Cancel safety
///
/// The child is cancelled by the call, not by this future. Dropping it gives up the wait, and a value that the child had; the scope still waits.
#[must_use = "the child is told, but not waited for, unless this is awaited"]
pub struct CancelTask<'group, T> {
    /// `None`: the child never ran.
    cancelling: Option<Cancelling<T, Leaving<T>>>,
    group: &'group Arc<Node>,
}

impl<T> Future for CancelTask<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match &mut self.cancelling {
            Some(cancelling) => cancelling.poll(cx),
            None => Poll::Ready(None),
        }
    }
}

impl<T> fmt::Debug for CancelTask<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CancelTask").field(&self.group).finish()
    }
}

/// One task of a node that is being cancelled, and the place that takes what it leaves behind.
pub(crate) struct Cancelling<T, O> {
    node: Arc<Node>,
    /// Hands over what is still there when the wait is given up.
    place: Owner,
    /// `None` once the task is gone.
    handle: Option<JoinHandle<O>>,
    take: fn(O) -> Option<T>,
    value: Option<T>,
}

impl<T, O> Cancelling<T, O> {
    pub(crate) fn new(node: &Arc<Node>, handle: JoinHandle<O>, take: fn(O) -> Option<T>) -> Self {
        let place = Owner(node.cancel_task(handle.id()));
        handle.abort();
        Cancelling { node: node.clone(), place, handle: Some(handle), take, value: None }
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if let Some(handle) = &mut self.handle {
            let joined =
                inspect::waits(|| On::Task(Handle::Id(handle.id()))).poll(cx, |cx| Pin::new(&mut *handle).poll(cx));
            self.value = ready!(joined).ok().and_then(self.take);
            self.node.forget_cancelled_task(handle.id()); // It may have ended before it was to have a place.
            self.handle = None;
        }
        let place = &self.place.0;
        ready!(inspect::waits(|| On::settled(place)).poll(cx, |cx| place.poll_settled(cx)));
        Poll::Ready(self.value.take())
    }
}

impl<T, O> Drop for Cancelling<T, O> {
    fn drop(&mut self) {
        // One that had ended before it was to have a place does not come for it.
        if let Some(handle) = self.handle.as_ref().filter(|handle| handle.is_finished()) {
            self.node.forget_cancelled_task(handle.id());
        }
    }
}

// The value is moved, never pinned.
impl<T, O> Unpin for Cancelling<T, O> {}
impl<T> Unpin for CancelTask<'_, T> {}
