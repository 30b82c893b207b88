//! The futures that wait for a key.

use std::{
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{AskedKey, HeldKey, KeyedGuard, KeyedLock, OwnedKeyedGuard};
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
pub struct LockKey<'a, K> {
    lock: &'a KeyedLock<K>,
    turn: Turn<K>,
    waiting: Waiting,
}

impl<'a, K> LockKey<'a, K> {
    pub(super) fn new(lock: &'a KeyedLock<K>, key: AskedKey<K>) -> Self {
        Self { lock, turn: Turn::Unasked(key), waiting: lock.resource.waiting() }
    }
}

impl<'a, K: Eq> Future for LockKey<'a, K> {
    type Output = KeyedGuard<'a, K>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let LockKey { lock, turn, waiting } = self.get_mut();
        waiting.poll(cx, |cx| turn.poll(lock, cx)).map(|key| KeyedGuard::new(lock, key))
    }
}

impl<K> Drop for LockKey<'_, K> {
    fn drop(&mut self) {
        self.turn.give_up(self.lock);
    }
}

impl<K> fmt::Debug for LockKey<'_, K> {
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
pub struct LockKeyOwned<K> {
    lock: Arc<KeyedLock<K>>,
    turn: Turn<K>,
    waiting: Waiting,
}

impl<K> LockKeyOwned<K> {
    pub(super) fn new(lock: Arc<KeyedLock<K>>, key: AskedKey<K>) -> Self {
        let waiting = lock.resource.waiting();
        Self { lock, turn: Turn::Unasked(key), waiting }
    }
}

impl<K: Eq> Future for LockKeyOwned<K> {
    type Output = OwnedKeyedGuard<K>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let LockKeyOwned { lock, turn, waiting } = self.get_mut();
        waiting.poll(cx, |cx| turn.poll(lock, cx)).map(|key| OwnedKeyedGuard::new(Arc::clone(lock), key))
    }
}

impl<K> Drop for LockKeyOwned<K> {
    fn drop(&mut self) {
        self.turn.give_up(&self.lock);
    }
}

impl<K> fmt::Debug for LockKeyOwned<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockKeyOwned").field(&self.lock).finish()
    }
}

/// How far one future has come.
enum Turn<K> {
    Unasked(AskedKey<K>),
    InLine(HeldKey<K>, Place),
    Over,
}

impl<K: Eq> Turn<K> {
    /// Ready means that the key is held, for the caller to put into a guard.
    fn poll(&mut self, keyed: &KeyedLock<K>, cx: &mut Context<'_>) -> Poll<HeldKey<K>> {
        let coop = ready!(coop::poll_proceed(cx));
        // Dropped after the lock (invariants 3 and 4).
        let (_replaced, _own_key);
        let mut lines = lock(&keyed.lines);
        match self {
            Turn::Unasked(asked) => match lines.take(asked) {
                Ok(key) => {
                    _own_key = mem::replace(self, Turn::Over);
                    coop.made_progress();
                    Poll::Ready(key)
                }
                Err(slot) => {
                    let (key, place) = lines.join(slot, cx.waker());
                    _own_key = mem::replace(self, Turn::InLine(key, place));
                    Poll::Pending
                }
            },
            Turn::InLine(key, place) if !lines.line(key).is_granted(place) => {
                _replaced = lines.line(key).update(place, cx.waker());
                Poll::Pending
            }
            Turn::InLine(..) => {
                let Turn::InLine(key, place) = mem::replace(self, Turn::Over) else { unreachable!("matched above") };
                lines.leave(&key, place);
                coop.made_progress();
                Poll::Ready(key)
            }
            Turn::Over => panic!("a keyed lock's future was polled after it had completed"),
        }
    }
}

impl<K> Turn<K> {
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
