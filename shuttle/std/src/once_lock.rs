//! A cell that is written once; Shuttle has none of its own.

use std::{fmt, sync::PoisonError};

use shuttle::sync::Mutex;

/// [`std::sync::OnceLock`], where an initialiser may be interrupted.
///
/// The one of the standard library would block the only thread of the model when a second task asks while the
/// initialiser of the first one waits for its turn.
pub struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    initialising: Mutex<()>,
}

impl<T> OnceLock<T> {
    /// An empty cell.
    pub const fn new() -> Self {
        OnceLock { value: std::sync::OnceLock::new(), initialising: Mutex::new(()) }
    }

    /// The value, if there is one.
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// The value; the first caller makes it, and the others wait for that.
    pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        if self.value.get().is_none() {
            let _turn = self.initialising.lock().unwrap_or_else(PoisonError::into_inner);
            if self.value.get().is_none() {
                let value = make();
                return self.value.get_or_init(|| value); // Nothing in here can be interrupted.
            }
        }
        self.value.get().expect("whoever had the turn before has set it")
    }

    /// Sets the value, or gives it back if there is one.
    ///
    /// # Errors
    ///
    /// The value that was not needed.
    pub fn set(&self, value: T) -> Result<(), T> {
        let _turn = self.initialising.lock().unwrap_or_else(PoisonError::into_inner);
        self.value.set(value)
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
