//! Waiting for what nobody else waits for.

use std::time::Duration;

use thiserror::Error;
use tokio::time::timeout;

use crate::{current, settle::Settled};

/// Waits until nothing is handed off to the process root any more, at most for `budget`.
///
/// What is dropped outside every scope, by tasks of plain `tokio::spawn` above all, goes to the process root. [`run`](crate::run) drains it at
/// the end; a program with a runtime of its own awaits this before the runtime goes, or its releases are cut short and counted by
/// [`lost_releases`](crate::lost_releases).
///
/// # Errors
///
/// [`DrainError`] with the names of what is left, which goes on.
///
/// # Cancel safety
///
/// It only waits: dropping it stops nothing, and it may be called again.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{drain, hand_off};
/// use std::time::Duration;
/// use tokio::runtime::Handle;
///
/// #[tokio::main]
/// async fn main() -> Result<(), bowline_concurrency::DrainError> {
///     hand_off(&Handle::current(), "goodbye", async { println!("goodbye") });
///     drain(Duration::from_secs(10)).await // "goodbye" has been printed.
/// }
/// ```
pub async fn drain(budget: Duration) -> Result<(), DrainError> {
    let process = current::process_root();
    match timeout(budget, Settled::of(process.clone())).await {
        Ok(()) => Ok(()),
        Err(_) => Err(DrainError { budget, left: process.hand_offs_left() }),
    }
}

/// Something was still running when the budget of [`drain`] was over.
#[derive(Clone, Debug, Error)]
#[error("not done after {budget:?}: {}; give it more time, or find out what it waits for", left.join(", "))]
pub struct DrainError {
    budget: Duration,
    left: Vec<String>,
}

impl DrainError {
    /// The names of what was left.
    pub fn left(&self) -> &[String] {
        &self.left
    }
}
