//! Why a child is not ready.

use std::{error::Error, fmt};

use crate::{fallible::CannotFail, reason::Reason};

/// Why [`TaskGroup::start`](crate::TaskGroup::start) or [`TaskGroup::try_start`](crate::TaskGroup::try_start) has no child that is ready.
#[non_exhaustive]
pub enum StartError<O, E = CannotFail> {
    /// A child of `try_start` failed before it was ready. The group goes on.
    Failed(E),
    /// The child ended without a signal, with this output.
    Ended(O),
    /// The group is being cancelled: the child never ran, was dropped or has panicked.
    Cancelled(Reason),
}

impl<O, E: fmt::Debug> fmt::Debug for StartError<O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            StartError::Ended(_) => f.debug_struct("Ended").finish_non_exhaustive(),
            StartError::Cancelled(reason) => f.debug_tuple("Cancelled").field(reason).finish(),
        }
    }
}

impl<O, E: fmt::Display> fmt::Display for StartError<O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Failed(error) => error.fmt(f),
            StartError::Ended(_) => {
                f.write_str("the task ended before it was ready: it has to call `Ready::signal` and go on")
            }
            StartError::Cancelled(reason) => write!(f, "cancelled before it was ready: {reason}"),
        }
    }
}

// Not `E: Error`, for the same reason as with `ScopeError`.
impl<O, E: fmt::Debug + fmt::Display> Error for StartError<O, E> {}
