//! Waiting until no task runs, or until one has failed.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use thiserror::Error;

use super::{BackgroundTasks, shared::Shared};
use crate::{
    failure::Failure,
    inspect::{self, On},
};

/// The failure of a background task, as [`BackgroundTasks::join`] tells of it: a text. The error itself went to the observer.
///
/// The text is the whole `Debug` of the error, and has many lines if that carries a backtrace.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{text}")]
pub struct TaskFailed {
    name: Arc<str>,
    text: Arc<str>,
}

impl TaskFailed {
    pub(super) fn new(name: &Arc<str>, failure: &Failure) -> Self {
        TaskFailed { name: name.clone(), text: failure.to_string().into() }
    }

    /// The name of the task.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl BackgroundTasks {
    /// Waits until no task runs and nothing of them is left, or until one has failed. New tasks are taken meanwhile, and waited for; unlike
    /// [`finish`](BackgroundTasks::finish) it closes nothing.
    ///
    /// A task that was cancelled, aborted or replaced in its slot has not failed. Nor has a periodic task of which a run failed, or a supervised one
    /// that starts again; while one of these is there, `join` ends only with a failure. Not from one of these tasks, which would wait for itself.
    ///
    /// # Errors
    ///
    /// The first failure that no `join` has told of yet, be it from before the call: an error of a task of
    /// [`try_spawn`](BackgroundTasks::try_spawn), a panic, a task that was lost with its runtime. The others go on. Each is told to one caller at
    /// most, and only the first one is kept while nobody asks; the observer hears of all.
    ///
    /// # Cancel safety
    ///
    /// It only waits. A failure that it was not polled for is told to the next call.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::BackgroundTasks;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tasks = BackgroundTasks::new();
    /// tasks.observe_failures(|failure| eprintln!("{failure}"));
    /// tasks.spawn("warm up", async {})?;
    /// tasks.join().await?;
    ///
    /// tasks.try_spawn("upload", async { Err::<(), _>("no route") })?;
    /// let failed = tasks.join().await.unwrap_err();
    /// assert_eq!((failed.name(), failed.to_string()), ("upload", r#"upload failed: "no route""#.to_owned()));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "join_all")]
    #[doc(alias = "join_next")]
    pub async fn join(&self) -> Result<(), TaskFailed> {
        Join { shared: self.shared(), idle: None, failed: None }.await
    }
}

/// Future of [`BackgroundTasks::join`].
struct Join<'a> {
    shared: &'a Shared,
    /// The place among those who wait for zero.
    idle: Option<u32>,
    /// The place among those who wait for a failure.
    failed: Option<u32>,
}

impl Future for Join<'_> {
    type Output = Result<(), TaskFailed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Join { shared, idle, failed } = &mut *self;
        // First: a task puts its failure down before it is counted down.
        let node = &shared.node;
        let idle = inspect::waits(|| On::settled(node)).poll(cx, |cx| node.poll_idle(cx, idle));
        match shared.poll_failure(cx, failed) {
            Poll::Ready(failed) => Poll::Ready(Err(failed)),
            Poll::Pending => idle.map(Ok),
        }
    }
}

impl Drop for Join<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.idle {
            self.shared.node.forget_settling(key);
        }
        if let Some(key) = self.failed {
            self.shared.forget_watcher(key);
        }
    }
}
