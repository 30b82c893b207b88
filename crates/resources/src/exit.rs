//! How the use of a resource ended.

use bowline_concurrency::Reason;

/// How the use of a resource ended; told to its [`release`](crate::Resource::release).
///
/// It is decided when the body ends, and stands even if the caller goes away before the release.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Exit {
    /// The body returned `Ok`.
    Completed,
    /// The body returned an error.
    Failed,
    /// The body panicked, or the code that held the [`Lease`](crate::Lease).
    Panicked,
    /// The body was dropped before it was done, or the caller was before the body could begin; or the [`Lease`](crate::Lease) was dropped.
    Cancelled(Reason),
}

impl Exit {
    /// Whether the body returned `Ok`: the one case in which a transaction commits.
    pub fn is_completed(&self) -> bool {
        matches!(self, Exit::Completed)
    }
}
