//! The registry: what is alive and was made while inspection was on, in shards, so that nobody waits for a snapshot.
//!
//! # Invariants
//!
//! 1. **It owns nothing of the user's.** Tasks and waits are plain data; nodes are weak references.
//! 2. **Nothing runs under a lock.** A shard is copied under its lock; records are read, upgraded and dropped outside.
//! 3. **Records leave by themselves**, in the drop of what they describe. A snapshot may hold one for longer.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    node::NodeRecord,
    resource::HoldRecord,
    task::TaskRecord,
    wait::{Key, WaitRecord},
};

pub(super) static NODES: Shards<u64, Arc<NodeRecord>> = Shards::new();
pub(super) static TASKS: Shards<u64, Arc<TaskRecord>> = Shards::new();
pub(super) static WAITS: Shards<Key, Weak<WaitRecord>> = Shards::new();
pub(super) static HOLDS: Shards<u64, Arc<HoldRecord>> = Shards::new();

/// A number that no node, task or resource of this process has had. Never zero.
pub(super) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: numbers differ, and that is all.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

const SHARDS: usize = 64;

type Hasher = BuildHasherDefault<DefaultHasher>;

/// A map in pieces, each under a lock of its own.
pub(super) struct Shards<K, V>([Mutex<HashMap<K, V, Hasher>>; SHARDS]);

impl<K, V> Shards<K, V> {
    const fn new() -> Self {
        Shards([const { Mutex::new(HashMap::with_hasher(Hasher::new())) }; SHARDS])
    }
}

impl<K: Copy + Eq + Hash, V: Clone> Shards<K, V> {
    pub(super) fn insert(&self, key: K, value: V) {
        let old = self.shard(&key, |shard| shard.insert(key, value));
        drop(old);
    }

    pub(super) fn get(&self, key: &K) -> Option<V> {
        self.shard(key, |shard| shard.get(key).cloned())
    }

    pub(super) fn remove(&self, key: &K) {
        self.remove_if(key, |_| true);
    }

    pub(super) fn remove_if(&self, key: &K, condition: impl FnOnce(&V) -> bool) {
        let removed =
            self.shard(key, |shard| if shard.get(key).is_some_and(condition) { shard.remove(key) } else { None });
        drop(removed);
    }

    /// What is there, shard by shard: what comes or goes meanwhile may or may not be among it.
    pub(super) fn copy(&self) -> Vec<V> {
        let mut all = Vec::new();
        for shard in &self.0 {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.values().cloned());
        }
        all
    }

    fn shard<T>(&self, key: &K, act: impl FnOnce(&mut HashMap<K, V, Hasher>) -> T) -> T {
        let hash = Hasher::new().hash_one(key);
        // The top bits: the map itself uses the others.
        let index = (hash >> 58) as usize % SHARDS;
        act(&mut self.0[index].lock().unwrap_or_else(PoisonError::into_inner))
    }
}
