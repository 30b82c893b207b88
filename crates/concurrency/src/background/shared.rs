//! The list of background tasks, shared with the tasks themselves.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use tokio::task::AbortHandle;

use super::{
    fate::{Fate, Fates},
    join::TaskFailed,
    vacated::Evicted,
};
use crate::{
    child::End,
    node::{Label, Node},
    slots::Slots,
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
    /// Who has a slot. An entry stands here from its start until it ends or is evicted, so that neither touches a newer one.
    slots: BTreeMap<Arc<str>, u64>,
    /// How many of the live ones were evicted from their slots. They do not count for the bound.
    evicted_live: usize,
    phase: Phase,
    finished: u64,
    evicted: u64,
    fates: Fates,
    /// The first failure that no `join` was told of: one, however many there are.
    failed: Option<TaskFailed>,
    /// Those of the periodic tasks that run.
    groups: Slots<Arc<Node>>,
    /// Woken when the phase changes, and when a failure is put down.
    watchers: Slots<Waker>,
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
    /// The node of a task in a slot.
    own: Option<Arc<Node>>,
    evicted: bool,
    /// It was still there when a grace was over.
    aborted: bool,
}

/// A task's wish for the slot of its name.
pub(super) struct Claim {
    /// What the task will run below.
    pub(super) own: Arc<Node>,
    /// Takes it from one that is running.
    pub(super) replaces: bool,
}

/// Names of tasks by their keys: names need not be unique.
pub(super) type Names = BTreeMap<u64, Arc<str>>;

impl Shared {
    pub(super) fn new(parent: Arc<Node>, bound: Option<NonZeroUsize>, shielded: bool) -> Arc<Self> {
        let label = Label::Kind("background tasks");
        let node = if shielded { Node::masked(label, parent) } else { Node::new(label, Some(parent)) };
        Arc::new(Shared { node, bound: bound.map_or(usize::MAX, NonZeroUsize::get), tasks: Mutex::default() })
    }

    /// Counts a task and puts it on the list, and into its slot. Whoever had the slot is to be evicted.
    pub(super) fn enter(&self, name: &Arc<str>, claim: Option<&Claim>) -> Result<(u64, Option<Evicted>), Refusal> {
        self.tasks(|tasks| {
            // Under the lock, so that a shutdown either finds the task or refuses it.
            if tasks.phase != Phase::Open {
                return Err(Refusal::Closed);
            }
            let holds = claim.is_some() && tasks.slots.contains_key(name);
            if holds && claim.is_some_and(|claim| !claim.replaces) {
                return Err(Refusal::Occupied);
            }
            // A replaced task leaves its place to the new one.
            if tasks.counting() - usize::from(holds) >= self.bound {
                return Err(Refusal::Full);
            }
            if !self.node.add_child() {
                return Err(Refusal::Closed);
            }
            let old = claim.and_then(|_| tasks.evict(name));
            let key = tasks.next;
            tasks.next += 1;
            if claim.is_some() {
                tasks.slots.insert(name.clone(), key);
            }
            let own = claim.map(|claim| claim.own.clone());
            tasks.live.insert(key, Entry { name: name.clone(), abort: None, own, evicted: false, aborted: false });
            Ok((key, old))
        })
    }

    /// Takes the handle of a task that was entered.
    pub(super) fn spawned(&self, key: u64, abort: AbortHandle) {
        let too_late = self.tasks(|tasks| {
            let mut evicted = false;
            if let Some(entry) = tasks.live.get_mut(&key) {
                entry.abort = Some(abort.clone());
                evicted = entry.evicted;
            }
            evicted || tasks.phase == Phase::Aborting
        });
        if too_late {
            abort.abort();
        }
    }

    /// Takes the slot from whoever has it.
    pub(super) fn evict(&self, name: &str) -> Option<Evicted> {
        self.tasks(|tasks| tasks.evict(name))
    }

    pub(super) fn has_slot(&self, name: &str) -> bool {
        self.tasks(|tasks| tasks.slots.contains_key(name))
    }

    /// A task is gone. `true`: it had been evicted from its slot.
    pub(super) fn forget(&self, key: u64, how: End) -> bool {
        let entry = self.tasks(|tasks| {
            let entry = tasks.live.remove(&key)?;
            let fate = Fate::new(how, entry.evicted, entry.aborted);
            tasks.fates.note(key, fate);
            if entry.evicted {
                tasks.evicted_live -= 1;
                tasks.evicted += 1;
            } else {
                tasks.finished += u64::from(fate == Fate::Itself);
                if entry.own.is_some() {
                    tasks.slots.remove(&entry.name);
                }
            }
            Some(entry)
        });
        entry.is_some_and(|entry| entry.evicted) // Its drop may free the task: not under the lock.
    }

    pub(super) fn close(&self) {
        self.wake(|tasks| tasks.phase = tasks.phase.max(Phase::Closed));
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tasks(|tasks| tasks.phase != Phase::Open)
    }

    /// Aborts what runs.
    pub(super) fn abort_all(&self) {
        let handles = self.wake(|tasks| {
            tasks.phase = Phase::Aborting;
            tasks.live.values_mut().for_each(|entry| entry.aborted = true);
            tasks.live.values().filter_map(|entry| entry.abort.clone()).collect::<Vec<_>>()
        });
        handles.iter().for_each(AbortHandle::abort);
    }

    /// From now on the fates of tasks are known, until [`Shared::unwatch_fates`]. Gives what runs, without those that have lost their slot, and the
    /// groups of periodic tasks.
    pub(super) fn watch_fates(&self) -> (Names, Vec<Arc<Node>>) {
        self.tasks(|tasks| {
            tasks.fates.watch();
            (tasks.names(false), tasks.groups.iter().cloned().collect())
        })
    }

    pub(super) fn know_group(&self, group: Arc<Node>) -> u32 {
        self.tasks(|tasks| tasks.groups.insert(group))
    }

    pub(super) fn forget_group(&self, key: u32) {
        let group = self.tasks(|tasks| tasks.groups.remove(key));
        drop(group); // Not under the lock: it may be the last of a chain.
    }

    pub(super) fn unwatch_fates(&self) {
        self.tasks(|tasks| tasks.fates.unwatch());
    }

    /// The fates of those that have ended, and what still runs, those included that have lost their slot.
    pub(super) fn fates(&self, of: &Names) -> (Vec<(u64, Fate)>, Names) {
        self.tasks(|tasks| {
            let known = of.keys().filter_map(|key| Some((*key, tasks.fates.of(*key)?)));
            (known.collect(), tasks.names(true))
        })
    }

    pub(super) fn finished(&self) -> u64 {
        self.tasks(|tasks| tasks.finished)
    }

    pub(super) fn evicted(&self) -> u64 {
        self.tasks(|tasks| tasks.evicted)
    }

    pub(super) fn len(&self) -> usize {
        self.tasks(|tasks| tasks.counting())
    }

    /// Whether a failure would be kept for a `join`.
    pub(super) fn wants_failure(&self) -> bool {
        self.tasks(|tasks| tasks.failed.is_none())
    }

    pub(super) fn keep_failure(&self, failed: TaskFailed) {
        self.wake(|tasks| {
            tasks.failed.get_or_insert(failed);
        });
    }

    /// Ready with a failure that no other `join` was told of.
    pub(super) fn poll_failure(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> Poll<TaskFailed> {
        self.poll(cx, key, |tasks| tasks.failed.take())
    }

    /// Ready when no more tasks are taken.
    pub(super) fn poll_closed(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> Poll<()> {
        self.poll(cx, key, |tasks| (tasks.phase != Phase::Open).then_some(()))
    }

    fn poll<T>(
        &self,
        cx: &mut Context<'_>,
        key: &mut Option<u32>,
        ready: impl FnOnce(&mut Tasks) -> Option<T>,
    ) -> Poll<T> {
        let waker = cx.waker().clone(); // A waker is the user's: not dropped under the lock.
        let (polled, _old) = self.tasks(|tasks| match ready(tasks) {
            Some(value) => (Poll::Ready(value), Some(waker)),
            None => (Poll::Pending, tasks.watch(waker, key)),
        });
        polled
    }

    /// Gives a place among the watchers back.
    pub(super) fn forget_watcher(&self, key: u32) {
        let waker = self.tasks(|tasks| tasks.watchers.remove(key));
        drop(waker);
    }

    /// Changes what watchers look at.
    fn wake<T>(&self, act: impl FnOnce(&mut Tasks) -> T) -> T {
        let (result, wakers) = self.tasks(|tasks| {
            let result = act(tasks);
            (result, tasks.watchers.iter().cloned().collect::<Vec<_>>())
        });
        wakers.into_iter().for_each(Waker::wake);
        result
    }

    fn tasks<T>(&self, act: impl FnOnce(&mut Tasks) -> T) -> T {
        act(&mut self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tasks {
    fn names(&self, evicted_too: bool) -> Names {
        let named = self.live.iter().filter(|(_, entry)| evicted_too || !entry.evicted);
        named.map(|(key, entry)| (*key, entry.name.clone())).collect()
    }

    /// How many tasks run, without those that have lost their slot.
    fn counting(&self) -> usize {
        self.live.len() - self.evicted_live
    }

    fn evict(&mut self, name: &str) -> Option<Evicted> {
        let entry = self.live.get_mut(&self.slots.remove(name)?)?;
        entry.evicted = true;
        self.evicted_live += 1;
        Some(Evicted { own: entry.own.clone()?, abort: entry.abort.clone() })
    }

    /// Puts a waker among the watchers; gives back the one that it replaces.
    fn watch(&mut self, waker: Waker, key: &mut Option<u32>) -> Option<Waker> {
        if let Some(place) = key.and_then(|key| self.watchers.get_mut(key)) {
            return Some(std::mem::replace(place, waker));
        }
        *key = Some(self.watchers.insert(waker));
        None
    }
}
