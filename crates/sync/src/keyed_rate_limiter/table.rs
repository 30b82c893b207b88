//! Which keys are remembered, and which of them may be forgotten.
//!
//! # Invariants
//!
//! 1. A key may be forgotten when its line is as good as a new one: no future is in it, and its [`idle_at`](Line::idle_at) is not in the future. Nobody can tell
//!    whether it was.
//! 2. An [`Index`] is valid while its key is remembered. Whoever keeps one across a lock has a future in that line.
//! 3. Before `sweep_at` no key may be forgotten, of those that a sweep has left and those that came since: so there is at most one sweep of the whole table between
//!    two such times. It is lowered whenever a line is left by its last future, comes in, changes its rate, or has its pause ended.
//! 4. The code of the keys that runs in here only compares, before anything is changed. Should it panic, the table is whole. Keys are handed out to be dropped
//!    outside the lock.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    num::NonZeroUsize,
};

use crate::rate_limiter::{grid::Nanos, line::Line};

#[derive(Debug)]
pub(super) struct Table<K> {
    keys_max: NonZeroUsize,
    entries: Vec<Option<Entry<K>>>,
    free: Vec<Index>,
    /// The first of the entries with this hash; the others are chained, should there ever be two.
    by_hash: HashMap<u64, Index, BuildHasherDefault<Hashed>>,
    /// The next entry to look at when a key comes.
    hand: usize,
    sweep_at: Nanos,
    /// When a key may be forgotten as far as is known, those with waiters included.
    hint: Nanos,
    evicted: u64,
}

/// Names one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Index(u32);

impl Index {
    pub(super) const NONE: Self = Self(u32::MAX);
}

#[derive(Debug)]
struct Entry<K> {
    key: K,
    hash: u64,
    next: Index,
    line: Line,
}

impl<K> Table<K> {
    pub(super) fn new(keys_max: NonZeroUsize) -> Self {
        Self {
            keys_max,
            entries: Vec::new(),
            free: Vec::new(),
            by_hash: HashMap::default(),
            hand: 0,
            sweep_at: 0,
            hint: Nanos::MAX,
            evicted: 0,
        }
    }

    pub(super) fn keys_max(&self) -> NonZeroUsize {
        self.keys_max
    }

    pub(super) fn keys(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Option<Index>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut index = *self.by_hash.get(&hash)?;
        while index != Index::NONE {
            let entry = self.entry(index);
            if entry.key.borrow() == key {
                return Some(index);
            }
            index = entry.next;
        }
        None
    }

    pub(super) fn line(&mut self, index: Index) -> &mut Line {
        let entry = self.entries[index.0 as usize].as_mut();
        &mut entry.expect("a future in the line keeps its key remembered").line
    }

    pub(super) fn lines(&mut self) -> impl Iterator<Item = &mut Line> {
        self.entries.iter_mut().flatten().map(|entry| &mut entry.line)
    }

    /// Takes a key in that is not there, after [`make_room`](Table::make_room).
    pub(super) fn insert(&mut self, hash: u64, key: K, line: Line) -> Index {
        if !line.is_in_use() {
            self.may_be_idle_at(line.idle_at());
        }
        let index = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            u32::try_from(self.entries.len() - 1).map_or(Index::NONE, Index)
        });
        assert!(index != Index::NONE, "four billion keys do not fit in memory");
        let next = self.by_hash.insert(hash, index).unwrap_or(Index::NONE);
        self.entries[index.0 as usize] = Some(Entry { key, hash, next, line });
        index
    }

    /// A line may be as good as new from then on (invariant 3).
    pub(super) fn may_be_idle_at(&mut self, time: Nanos) {
        self.sweep_at = self.sweep_at.min(time);
        self.hint = self.hint.min(time);
    }

    /// Sees to it that there is a place for one more key, or tells when there may be.
    pub(super) fn make_room(&mut self, now: Nanos, forgotten: &mut Vec<K>) -> Result<(), Nanos> {
        /// More than one, so that the table shrinks while keys come.
        const EXAMINED: usize = 2;
        for _ in 0..EXAMINED.min(self.entries.len()) {
            self.hand = (self.hand + 1) % self.entries.len();
            forgotten.extend(self.forget_if_idle(self.hand, now));
        }
        if self.keys() >= self.keys_max.get() && now >= self.sweep_at {
            self.sweep(now, forgotten);
        }
        if self.keys() < self.keys_max.get() { Ok(()) } else { Err(self.hint) }
    }

    fn sweep(&mut self, now: Nanos, forgotten: &mut Vec<K>) {
        (self.sweep_at, self.hint) = (Nanos::MAX, Nanos::MAX);
        for index in 0..self.entries.len() {
            forgotten.extend(self.forget_if_idle(index, now));
            if let Some(Entry { line, .. }) = &self.entries[index] {
                let idle_at = line.idle_at();
                self.hint = self.hint.min(idle_at);
                if !line.is_in_use() {
                    self.sweep_at = self.sweep_at.min(idle_at);
                }
            }
        }
    }

    fn forget_if_idle(&mut self, index: usize, now: Nanos) -> Option<K> {
        let entry = self.entries[index].take_if(|entry| !entry.line.is_in_use() && entry.line.idle_at() <= now)?;
        let index = Index(u32::try_from(index).expect("entries are counted in 32 bits"));
        self.unchain(entry.hash, index, entry.next);
        self.free.push(index);
        self.evicted += 1;
        Some(entry.key)
    }

    /// Takes an entry that is gone out of the chain of its hash.
    fn unchain(&mut self, hash: u64, gone: Index, next: Index) {
        let first = self.by_hash[&hash];
        if first != gone {
            let mut before = first;
            while self.entry(before).next != gone {
                before = self.entry(before).next;
            }
            let before = self.entries[before.0 as usize].as_mut();
            before.expect("chains hold remembered keys").next = next;
        } else if next == Index::NONE {
            self.by_hash.remove(&hash);
        } else {
            self.by_hash.insert(hash, next);
        }
    }

    fn entry(&self, index: Index) -> &Entry<K> {
        self.entries[index.0 as usize].as_ref().expect("chains hold remembered keys")
    }
}

/// The hash of a key is one already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only hashes are hashed");
    }
}

#[cfg(test)]
mod tests;
