//! The handle of a supervised task.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use crate::background::{BackgroundTask, CancelBackgroundTask};

/// Handle of a [supervised task](crate::BackgroundTasks::supervise); awaiting it gives the value of the run that ended well.
///
/// `None`: the task gave up, was cancelled, or was to start again when no more tasks were taken. What had failed has been reported to the observer.
///
/// # Cancel safety
///
/// Dropping the handle does not cancel the task; only its value is lost.
pub struct SupervisedTask<T> {
    task: BackgroundTask<T>,
    restarts: Arc<AtomicU64>,
}

impl<T> SupervisedTask<T> {
    pub(super) fn new(task: BackgroundTask<T>, restarts: Arc<AtomicU64>) -> Self {
        SupervisedTask { task, restarts }
    }

    /// How often it has been started again.
    pub fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed) // A statistic, which orders nothing.
    }

    /// Whether it has ended, and does not start again.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops it: drops the run that goes on at its next await, and waits until it and all that it leaves behind are gone.
    ///
    /// `Some` if it had its value already.
    #[doc(alias = "stop")]
    #[doc(alias = "abort")]
    pub fn cancel(self) -> CancelBackgroundTask<T> {
        self.task.cancel()
    }
}

impl<T> Future for SupervisedTask<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> fmt::Debug for SupervisedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisedTask")
            .field("restarts", &self.restarts())
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
