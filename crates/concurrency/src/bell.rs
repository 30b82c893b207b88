//! Who wakes the task of a scope, and for what.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use futures_util::task::AtomicWaker;

/// A waker that remembers that it was called, and passes the call on to the task while that one sleeps.
///
/// A scope has two, one for the body and one for all children. With the task's waker in their place, the body would be polled whenever a
/// child was woken, and what one of them does for the other during a poll would wake a task that is being polled already.
#[derive(Debug)]
pub(crate) struct Bell {
    rung: AtomicBool,
    /// Empty while the scope is being polled.
    task: AtomicWaker,
}

impl Bell {
    /// It has rung already: everything is polled once.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Bell { rung: AtomicBool::new(true), task: AtomicWaker::new() })
    }

    pub(crate) fn ring(&self) {
        // Release: see `answer`. If it has rung before, whoever rang then wakes the task, or has.
        if !self.rung.swap(true, Ordering::Release) {
            self.task.wake();
        }
    }

    /// Whether it has rung since the last answer.
    pub(crate) fn answer(&self) -> bool {
        // Acquire: what is polled now sees what was written before the bell was rung.
        self.has_rung() && self.rung.swap(false, Ordering::Acquire)
    }

    pub(crate) fn has_rung(&self) -> bool {
        // Relaxed: `answer` acquires. After `sleep` the ring that it could miss would wake the task.
        self.rung.load(Ordering::Relaxed)
    }

    /// From here on the task is woken. To be followed by another look at whether the bell has rung.
    ///
    /// Either the one who rings finds the waker, or that look finds that it has rung: both change the state of the `AtomicWaker`, with
    /// acquire and release, so that the later one sees what the earlier one did before.
    pub(crate) fn sleep(&self, task: &Waker) {
        self.task.register(task);
    }

    /// From here on the task is not woken: it is being polled, and looks at the bell before it suspends.
    pub(crate) fn stay_awake(&self) {
        drop(self.task.take());
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
