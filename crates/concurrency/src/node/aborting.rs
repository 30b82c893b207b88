//! The handles of a node's children, by which they are aborted: all of them, or one.

use std::{mem, sync::Arc};

use tokio::task::{AbortHandle, Id};

use super::{Label, Node, SINGLED_OUT};
use crate::primitive::{Ordering, lock};

/// How many finished children may pin their memory before the list of handles is pruned for the first time.
const BEFORE_PRUNING: usize = 64;

/// The handles of the children of a node: one for every child that has not ended, and for some that have.
#[derive(Default)]
pub(super) struct Aborts {
    /// A scope with a single child, which is the most common one, is spared an allocation.
    first: Option<AbortHandle>,
    others: Vec<AbortHandle>,
    /// The children are aborted; what comes now is aborted at once.
    pub(super) aborting: bool,
}

impl Aborts {
    /// Gives back the handles of children that have ended, when there are many.
    #[inline]
    fn push(&mut self, handle: AbortHandle) -> Option<Vec<AbortHandle>> {
        if self.first.is_none() {
            self.first = Some(handle);
            return None;
        }
        let full = self.others.len() == self.others.capacity() && self.others.len() >= BEFORE_PRUNING;
        let finished = full.then(|| self.prune());
        self.others.push(handle);
        finished
    }

    /// A handle pins the memory of its task; a group that runs for days must not collect them.
    #[cold]
    fn prune(&mut self) -> Vec<AbortHandle> {
        let mut finished = Vec::with_capacity(self.others.len());
        finished.extend(self.first.take_if(|handle| handle.is_finished()));
        let mut index = 0;
        while let Some(handle) = self.others.get(index) {
            if handle.is_finished() {
                finished.push(self.others.swap_remove(index));
            } else {
                index += 1;
            }
        }
        // Room for as many again, so that pruning costs each child the same, however many are alive.
        self.others.reserve(self.others.len().max(BEFORE_PRUNING));
        finished
    }

    /// From here on every child is aborted (invariant 9): gives those that are there.
    pub(super) fn begin(&mut self) -> impl Iterator<Item = AbortHandle> + use<> {
        self.aborting = true;
        self.take()
    }

    pub(super) fn take(&mut self) -> impl Iterator<Item = AbortHandle> + use<> {
        self.first.take().into_iter().chain(mem::take(&mut self.others))
    }
}

impl Node {
    /// Takes the handle of a child that was counted and spawned; aborts it if the others were aborted meanwhile.
    pub(crate) fn keep_for_abort(&self, handle: AbortHandle) {
        let mut cold = lock(&self.cold);
        if cold.aborts.aborting {
            drop(cold);
            return handle.abort();
        }
        let finished = cold.aborts.push(handle);
        drop(cold);
        drop(finished); // May free tasks: not under the lock (invariant 7).
    }

    /// Aborts every child, and those whose handles are still to come (invariant 9).
    pub(crate) fn abort_all(&self) {
        let handles = lock(&self.cold).aborts.begin();
        // Dropped one by one: the memory of a task is at hand when it has just been aborted.
        handles.for_each(|handle| handle.abort());
    }

    pub(crate) fn is_aborting(&self) -> bool {
        lock(&self.cold).aborts.aborting
    }

    /// What the task `id` leaves behind when it is dropped goes to a place of its own, which is returned, so that it can be waited for.
    pub(crate) fn cancel_task(self: &Arc<Self>, id: Id) -> Arc<Node> {
        let place = Node::new(Label::Kind("a cancelled task"), Some(self.clone()));
        lock(&self.cold).rare().cancelled_tasks.push((id, place.clone()));
        // Relaxed: the abort that follows publishes it to the thread that drops the task.
        self.word.fetch_or(SINGLED_OUT, Ordering::Relaxed);
        place
    }

    /// The place of the task that is being dropped, if it was cancelled alone.
    pub(crate) fn place_of_cancelled_task(&self) -> Option<Arc<Node>> {
        if self.word.load(Ordering::Relaxed) & SINGLED_OUT == 0 {
            return None;
        }
        let id = tokio::task::try_id()?;
        let mut cold = lock(&self.cold);
        let tasks = &mut cold.rare().cancelled_tasks;
        let index = tasks.iter().position(|(task, _)| *task == id)?;
        Some(tasks.swap_remove(index).1)
    }

    /// The task has ended, and needs no place any more.
    pub(crate) fn forget_cancelled_task(&self, id: Id) {
        lock(&self.cold).rare().cancelled_tasks.retain(|(task, _)| *task != id);
    }
}
