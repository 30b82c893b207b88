//! The primitives that the loom models replace: everything else here is built on these two.
//!
//! The switch is `--cfg bowline_loom`. Plain `--cfg loom` would remove parts of Tokio itself.

#[cfg(not(bowline_loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

#[cfg(bowline_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};

use std::sync::PoisonError;

/// Locks a mutex under which no user code ever runs, so that poison means nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
