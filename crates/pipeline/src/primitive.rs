//! The lock that everything here is built on: that of `std`, or loom's when loom checks every interleaving.

use std::sync::PoisonError;

#[cfg(bowline_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(bowline_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks, whether or not somebody panicked under the lock: the only foreign code there clones wakers, before anything has
/// changed, so that a poisoned state is a whole one.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
