//! What is known of a value that may be half-changed.

use std::fmt;

/// Why the value of a [`Mutex`](crate::Mutex) may be half-changed; from [`Poisoned::cause`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoisonCause {
    /// A task or thread panicked while it held the lock.
    Panic,
    /// The future of a [`with`](crate::Mutex::with) was dropped before its body was done.
    Cancelled,
}

impl PoisonCause {
    pub(super) const NONE: u8 = 0;

    pub(super) fn mark(self) -> u8 {
        match self {
            Self::Panic => 1,
            Self::Cancelled => 2,
        }
    }

    pub(super) fn from_mark(mark: u8) -> Option<Self> {
        [Self::Panic, Self::Cancelled].into_iter().find(|cause| cause.mark() == mark)
    }
}

impl fmt::Display for PoisonCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Panic => "a panic while it was locked",
            Self::Cancelled => "a change that was dropped half-way",
        })
    }
}

/// The lock is had, but the value may be half-changed; returned by [`Mutex::lock_unpoisoned`](crate::Mutex::lock_unpoisoned).
///
/// The guard in it holds the lock until this is dropped.
#[derive(thiserror::Error)]
#[error("the mutex is poisoned by {cause}: look at the value with `into_guard`, mend it and call `clear_poison`")]
pub struct Poisoned<G> {
    cause: PoisonCause,
    guard: G,
}

impl<G> Poisoned<G> {
    pub(super) fn new(cause: PoisonCause, guard: G) -> Self {
        Self { cause, guard }
    }

    /// Says what happened. Of several causes, it is the last.
    #[must_use]
    pub fn cause(&self) -> PoisonCause {
        self.cause
    }

    /// Gives the guard, to look at the value and to mend it. The mutex stays poisoned until [`clear_poison`](crate::Mutex::clear_poison).
    #[must_use]
    pub fn into_guard(self) -> G {
        self.guard
    }

    /// Gives the lock back and keeps the error, which may then leave the function: `.map_err(Poisoned::without_guard)?`.
    #[must_use]
    pub fn without_guard(self) -> Poisoned<()> {
        Poisoned { cause: self.cause, guard: () }
    }
}

impl<G> fmt::Debug for Poisoned<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poisoned").field("cause", &self.cause).finish_non_exhaustive()
    }
}
