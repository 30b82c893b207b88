//! Who holds a mutex that was asked to check this.

use std::{
    panic::Location,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::task;

/// Who holds a checked [`Mutex`](crate::Mutex); in [`MutexStatistics`](crate::MutexStatistics).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Holder {
    /// The task that took the lock; `None` outside of tasks, as in the future of a `block_on`.
    pub task: Option<task::Id>,
    /// Where in the source it was taken.
    pub location: &'static Location<'static>,
}

/// The holder's note beside the lock. Switched off, it costs one test of a flag.
#[derive(Debug)]
pub(super) struct HolderNote {
    on: bool,
    holder: Mutex<Option<Holder>>,
}

impl HolderNote {
    pub(super) const fn new() -> Self {
        Self { on: false, holder: Mutex::new(None) }
    }

    pub(super) const fn switch_on(&mut self) {
        self.on = true;
    }

    #[inline]
    pub(super) fn enter(&self, location: &'static Location<'static>) {
        if self.on {
            *self.note() = Some(Holder { task: task::try_id(), location });
        }
    }

    #[inline]
    pub(super) fn leave(&self) {
        if self.on {
            *self.note() = None;
        }
    }

    pub(super) fn get(&self) -> Option<Holder> {
        *self.note()
    }

    /// Called by who would have to wait now.
    pub(super) fn refuse_the_holder(&self) {
        if !self.on {
            return;
        }
        let Some(holder) = self.get() else {
            return;
        };
        if let Some(task) = holder.task.filter(|task| task::try_id() == Some(*task)) {
            panic!(
                "the task {task} waits for a mutex that it holds itself, since {}: drop that guard first",
                holder.location
            );
        }
    }

    fn note(&self) -> MutexGuard<'_, Option<Holder>> {
        // Nothing that is done under this lock can panic.
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
