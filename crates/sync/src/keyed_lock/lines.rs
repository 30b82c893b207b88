//! The keys that are held, each with its line: plain data, kept under the lock. Its invariants are those of the keyed lock.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasherDefault, Hash},
    task::Waker,
};

use super::key::{Borrowed, Hashed, HashedKey, PassThrough};
use crate::wait_list::{Place, WaitList};

/// A map that was larger than this gives its memory back when the last key goes.
const KEPT_CAPACITY: usize = 1024;

/// The keys that are held, and who waits for them.
pub(super) struct Lines<K> {
    map: HashMap<HashedKey<K>, WaitList, BuildHasherDefault<PassThrough>>,
    /// In all lines together.
    waiting: usize,
}

/// What became of a key that was given back.
pub(super) enum Released<E> {
    /// The first in line holds it now.
    ToNext(Waker),
    /// Nobody holds it: this was its entry.
    Gone(E),
}

impl<K> Lines<K> {
    pub(super) const fn new() -> Self {
        Self { map: HashMap::with_hasher(BuildHasherDefault::new()), waiting: 0 }
    }

    pub(super) fn keys(&self) -> usize {
        self.map.len()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }
}

impl<K: Hash + Eq> Lines<K> {
    pub(super) fn is_held(&self, key: &Borrowed<'_, K>) -> bool {
        self.map.contains_key(key as &dyn Hashed<K>)
    }

    /// Takes a free key.
    pub(super) fn take(&mut self, key: &HashedKey<K>) -> bool {
        match self.map.entry(key.clone()) {
            Entry::Occupied(_) => false,
            Entry::Vacant(entry) => {
                entry.insert(WaitList::new());
                true
            }
        }
    }

    /// Enters the line of a key that is held. Returns the key by whose address the entry is found, for the caller to use instead of its own.
    pub(super) fn join(&mut self, key: &HashedKey<K>, waker: &Waker) -> (HashedKey<K>, Place) {
        let (held, _) = self.map.get_key_value(key).expect("the caller has found the key held, under this lock");
        let held = held.clone();
        let place = self.line(&held).join(waker, ());
        self.waiting += 1;
        (held, place)
    }

    /// The line of a key that is held. Whoever waits or holds knows that it is there (invariants 1 and 2).
    pub(super) fn line(&mut self, key: &HashedKey<K>) -> &mut WaitList {
        self.map.get_mut(key).expect("a key has an entry while somebody holds it")
    }

    /// Gives a place back; returns the waker of one that still waited.
    pub(super) fn leave(&mut self, key: &HashedKey<K>, place: Place) -> Option<Waker> {
        let waker = self.line(key).leave(place);
        self.waiting -= usize::from(waker.is_some());
        waker
    }

    /// Ends a holding: the first in line holds the key from now on, or nobody.
    pub(super) fn release(&mut self, key: &HashedKey<K>) -> Released<impl Sized + use<K>> {
        if let Some(waker) = self.line(key).grant_first() {
            self.waiting -= 1;
            return Released::ToNext(waker);
        }
        let entry = self.map.remove_entry(key);
        let spare = self.map.is_empty() && self.map.capacity() > KEPT_CAPACITY;
        // An empty map drops no key.
        let map = spare.then(|| std::mem::take(&mut self.map));
        Released::Gone((entry, map))
    }
}
