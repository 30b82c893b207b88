//! The worker's side of a lifecycle.

use std::{error::Error, fmt, mem, ops::Deref, thread};

use super::{Lifecycle, error::Failure};
use crate::event::Wait;

/// The worker's side of a [`Lifecycle`]: it reports, and hears when to stop. From [`Lifecycle::begin`] and [`Lifecycle::begin_owned`].
///
/// Dropping it without [`end`](Worker::end) or [`fail`](Worker::fail) ends the lifecycle as failed.
#[must_use = "a worker that is dropped has failed: move it into the task that does the work"]
pub struct Worker<L: Deref<Target = Lifecycle>> {
    lifecycle: L,
    was_panicking: bool,
    ended: bool,
}

impl<L: Deref<Target = Lifecycle>> Worker<L> {
    pub(super) fn new(lifecycle: L) -> Self {
        Self { lifecycle, was_panicking: thread::panicking(), ended: false }
    }

    /// Reports that the worker is ready. After a request to stop, this changes nothing.
    pub fn ready(&self) {
        self.lifecycle.report_ready();
    }

    /// Waits until the worker is asked to stop. Its own future is the place for it: `select!` between this and the work.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: a request to stop stays.
    #[doc(alias = "cancelled")]
    pub fn stop_requested(&self) -> Wait<'_> {
        self.lifecycle.stop.wait()
    }

    /// Tells whether the worker has been asked to stop.
    #[must_use]
    pub fn is_stop_requested(&self) -> bool {
        self.lifecycle.stop.is_set()
    }

    /// Ends the lifecycle as stopped, whether or not that was asked for.
    pub fn end(mut self) {
        self.finish(None);
    }

    /// Ends the lifecycle as failed; everybody who waits gets the error as a [source](Error::source).
    pub fn fail(mut self, error: impl Into<Box<dyn Error + Send + Sync>>) {
        self.finish(Some(Failure::Error(error.into().into())));
    }

    fn finish(&mut self, failure: Option<Failure>) {
        if !mem::replace(&mut self.ended, true) {
            self.lifecycle.finish(failure);
        }
    }
}

impl<L: Deref<Target = Lifecycle>> Drop for Worker<L> {
    fn drop(&mut self) {
        let panicked = !self.was_panicking && thread::panicking();
        self.finish(Some(if panicked { Failure::Panicked } else { Failure::Abandoned }));
    }
}

impl<L: Deref<Target = Lifecycle>> fmt::Debug for Worker<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Worker").field(&*self.lifecycle).finish()
    }
}
