//! The right to work on a key, as a guard.

use std::{fmt, sync::Arc};

use super::{HeldKey, KeyedLock};
use crate::inspected::Holding;

/// The right to work on a key, given back when it is dropped; from [`KeyedLock::lock`] and [`KeyedLock::try_lock`].
#[must_use = "a guard that is dropped at once protects nothing: bind it, `let _guard = …`"]
pub struct KeyedGuard<'a, K> {
    lock: &'a KeyedLock<K>,
    key: HeldKey<K>,
    _holding: Holding,
}

impl<'a, K> KeyedGuard<'a, K> {
    /// Stands for a key that is held already.
    pub(super) fn new(lock: &'a KeyedLock<K>, key: HeldKey<K>) -> Self {
        Self { lock, key, _holding: lock.resource.hold() }
    }

    /// The key that is locked.
    pub fn key(&self) -> &K {
        self.key.get()
    }
}

impl<K> Drop for KeyedGuard<'_, K> {
    fn drop(&mut self) {
        self.lock.release(&self.key);
    }
}

impl<K: fmt::Debug> fmt::Debug for KeyedGuard<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyedGuard").field(self.key()).finish()
    }
}

/// A [`KeyedGuard`] that shares ownership of its lock; from [`KeyedLock::lock_owned`].
#[must_use = "a guard that is dropped at once protects nothing: bind it, `let _guard = …`"]
pub struct OwnedKeyedGuard<K> {
    lock: Arc<KeyedLock<K>>,
    key: HeldKey<K>,
    _holding: Holding,
}

impl<K> OwnedKeyedGuard<K> {
    /// Stands for a key that is held already.
    pub(super) fn new(lock: Arc<KeyedLock<K>>, key: HeldKey<K>) -> Self {
        let holding = lock.resource.hold();
        Self { lock, key, _holding: holding }
    }

    /// The key that is locked.
    pub fn key(&self) -> &K {
        self.key.get()
    }
}

impl<K> Drop for OwnedKeyedGuard<K> {
    fn drop(&mut self) {
        self.lock.release(&self.key);
    }
}

impl<K: fmt::Debug> fmt::Debug for OwnedKeyedGuard<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnedKeyedGuard").field(self.key()).finish()
    }
}
