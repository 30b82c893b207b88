//! A map whose keys are hashed before the lock of its owner, and compared only when somebody asks by key.
//!
//! The map is plain data: its owner keeps it under a lock. It gives memory back as it shrinks, and it can be made in a `static`.
//!
//! # Invariants
//!
//! 1. The only code of a user that runs in here is `Eq`, in [`Keyed::find`], which changes nothing: a panic there leaves the map whole.
//! 2. A [`Slot`] names one entry, and none after that was removed: numbers are never used again.
//! 3. What is removed is handed out, for the caller to drop after its lock.

use std::{
    borrow::Borrow,
    collections::BTreeMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::LazyLock,
};

/// Random, so that nobody can choose keys that collide.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// To be called before the lock (invariant 1).
pub(crate) fn hash_of(key: &(impl Hash + ?Sized)) -> u64 {
    SEED.hash_one(key)
}

/// The name of an entry: the keys of one hash stand side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    hash: u64,
    pub(crate) number: u64,
}

#[derive(Debug)]
pub(crate) struct Keyed<K, V> {
    entries: BTreeMap<Slot, (K, V)>,
    next: u64,
}

impl<K, V> Keyed<K, V> {
    pub(crate) const fn new() -> Self {
        Self { entries: BTreeMap::new(), next: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.entries.values().map(|(_, value)| value)
    }

    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<Slot>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let same_hash = Slot { hash, number: 0 }..=Slot { hash, number: u64::MAX };
        self.entries.range(same_hash).find(|(_, (other, _))| other.borrow() == key).map(|(slot, _)| *slot)
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, hash: u64, key: K, value: V) -> Slot {
        let slot = Slot { hash, number: self.next };
        self.next += 1;
        self.entries.insert(slot, (key, value));
        slot
    }

    pub(crate) fn key(&self, slot: Slot) -> Option<&K> {
        self.entries.get(&slot).map(|(key, _)| key)
    }

    pub(crate) fn get(&self, slot: Slot) -> Option<&V> {
        self.entries.get(&slot).map(|(_, value)| value)
    }

    pub(crate) fn get_mut(&mut self, slot: Slot) -> Option<&mut V> {
        self.entries.get_mut(&slot).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<(K, V)> {
        self.entries.remove(&slot)
    }
}

#[cfg(test)]
mod tests {
    use super::Keyed;

    #[test]
    fn keys_of_one_hash_are_told_apart() {
        let mut map = Keyed::<String, u32>::new();
        let [a, b] = ["a", "b"].map(|key| map.insert(7, key.into(), 0));
        map.insert(8, "c".into(), 0);
        assert_eq!([map.find(7, "a"), map.find(7, "b"), map.find(7, "c")], [Some(a), Some(b), None]);
        assert!(map.remove(a).is_some() && map.remove(a).is_none() && map.get(a).is_none());
        assert_ne!(map.insert(7, "a".into(), 0), a, "a number is not used again");
    }
}
