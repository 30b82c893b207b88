//! Why a shared value could not be had.

use thiserror::Error;

/// The answer of a shared resource or a [`Swap`](crate::Swap) that was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the resource has been closed: make a new one, or close it later")]
pub struct Closed;

/// Why [`Shared::get`](crate::Shared::get) or [`KeyedShared::get`](crate::KeyedShared::get) gave no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShareError<E> {
    /// The acquisition failed. The next caller acquires anew: errors are not kept.
    #[error("the shared resource could not be acquired: ask again, the next one acquires anew")]
    Failed(#[source] E),
    /// It was closed before.
    #[error("{Closed}")]
    Closed,
}

impl<E> From<Closed> for ShareError<E> {
    fn from(Closed: Closed) -> Self {
        ShareError::Closed
    }
}
