//! A key with its hash, computed once, outside of the lock.

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash, Hasher, RandomState},
    sync::{Arc, LazyLock},
};

/// One for the process: it is secret, and what it hashes is compared within one map only.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// The key of an entry, its guard and its waiters.
#[derive(Debug)]
pub(super) struct HashedKey<K> {
    hash: u64,
    key: Arc<K>,
}

impl<K: Hash> HashedKey<K> {
    pub(super) fn new(key: K) -> Self {
        Self { hash: HASHER.hash_one(&key), key: Arc::new(key) }
    }
}

impl<K> HashedKey<K> {
    pub(super) fn get(&self) -> &K {
        &self.key
    }
}

/// Not derived: that would ask for `K: Clone`.
impl<K> Clone for HashedKey<K> {
    fn clone(&self) -> Self {
        Self { hash: self.hash, key: Arc::clone(&self.key) }
    }
}

/// A key that is only asked for.
pub(super) struct Borrowed<'a, K> {
    hash: u64,
    key: &'a K,
}

impl<'a, K: Hash> Borrowed<'a, K> {
    pub(super) fn new(key: &'a K) -> Self {
        Self { hash: HASHER.hash_one(key), key }
    }
}

/// What the two have in common, for the map to look up either.
pub(super) trait Hashed<K> {
    fn hashed(&self) -> (u64, &K);
}

impl<K> Hashed<K> for HashedKey<K> {
    fn hashed(&self) -> (u64, &K) {
        (self.hash, &self.key)
    }
}

impl<K> Hashed<K> for Borrowed<'_, K> {
    fn hashed(&self) -> (u64, &K) {
        (self.hash, self.key)
    }
}

impl<'a, K: 'a> Borrow<dyn Hashed<K> + 'a> for HashedKey<K> {
    fn borrow(&self) -> &(dyn Hashed<K> + 'a) {
        self
    }
}

impl<K> Hash for dyn Hashed<K> + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hashed().0);
    }
}

impl<K: Eq> PartialEq for dyn Hashed<K> + '_ {
    fn eq(&self, other: &Self) -> bool {
        let ((hash, key), (other_hash, other_key)) = (self.hashed(), other.hashed());
        // The address first: a guard gives its key back without asking the user's code.
        hash == other_hash && (std::ptr::eq(key, other_key) || key == other_key)
    }
}

impl<K: Eq> Eq for dyn Hashed<K> + '_ {}

impl<K> Hash for HashedKey<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K: Eq> PartialEq for HashedKey<K> {
    fn eq(&self, other: &Self) -> bool {
        (self as &dyn Hashed<K>).eq(other as &dyn Hashed<K>)
    }
}

impl<K: Eq> Eq for HashedKey<K> {}

/// Takes what is a good hash already.
#[derive(Default)]
pub(super) struct PassThrough(u64);

impl Hasher for PassThrough {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a hashed key writes one u64")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
