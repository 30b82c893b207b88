//! The primitive that the loom models replace: the channel is built on it alone.
//!
//! The switch is `--cfg bowline_loom`. Plain `--cfg loom` would remove parts of Tokio itself.

#[cfg(not(bowline_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

#[cfg(bowline_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks a mutex under which no user code ever runs, so that poison means nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
