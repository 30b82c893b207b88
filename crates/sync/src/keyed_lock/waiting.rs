//! The futures that wait for a key.

use std::{
    fmt,
    hash::Hash,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{HashedKey, KeyedGuard, KeyedLock, OwnedKeyedGuard};
use crate::{inspected::Waiting, primitive::lock, wait_list::Place};

/// Waits for a [`KeyedGuard`]; made by [`KeyedLock::lock`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line, and leaves nothing in memory. A key that it was granted in the same moment goes to the next in line.
/// Between the grant and its next poll the key is reserved for it: a future that is kept, but not polled, keeps others waiting.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct LockKey<'a, K: Hash + Eq> {
    lock: &'a KeyedLock<K>,
    turn: Turn<K>,
    waiting: Waiting,
}

impl<'a, K: Hash + Eq> LockKey<'a, K> {
    pub(super) fn new(lock: &'a KeyedLock<K>, key: HashedKey<K>) -> Self {
        Self { lock, turn: Turn::Unasked(key), waiting: lock.resource.waiting() }
    }
}

impl<'a, K: Hash + Eq> Future for LockKey<'a, K> {
    type Output = KeyedGuard<'a, K>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let LockKey { lock, turn, waiting } = self.get_mut();
        waiting.poll(cx, |cx| turn.poll(lock, cx)).map(|key| KeyedGuard::new(lock, key))
    }
}

impl<K: Hash + Eq> Drop for LockKey<'_, K> {
    fn drop(&mut self) {
        self.turn.give_up(self.lock);
    }
}

impl<K: Hash + Eq> fmt::Debug for LockKey<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockKey").field(self.lock).finish()
    }
}

/// Waits for an [`OwnedKeyedGuard`]; made by [`KeyedLock::lock_owned`].
///
/// # Cancel safety
///
/// The same as [`LockKey`]'s: the place is given up, and a key granted in the same moment is passed on.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct LockKeyOwned<K: Hash + Eq> {
    lock: Arc<KeyedLock<K>>,
    turn: Turn<K>,
    waiting: Waiting,
}

impl<K: Hash + Eq> LockKeyOwned<K> {
    pub(super) fn new(lock: Arc<KeyedLock<K>>, key: HashedKey<K>) -> Self {
        let waiting = lock.resource.waiting();
        Self { lock, turn: Turn::Unasked(key), waiting }
    }
}

impl<K: Hash + Eq> Future for LockKeyOwned<K> {
    type Output = OwnedKeyedGuard<K>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let LockKeyOwned { lock, turn, waiting } = self.get_mut();
        waiting.poll(cx, |cx| turn.poll(lock, cx)).map(|key| OwnedKeyedGuard::new(Arc::clone(lock), key))
    }
}

impl<K: Hash + Eq> Drop for LockKeyOwned<K> {
    fn drop(&mut self) {
        self.turn.give_up(&self.lock);
    }
}

impl<K: Hash + Eq> fmt::Debug for LockKeyOwned<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockKeyOwned").field(&self.lock).finish()
    }
}

/// How far one future has come.
enum Turn<K> {
    Unasked(HashedKey<K>),
    InLine(HashedKey<K>, Place),
    Over,
}

impl<K: Hash + Eq> Turn<K> {
    /// Ready means that the key is held, for the caller to put into a guard.
    fn poll(&mut self, keyed: &KeyedLock<K>, cx: &mut Context<'_>) -> Poll<HashedKey<K>> {
        let coop = ready!(coop::poll_proceed(cx));
        // Dropped after the lock (invariants 3 and 4).
        let (_replaced, _own_key);
        let mut lines = lock(&keyed.lines);
        match self {
            Turn::Unasked(key) if lines.take(key) => {}
            Turn::Unasked(key) => {
                let (held, place) = lines.join(key, cx.waker());
                _own_key = mem::replace(self, Turn::InLine(held, place));
                return Poll::Pending;
            }
            Turn::InLine(key, place) if lines.line(key).is_granted(place) => {}
            Turn::InLine(key, place) => {
                _replaced = lines.line(key).update(place, cx.waker());
                return Poll::Pending;
            }
            Turn::Over => panic!("a keyed lock's future was polled after it had completed"),
        }
        let key = match mem::replace(self, Turn::Over) {
            Turn::Unasked(key) => key,
            Turn::InLine(key, place) => {
                lines.leave(&key, place);
                key
            }
            Turn::Over => unreachable!("refused above"),
        };
        coop.made_progress();
        Poll::Ready(key)
    }

    fn give_up(&mut self, keyed: &KeyedLock<K>) {
        let Turn::InLine(key, place) = mem::replace(self, Turn::Over) else {
            return;
        };
        let waker = lock(&keyed.lines).leave(&key, place);
        if waker.is_none() {
            // It had been granted: the key goes to the next (invariant 2).
            keyed.release(&key);
        }
    }
}
