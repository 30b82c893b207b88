//! The right to use the value, as a guard.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    panic::Location,
    sync::{PoisonError, atomic::Ordering},
    thread,
};

use atomic_refcell::AtomicRefMut;

use super::{Mutex, ONE, PoisonCause};
use crate::inspected::Holding;

/// The right to use the value of a [`Mutex`], given back when it is dropped; from [`Mutex::lock`] and [`Mutex::try_lock`].
///
/// If it is dropped by a panic, the mutex is poisoned.
#[must_use = "a guard that is dropped at once protects nothing: bind it, `let guard = …`"]
pub struct MutexGuard<'a, T: ?Sized> {
    // Dropped in this order: the permit goes back last (invariant 2 of the mutex).
    value: AtomicRefMut<'a, T>,
    _holding: Holding,
    entered: Entered<'a, T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline]
    pub(super) fn new(entered: Entered<'a, T>) -> Self {
        let mutex = entered.mutex;
        // Neither of them fails (invariants 2 and 3 of the mutex).
        let value = AtomicRefMut::map(mutex.value.borrow_mut(), |value| {
            value.get_mut().unwrap_or_else(PoisonError::into_inner)
        });
        Self { value, _holding: mutex.resource.hold(), entered }
    }

    /// Lends the value to `body` and gives the lock back after it, as [`Mutex::with`] does: for a guard that is at hand already, say one from
    /// [`Mutex::lock_unpoisoned`].
    ///
    /// # Panics
    ///
    /// With the panic of `body`, which poisons the mutex.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after its first poll and before its end, the mutex is poisoned, by [`PoisonCause::Cancelled`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_sync::{Mutex, MutexGuard, Poisoned};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Poisoned<()>> {
    /// let numbers = Mutex::new(vec![1]);
    /// let guard = numbers.lock_unpoisoned().await.map_err(Poisoned::without_guard)?;
    /// MutexGuard::with(guard, async |numbers| numbers.push(2)).await;
    /// assert_eq!(*numbers.lock().await, [1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn with<R>(mut this: Self, body: impl AsyncFnOnce(&mut T) -> R) -> R {
        this.entered.half_way = true;
        let result = body(&mut this.value).await;
        this.entered.half_way = false;
        result
    }

    pub(crate) fn mutex(this: &Self) -> &'a Mutex<T> {
        this.entered.mutex
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

/// The permit of the mutex, with the notes of its holder.
pub(super) struct Entered<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// The thread was panicking when the lock was had: dropping the guard then says nothing about the value.
    was_panicking: bool,
    /// The value is being changed by a `with`.
    half_way: bool,
}

impl<'a, T: ?Sized> Entered<'a, T> {
    /// Stands for a permit that is taken already.
    #[inline]
    pub(super) fn new(mutex: &'a Mutex<T>, location: &'static Location<'static>) -> Self {
        mutex.holder.enter(location);
        Self { mutex, was_panicking: thread::panicking(), half_way: false }
    }
}

impl<T: ?Sized> Drop for Entered<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let cause = if !self.was_panicking && thread::panicking() {
            Some(PoisonCause::Panic)
        } else {
            self.half_way.then_some(PoisonCause::Cancelled)
        };
        if let Some(cause) = cause {
            // Relaxed: invariant 1 of the mutex.
            self.mutex.poison.store(cause.mark(), Ordering::Relaxed);
        }
        self.mutex.holder.leave();
        self.mutex.permits.give_back(ONE);
    }
}
