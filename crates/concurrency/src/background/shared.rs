//! The list of background tasks, shared with the tasks themselves.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::AbortHandle;

use crate::{
    node::{Label, Node},
    spawner::Refusal,
};

pub(super) struct Shared {
    pub(super) node: Arc<Node>,
    bound: usize,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    next: u64,
    live: BTreeMap<u64, Entry>,
    phase: Phase,
    finished: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Open,
    /// Takes no more tasks.
    Closed,
    /// Aborts every task, also one that was being spawned when the others were aborted.
    Aborting,
}

struct Entry {
    name: Arc<str>,
    /// `None` between the entry and the spawn.
    abort: Option<AbortHandle>,
}

/// Names of tasks by their keys: names need not be unique.
pub(super) type Names = BTreeMap<u64, Arc<str>>;

impl Shared {
    pub(super) fn new(parent: Arc<Node>, bound: Option<NonZeroUsize>, shielded: bool) -> Arc<Self> {
        let label = Label::Kind("background tasks");
        let node = if shielded { Node::masked(label, parent) } else { Node::new(label, Some(parent)) };
        Arc::new(Shared { node, bound: bound.map_or(usize::MAX, NonZeroUsize::get), tasks: Mutex::default() })
    }

    /// Counts a task and puts it on the list.
    pub(super) fn enter(&self, name: &Arc<str>) -> Result<u64, Refusal> {
        self.tasks(|tasks| {
            // Under the lock, so that a shutdown either finds the task or refuses it.
            if tasks.phase != Phase::Open {
                return Err(Refusal::Closed);
            }
            if tasks.live.len() >= self.bound {
                return Err(Refusal::Full);
            }
            if !self.node.add_child() {
                return Err(Refusal::Closed);
            }
            let key = tasks.next;
            tasks.next += 1;
            tasks.live.insert(key, Entry { name: name.clone(), abort: None });
            Ok(key)
        })
    }

    /// Takes the handle of a task that was entered.
    pub(super) fn spawned(&self, key: u64, abort: AbortHandle) {
        let too_late = self.tasks(|tasks| {
            if let Some(entry) = tasks.live.get_mut(&key) {
                entry.abort = Some(abort.clone());
            }
            tasks.phase == Phase::Aborting
        });
        if too_late {
            abort.abort();
        }
    }

    pub(super) fn forget(&self, key: u64, finished: bool) {
        let entry = self.tasks(|tasks| {
            tasks.finished += u64::from(finished);
            tasks.live.remove(&key)
        });
        drop(entry); // May free the task: not under the lock.
    }

    pub(super) fn close(&self) {
        self.tasks(|tasks| tasks.phase = tasks.phase.max(Phase::Closed));
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tasks(|tasks| tasks.phase != Phase::Open)
    }

    /// Aborts what runs, and says what that was.
    pub(super) fn abort_all(&self) -> Names {
        let (names, handles) = self.tasks(|tasks| {
            tasks.phase = Phase::Aborting;
            let handles: Vec<_> = tasks.live.values().filter_map(|entry| entry.abort.clone()).collect();
            (tasks.names(), handles)
        });
        handles.iter().for_each(AbortHandle::abort);
        names
    }

    pub(super) fn names(&self) -> Names {
        self.tasks(|tasks| tasks.names())
    }

    pub(super) fn finished(&self) -> u64 {
        self.tasks(|tasks| tasks.finished)
    }

    pub(super) fn len(&self) -> usize {
        self.tasks(|tasks| tasks.live.len())
    }

    fn tasks<T>(&self, act: impl FnOnce(&mut Tasks) -> T) -> T {
        act(&mut self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tasks {
    fn names(&self) -> Names {
        self.live.iter().map(|(key, entry)| (*key, entry.name.clone())).collect()
    }
}
