//! What a scope that failed returns.

use std::{error::Error, fmt};

use crate::{reason::Reason, timeout::Elapsed};

mod first_error;
mod list;

pub use first_error::FirstError;
pub use list::Errors;

/// Why a fallible scope has no value to return.
///
/// It implements [`Error`] for every `E` that can be printed, so that `?` works with `anyhow::Error` and with
/// `Box<dyn Error + Send + Sync>` as `E`. To return a bare `E` from a nested scope, see [`FirstError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum ScopeError<E> {
    /// The body or children failed; all failures, in the order in which they happened.
    Failed(Errors<E>),
    /// The deadline of the scope passed before its body had a value, and nothing failed.
    Elapsed(Elapsed),
    /// The scope was cancelled before its body had a value, and nothing failed.
    Cancelled(Reason),
}

impl<E> ScopeError<E> {
    /// All failures, if there are any.
    pub fn errors(&self) -> Option<&Errors<E>> {
        match self {
            ScopeError::Failed(errors) => Some(errors),
            ScopeError::Elapsed(_) | ScopeError::Cancelled(_) => None,
        }
    }

    /// The failure that came first.
    ///
    /// # Errors
    ///
    /// The reason, if the scope was cancelled without a failure.
    pub fn into_first(self) -> Result<E, Reason> {
        match self {
            ScopeError::Failed(errors) => Ok(errors.into_first()),
            ScopeError::Elapsed(elapsed) => Err(Reason::DeadlineElapsed(elapsed.deadline().clone())),
            ScopeError::Cancelled(reason) => Err(reason),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ScopeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeError::Failed(errors) => errors.fmt(f),
            ScopeError::Elapsed(elapsed) => elapsed.fmt(f),
            ScopeError::Cancelled(reason) => write!(f, "cancelled: {reason}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for ScopeError<E> {}
