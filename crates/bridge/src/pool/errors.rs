//! What can go wrong with a pool, by operation.

use std::{fmt, io, sync::Arc};

/// A pool could not be built; from [`Builder::build`](super::Builder::build).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Nothing would ever run.
    #[error("a pool of no threads runs nothing: ask for one at least")]
    NoThreads,
    /// Threads cannot be named like that.
    #[error("the name of a pool must not hold a NUL character: its threads carry it")]
    Name,
    /// The system has no more threads to give.
    #[error("cannot start a thread of the pool: ask for fewer, or raise the limit of the process")]
    Spawn(#[source] io::Error),
}

/// A call did not run; from [`BlockingPool::run`](super::BlockingPool::run).
///
/// A panic of the closure is not an error: it goes on in the caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The pool was shut down before the call could begin.
    #[error("the pool {pool} was shut down before the call could begin: stop calling before you shut it down")]
    #[non_exhaustive]
    Closed {
        /// The name of the pool.
        pool: Arc<str>,
    },
}

impl CallError {
    pub(super) fn closed(pool: Arc<str>) -> Self {
        Self::Closed { pool }
    }
}

/// A call was not accepted; from [`BlockingPool::try_run`](super::BlockingPool::try_run), with the closure to try again.
pub struct TryRunError<F> {
    work: F,
    pool: Arc<str>,
    full: bool,
}

impl<F> TryRunError<F> {
    pub(super) fn full(pool: Arc<str>, work: F) -> Self {
        Self { work, pool, full: true }
    }

    pub(super) fn closed(pool: Arc<str>, work: F) -> Self {
        Self { work, pool, full: false }
    }

    /// Whether the pool was full, so that trying later may help. Otherwise it was shut down.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// The closure, which has not run.
    pub fn into_inner(self) -> F {
        self.work
    }
}

impl<F> fmt::Display for TryRunError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pool, .. } = self;
        if self.full {
            write!(f, "the pool {pool} has no place for another call: wait for one with `run`, or turn the work away")
        } else {
            write!(f, "the pool {pool} was shut down: stop calling before you shut it down")
        }
    }
}

impl<F> fmt::Debug for TryRunError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryRunError").field("pool", &self.pool).field("full", &self.full).finish_non_exhaustive()
    }
}

impl<F> std::error::Error for TryRunError<F> {}
