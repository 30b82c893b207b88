//! Which scopes may fail, as the compiler sees it.

use std::{convert::Infallible, fmt, marker::PhantomPinned};

/// The error of a [`scope`](crate::scope): there is none. A type without values.
pub struct CannotFail {
    never: Infallible,
    // What tells it from every error: see `CanFail`.
    _pinned: PhantomPinned,
}

impl CannotFail {
    pub(crate) fn unreachable(&self) -> ! {
        match self.never {}
    }
}

impl fmt::Debug for CannotFail {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.unreachable()
    }
}

impl fmt::Display for CannotFail {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.unreachable()
    }
}

/// The error of a scope that returns a `Result`: every type that is `Unpin`, but not [`CannotFail`].
///
/// A bound of what ends a scope without a value, such as [`TaskGroup::cancel`](crate::TaskGroup::cancel). There is nothing to implement.
// `Unpin`, because a bound cannot say "all but one": errors are `Unpin`, and the one is made not to be.
pub trait CanFail {}

impl<E: Unpin> CanFail for E {}
