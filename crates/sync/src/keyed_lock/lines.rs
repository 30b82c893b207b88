//! The keys that are held, each with its line: plain data, kept under the lock. Its invariants are those of the keyed lock.

use std::{hash::Hash, sync::Arc, task::Waker};

use crate::{
    keyed::{Keyed, Slot, hash_of},
    wait_list::{Place, WaitList},
};

/// The keys that are held, and who waits for them.
pub(super) struct Lines<K> {
    held: Keyed<Arc<K>, WaitList>,
    /// In all lines together.
    waiting: usize,
}

/// A key that somebody asks for, hashed before the lock.
pub(super) struct AskedKey<K> {
    hash: u64,
    key: Arc<K>,
}

impl<K: Hash> AskedKey<K> {
    pub(super) fn new(key: K) -> Self {
        Self { hash: hash_of(&key), key: Arc::new(key) }
    }
}

/// A key that has an entry: what its holder and its waiters keep.
pub(super) struct HeldKey<K> {
    slot: Slot,
    /// The one of the entry: whoever waits keeps no key of its own.
    key: Arc<K>,
}

impl<K> HeldKey<K> {
    pub(super) fn get(&self) -> &K {
        &self.key
    }
}

/// What became of a key that was given back.
pub(super) enum Released<K> {
    /// The first in line holds it now.
    ToNext(Waker),
    /// Nobody holds it: this was its entry.
    Gone(Option<(Arc<K>, WaitList)>),
}

impl<K> Lines<K> {
    pub(super) const fn new() -> Self {
        Self { held: Keyed::new(), waiting: 0 }
    }

    pub(super) fn keys(&self) -> usize {
        self.held.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Enters the line of a key that is held.
    pub(super) fn join(&mut self, slot: Slot, waker: &Waker) -> (HeldKey<K>, Place) {
        let key = self.held.key(slot).expect(HELD);
        let held = HeldKey { slot, key: Arc::clone(key) };
        let place = self.line(&held).join(waker, ());
        self.waiting += 1;
        (held, place)
    }

    /// The line of a key that is held. Whoever waits or holds knows that it is there (invariants 1 and 2).
    pub(super) fn line(&mut self, key: &HeldKey<K>) -> &mut WaitList {
        self.held.get_mut(key.slot).expect(HELD)
    }

    /// Gives a place back; returns the waker of one that still waited.
    pub(super) fn leave(&mut self, key: &HeldKey<K>, place: Place) -> Option<Waker> {
        let waker = self.line(key).leave(place);
        self.waiting -= usize::from(waker.is_some());
        waker
    }

    /// Ends a holding: the first in line holds the key from now on, or nobody.
    pub(super) fn release(&mut self, key: &HeldKey<K>) -> Released<K> {
        if let Some(waker) = self.line(key).grant_first() {
            self.waiting -= 1;
            return Released::ToNext(waker);
        }
        Released::Gone(self.held.remove(key.slot))
    }
}

impl<K: Eq> Lines<K> {
    /// Takes the key if it is free, else tells whose line it is.
    pub(super) fn take(&mut self, asked: &AskedKey<K>) -> Result<HeldKey<K>, Slot> {
        let AskedKey { hash, key } = asked;
        if let Some(slot) = self.find(*hash, key) {
            return Err(slot);
        }
        let slot = self.held.insert(*hash, Arc::clone(key), WaitList::new());
        Ok(HeldKey { slot, key: Arc::clone(key) })
    }

    pub(super) fn find(&self, hash: u64, key: &K) -> Option<Slot> {
        self.held.find(hash, key)
    }
}

const HELD: &str = "a key has an entry while somebody holds it";
