//! The primitives that the crate is built on: those of `std`, or loom's when loom checks every interleaving.

use std::sync::PoisonError;

#[cfg(bowline_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};
#[cfg(not(bowline_loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicUsize, Ordering},
};

/// Locks, whether or not somebody panicked under the lock: no code of a user runs under the locks of this crate, but for clones of
/// wakers and the `Eq` of keys, and those where the state is whole, so that a poisoned one is too.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
