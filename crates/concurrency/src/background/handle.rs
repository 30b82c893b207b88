//! The handle of a background task.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::task::{JoinHandle, unconstrained};

use super::ending::Place;
use crate::{
    inspect::{self, Handle, On},
    node::Node,
    task::Cancelling,
};

/// Handle of a background task; awaiting it gives the task's value.
///
/// `None`: the task was aborted, panicked or, started with [`try_spawn`](crate::BackgroundTasks::try_spawn), failed. Panics and
/// errors have been reported to the observer.
///
/// # Cancel safety
///
/// Dropping the handle does not cancel the task; only its value is lost. A release that the value owes is waited for by the shutdown.
pub struct BackgroundTask<T> {
    node: Arc<Node>,
    handle: JoinHandle<Option<T>>,
    place: Place<T>,
}

impl<T> BackgroundTask<T> {
    pub(super) fn new(node: Arc<Node>, handle: JoinHandle<Option<T>>, place: Place<T>) -> Self {
        BackgroundTask { node, handle, place }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// Drops the task's future at its next await, and waits until it and all that it leaves behind are gone. The other tasks go on.
    ///
    /// `Some` if the task had its value already.
    #[doc(alias = "abort")]
    #[doc(alias = "cancel_and_wait")]
    pub fn cancel(self) -> CancelBackgroundTask<T> {
        CancelBackgroundTask { cancelling: Cancelling::new(&self.node, self.handle, |value| value), place: self.place }
    }
}

impl<T> fmt::Debug for BackgroundTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundTask").field("finished", &self.is_finished()).finish_non_exhaustive()
    }
}

impl<T> Future for BackgroundTask<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let handle = &mut self.handle;
        // Unconstrained: thousands of handles in one `join_all` stay linear.
        inspect::waits(|| On::Task(Handle::Id(handle.id())))
            .poll(cx, |cx| Pin::new(&mut unconstrained(handle)).poll(cx))
            .map(|joined| joined.ok().flatten().or_else(|| self.place.take()))
    }
}

/// Future of [`BackgroundTask::cancel`]: the task's value, if it had one.
///
/// # Cancel safety
///
/// The task is cancelled by the call, not by this future. Dropping it gives up the wait and the value; a shutdown still waits.
#[must_use = "the task is told, but not waited for, unless this is awaited"]
pub struct CancelBackgroundTask<T> {
    cancelling: Cancelling<T, Option<T>>,
    place: Place<T>,
}

impl<T> Future for CancelBackgroundTask<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.cancelling.poll(cx).map(|value| value.or_else(|| self.place.take()))
    }
}

impl<T> fmt::Debug for CancelBackgroundTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelBackgroundTask").finish_non_exhaustive()
    }
}
