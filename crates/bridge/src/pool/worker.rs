//! The threads of a pool, and how code knows that it runs on one.

use std::{cell::RefCell, sync::Arc};

use super::{context::CallContext, shared::Shared};

thread_local! {
    /// The call that this thread runs.
    static RUNNING: RefCell<Option<Mark>> = const { RefCell::new(None) };
}

struct Mark {
    /// The address of the pool, whose thread keeps it alive meanwhile.
    pool: *const Shared,
    context: CallContext,
}

/// The life of a thread: runs calls until the pool is closed and its queue empty.
pub(super) fn work(shared: &Arc<Shared>) {
    while let Some((job, seat)) = shared.next() {
        job.run(seat);
    }
}

/// Runs `work`, a call of `shared`, under a mark that [`context_on`] sees.
pub(super) fn marked<R>(shared: &Arc<Shared>, context: &CallContext, work: impl FnOnce(&CallContext) -> R) -> R {
    struct Unmark(Option<Mark>);
    impl Drop for Unmark {
        fn drop(&mut self) {
            RUNNING.replace(self.0.take());
        }
    }

    let mark = Mark { pool: Arc::as_ptr(shared), context: context.clone() };
    // Marks nest: a queued call may be taken over by the very thread that waits for it.
    let _unmark = Unmark(RUNNING.replace(Some(mark)));
    work(context)
}

/// The context of the call that the running code is part of, if that is a call of `shared`.
pub(super) fn context_on(shared: &Arc<Shared>) -> Option<CallContext> {
    // The thread-local is gone while a thread ends; no call runs then.
    let mine = |running: &RefCell<Option<Mark>>| {
        running
            .borrow()
            .as_ref()
            .filter(|mark| std::ptr::eq(mark.pool, Arc::as_ptr(shared)))
            .map(|mark| mark.context.clone())
    };
    RUNNING.try_with(mine).ok().flatten()
}
