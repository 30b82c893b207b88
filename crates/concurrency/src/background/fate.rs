//! How tasks end while a shutdown looks on.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    groups::name_cleanups,
    shared::{Names, Shared},
};
use crate::{child::End, node::Node};

/// How a task came to its end, and by whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// By itself, be it with a failure.
    Itself,
    /// It had lost its slot.
    Evicted,
    /// Through its handle.
    Cancelled,
    /// By a shutdown, whoever called that, or by the end of its runtime.
    Aborted,
}

impl Fate {
    pub(super) fn new(how: End, evicted: bool, aborted: bool) -> Self {
        match how {
            _ if evicted => Fate::Evicted,
            End::Cancelled => Fate::Cancelled,
            End::Dropped => Fate::Aborted,
            // Its end and the abort have crossed: it was not there in time.
            End::Value | End::Failed if aborted => Fate::Aborted,
            End::Value | End::Failed => Fate::Itself,
        }
    }
}

/// The fates of tasks by their keys. Kept only while a shutdown looks on: a long-lived manager collects nothing.
#[derive(Default)]
pub(super) struct Fates {
    watchers: usize,
    known: BTreeMap<u64, Fate>,
}

impl Fates {
    pub(super) fn watch(&mut self) {
        self.watchers += 1;
    }

    pub(super) fn unwatch(&mut self) {
        self.watchers -= 1;
        if self.watchers == 0 {
            self.known.clear();
        }
    }

    pub(super) fn note(&mut self, key: u64, fate: Fate) {
        if self.watchers > 0 {
            self.known.insert(key, fate);
        }
    }

    pub(super) fn of(&self, key: u64) -> Option<Fate> {
        self.known.get(&key).copied()
    }
}

/// A shutdown that looks on.
pub(super) struct Watching<'a> {
    pub(super) shared: &'a Shared,
    /// What ran when it began.
    before: Names,
    groups: Vec<Arc<Node>>,
}

impl<'a> Watching<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        let (before, groups) = shared.watch_fates();
        Watching { shared, before, groups }
    }

    /// What is left of the tasks that are gone, by name.
    pub(super) fn cleanups_left(&self) -> Vec<String> {
        let mut left = self.shared.node.hand_offs_left();
        name_cleanups(&mut left, &self.groups);
        left
    }

    /// The names of those that have ended meanwhile, each with its fate, and of those that are still there.
    pub(super) fn outcome(&self) -> (Vec<(String, Fate)>, Names) {
        let (fates, left) = self.shared.fates(&self.before);
        (fates.into_iter().map(|(key, fate)| (self.before[&key].to_string(), fate)).collect(), left)
    }
}

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.shared.unwatch_fates();
    }
}
