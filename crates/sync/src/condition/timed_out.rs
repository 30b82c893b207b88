//! The error of a wait with a limit.

use std::fmt;

/// The value was not as wished within the limit; returned by [`Condition::wait_timeout_while`](crate::Condition::wait_timeout_while).
///
/// The mutex is locked, by the guard in it.
#[derive(thiserror::Error)]
#[error("the condition did not change in time: the guard is in this error, take it with `into_guard`")]
pub struct WaitTimedOut<G> {
    guard: G,
}

impl<G> WaitTimedOut<G> {
    pub(super) fn new(guard: G) -> Self {
        Self { guard }
    }

    /// Gives the guard back.
    #[must_use]
    pub fn into_guard(self) -> G {
        self.guard
    }
}

impl<G> fmt::Debug for WaitTimedOut<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitTimedOut").finish_non_exhaustive()
    }
}
