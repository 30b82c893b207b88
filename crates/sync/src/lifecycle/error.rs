//! What those learn who wait for a worker in vain.

use std::{error::Error, fmt, sync::Arc};

/// The worker will not be ready; returned by [`Lifecycle::ready`](crate::Lifecycle::ready).
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// It was asked to stop, or has ended well.
    #[error("the worker was stopped: use a new lifecycle to start it again")]
    Stopped,
    /// It has failed.
    #[error("the worker failed before one could use it")]
    Failed(#[source] WorkerFailed),
}

/// The worker has not ended well; returned by [`Lifecycle::stopped`](crate::Lifecycle::stopped).
///
/// The [source](Error::source) is the error that the worker gave, if it gave one.
#[derive(Clone)]
pub struct WorkerFailed {
    failure: Failure,
}

impl WorkerFailed {
    pub(super) fn new(failure: Failure) -> Self {
        Self { failure }
    }

    /// Tells whether the worker panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.failure, Failure::Panicked)
    }

    /// Tells whether the worker was dropped before its end, as an aborted task is.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        matches!(self.failure, Failure::Abandoned)
    }
}

/// How a worker has ended that did not end well.
#[derive(Clone)]
pub(super) enum Failure {
    Error(Arc<dyn Error + Send + Sync>),
    Panicked,
    Abandoned,
}

impl Error for WorkerFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            Failure::Error(error) => Some(&**error),
            Failure::Panicked | Failure::Abandoned => None,
        }
    }
}

impl fmt::Display for WorkerFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.failure {
            Failure::Error(_) => "the worker failed: see the source of this error",
            Failure::Panicked => "the worker panicked: join its task for the payload",
            Failure::Abandoned => "the worker was dropped before its end: look for who aborted its task",
        })
    }
}

impl fmt::Debug for WorkerFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            Failure::Error(error) => f.debug_tuple("WorkerFailed").field(error).finish(),
            Failure::Panicked => f.write_str("WorkerFailed(<panic>)"),
            Failure::Abandoned => f.write_str("WorkerFailed(<dropped>)"),
        }
    }
}

/// There will be no worker; returned by [`Lifecycle::begin`](crate::Lifecycle::begin).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CannotBegin {
    /// A worker has begun already.
    #[error("the lifecycle has begun already: each worker needs one of its own")]
    Begun,
    /// It was stopped before a worker began.
    #[error("the lifecycle was stopped before it began: do not start the worker")]
    Stopped,
}
