//! A lock for each key that somebody uses.
//!
//! # Invariants
//!
//! 1. A key has an entry in the map exactly while it is held, by a guard or by a future that has been granted it and not been polled since.
//!    So an entry goes with the last guard, or with the last future that was granted its key; one that still waits keeps no entry.
//! 2. Somebody waits in an entry's line only while another holds the key. Each end of a holding ends with [`Lines::release`].
//! 3. Under the lock, a key is never hashed or dropped, and compared only when somebody asks for one of the same 64-bit hash: a panic of that
//!    comparison, before anything has changed, leaves the state whole. Guards and waiters find their entry by its [`Slot`](crate::keyed::Slot).
//! 4. Wakers are woken and dropped outside the lock.

mod guard;
mod lines;
#[cfg(all(test, bowline_loom))]
mod loom_tests;
mod waiting;

use std::{fmt, hash::Hash, sync::Arc};

use self::lines::{AskedKey, HeldKey, Lines, Released};
pub use self::{
    guard::{KeyedGuard, OwnedKeyedGuard},
    waiting::{LockKey, LockKeyOwned},
};
use crate::{
    inspected::Resource,
    keyed::hash_of,
    primitive::{Mutex, lock},
    wait_list::wake_all,
};

/// One lock for each key: whoever works on the same key takes turns, and different keys do not wait for each other.
///
/// For each key, the lock is granted strictly in the order of asking. A key takes memory only while it is locked: nothing is
/// left behind by the last guard or by the last cancelled future, however many keys there have been.
///
/// It guards no value. Use a map of values under one [`Mutex`](crate::Mutex) where the work on a value is short.
///
/// # Panics in keys
///
/// A panic in the `Hash` of a key leaves by [`lock`](KeyedLock::lock) or what else was called, one in its `Eq` by there or by the poll, and changes nothing.
/// Giving a lock back uses neither.
///
/// # Examples
///
/// ```
/// use bowline_sync::KeyedLock;
///
/// static ACCOUNTS: KeyedLock<String> = KeyedLock::new();
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let alice = ACCOUNTS.lock("alice".to_owned()).await;
/// let bob = ACCOUNTS.lock("bob".to_owned()).await; // does not wait
/// assert!(ACCOUNTS.try_lock("alice".to_owned()).is_err());
/// assert_eq!(ACCOUNTS.statistics().keys, 2);
///
/// drop((alice, bob));
/// assert_eq!(ACCOUNTS.statistics().keys, 0);
/// # }
/// ```
#[doc(alias = "KeyedMutex")]
#[doc(alias = "lock per key")]
#[doc(alias = "LockMap")]
#[doc(alias = "striped")]
pub struct KeyedLock<K> {
    lines: Mutex<Lines<K>>,
    resource: Resource,
}

/// What a [`KeyedLock`] is doing at one moment; made by [`KeyedLock::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedLockStatistics {
    /// How many keys are locked.
    pub keys: usize,
    /// How many futures wait in line, for all keys together.
    pub waiting: usize,
}

/// Somebody holds the key, or waits for it; returned by [`KeyedLock::try_lock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is locked: wait with `lock`, or do something else first")]
pub struct KeyLocked;

impl<K> KeyedLock<K> {
    /// Creates it with no key locked; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new() -> Self {
        Self { lines: Mutex::new(Lines::new()), resource: Resource::new("keyed lock") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new() -> Self {
        Self { lines: Mutex::new(Lines::new()), resource: Resource::new("keyed lock") }
    }

    /// Reports how many keys are locked and how many futures wait, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> KeyedLockStatistics {
        let lines = lock(&self.lines);
        KeyedLockStatistics { keys: lines.keys(), waiting: lines.waiting() }
    }
}

impl<K: Hash + Eq> KeyedLock<K> {
    /// Waits for the lock of this key, in the order of asking.
    ///
    /// The place in line is taken at the first poll.
    #[doc(alias = "acquire")]
    pub fn lock(&self, key: K) -> LockKey<'_, K> {
        LockKey::new(self, AskedKey::new(key))
    }

    /// Waits for a lock that may outlive the borrow: to be moved into a task.
    pub fn lock_owned(self: &Arc<Self>, key: K) -> LockKeyOwned<K> {
        LockKeyOwned::new(Arc::clone(self), AskedKey::new(key))
    }

    /// Takes the lock of this key if nobody holds it. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`KeyLocked`] when the key is locked or promised.
    pub fn try_lock(&self, key: K) -> Result<KeyedGuard<'_, K>, KeyLocked> {
        let key = self.try_take(key)?;
        Ok(KeyedGuard::new(self, key))
    }

    /// Takes a lock that may outlive the borrow, if nobody holds it.
    ///
    /// # Errors
    ///
    /// [`KeyLocked`] when the key is locked or promised.
    pub fn try_lock_owned(self: &Arc<Self>, key: K) -> Result<OwnedKeyedGuard<K>, KeyLocked> {
        let key = self.try_take(key)?;
        Ok(OwnedKeyedGuard::new(Arc::clone(self), key))
    }

    /// Tells whether the key is locked or promised at this moment.
    #[must_use]
    pub fn is_locked(&self, key: &K) -> bool {
        let hash = hash_of(key);
        lock(&self.lines).find(hash, key).is_some()
    }

    fn try_take(&self, key: K) -> Result<HeldKey<K>, KeyLocked> {
        let asked = AskedKey::new(key);
        // In a statement of its own: the key is dropped after the lock.
        let taken = lock(&self.lines).take(&asked);
        taken.map_err(|_| KeyLocked)
    }
}

impl<K> KeyedLock<K> {
    /// Gives a key back that is held.
    fn release(&self, key: &HeldKey<K>) {
        // The key of the entry goes after the lock (invariant 3), and so do the wakers.
        let released = lock(&self.lines).release(key);
        match released {
            Released::ToNext(waker) => wake_all(Some(waker)),
            Released::Gone(entry) => drop(entry),
        }
    }
}

impl<K> Default for KeyedLock<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> fmt::Debug for KeyedLock<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyedLockStatistics { keys, waiting } = self.statistics();
        f.debug_struct("KeyedLock").field("keys", &keys).field("waiting", &waiting).finish_non_exhaustive()
    }
}
