//! The handle of a child.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::task::{JoinHandle, coop::Unconstrained, coop::unconstrained};

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
/// Awaiting does not use up Tokio's cooperative budget, so a hundred thousand handles in one `join_all` stay linear.
///
/// # Cancel safety
///
/// Dropping the handle, before or while it is awaited, loses only the value: the child runs on and its scope waits for it.
/// A value that nobody takes is dropped by the runtime when the child ends.
///
/// # Panics
///
/// When it is polled after it gave its value.
#[must_use = "the value of the child is lost unless the task is awaited; use `drop` if that is meant"]
pub struct Task<'group, T> {
    /// `None`: the child never ran or failed. The body is being dropped, so there is nothing to wait for.
    handle: Option<Unconstrained<JoinHandle<Option<T>>>>,
    group: PhantomData<&'group ()>,
}

impl<T> Task<'_, T> {
    pub(crate) fn new(handle: Option<JoinHandle<Option<T>>>) -> Self {
        Task { handle: handle.map(unconstrained), group: PhantomData }
    }
}

impl<T> Future for Task<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(handle) = &mut self.handle else { return Poll::Pending };
        match Pin::new(handle).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(Some(value))) => Poll::Ready(value),
            // Failed or dropped: the group is cancelled already, and its owner is woken by that.
            Poll::Ready(_) => {
                self.handle = None;
                Poll::Pending
            }
        }
    }
}

impl<T> fmt::Debug for Task<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}
