//! How long a root waits, and for whom.

use std::time::Duration;

use super::{Interrupted, RunError, below_root, run_with};

/// Options of a root; [`run`](crate::run) and [`root_scope`](crate::root_scope) have the default ones.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::Root;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), bowline_concurrency::RunError> {
/// let root = Root::new().grace(Duration::from_secs(60)).drain_within(Duration::from_secs(5));
/// assert_eq!(root.run(async { 42 })?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "options do nothing until a root is opened with them"]
pub struct Root {
    pub(super) grace: Duration,
    pub(super) drain_within: Duration,
    pub(super) inspect: bool,
}

impl Root {
    /// 10 s of grace, and 10 s to drain.
    pub const fn new() -> Self {
        Root { grace: Duration::from_secs(10), drain_within: Duration::from_secs(10), inspect: false }
    }

    /// How long code that asked for the shutdown may take to end, after the first signal; 10 s by default.
    pub const fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How long the root waits for what is left below it, and [`run`](Root::run) then for the process root and for threads that block;
    /// 10 s by default. What is left is reported.
    pub const fn drain_within(mut self, budget: Duration) -> Self {
        self.drain_within = budget;
        self
    }

    /// Whether what runs can be seen with [`tree`](crate::tree()); off by default. The switch is one of the process: while this root runs, it
    /// is on for all.
    pub const fn inspect(mut self, on: bool) -> Self {
        self.inspect = on;
        self
    }

    /// Runs `main` on a new runtime; see [`run`](crate::run).
    ///
    /// # Errors
    ///
    /// As those of [`run`](crate::run).
    ///
    /// # Panics
    ///
    /// With the payload of a panic of `main`, after the runtime has been shut down.
    pub fn run<F: Future>(self, main: F) -> Result<F::Output, RunError> {
        run_with(self, main)
    }

    /// Runs `main` in the running runtime; see [`root_scope`](crate::root_scope).
    ///
    /// # Errors
    ///
    /// [`Interrupted`] if a signal ended `main` before it had a value.
    ///
    /// # Panics
    ///
    /// With the payload of a panic of `main`, after what is below has settled; and outside a Tokio runtime with timer and I/O.
    ///
    /// # Cancel safety
    ///
    /// As that of [`root_scope`](crate::root_scope).
    pub async fn scope<F: Future>(self, main: F) -> Result<F::Output, Interrupted> {
        below_root(self, main).await.outcome.unwrap_or_else(|panic| panic.resume())
    }
}

impl Default for Root {
    fn default() -> Self {
        Root::new()
    }
}
