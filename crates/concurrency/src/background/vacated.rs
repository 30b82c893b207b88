//! Waiting until a task that lost its slot is gone.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::task::AbortHandle;

use crate::{
    inspect::{self, On},
    node::Node,
    reason::Reason,
};

/// A task that has lost its slot, and does not know it yet.
pub(super) struct Evicted {
    pub(super) own: Arc<Node>,
    /// `None`: it is being spawned, and whoever does that aborts it.
    pub(super) abort: Option<AbortHandle>,
}

impl Evicted {
    pub(super) fn cancel(self, why: &'static str) -> Vacated {
        self.own.cancel(Reason::Explicit(why.into()));
        if let Some(abort) = self.abort {
            abort.abort();
        }
        Vacated { node: Some(self.own), key: None }
    }
}

/// Future of [`TaskSlot::replace`](crate::TaskSlot::replace) and [`TaskSlot::cancel`](crate::TaskSlot::cancel): ready when the task that was in the
/// slot, and all that it leaves behind, is gone. `false`: there was none.
///
/// # Cancel safety
///
/// The task is cancelled by the call, not by this future: dropping it gives up the wait only, and a shutdown still waits.
#[must_use = "the old task is told, but not waited for, unless this is awaited; use `drop` if that is meant"]
pub struct Vacated {
    /// That of the old task.
    node: Option<Arc<Node>>,
    key: Option<u32>,
}

impl Vacated {
    pub(super) fn nobody() -> Self {
        Vacated { node: None, key: None }
    }
}

impl Future for Vacated {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let Vacated { node, key } = &mut *self;
        match node {
            Some(node) => inspect::waits(|| On::settled(node)).poll(cx, |cx| node.poll_ended(cx, key)).map(|()| true),
            None => Poll::Ready(false),
        }
    }
}

impl Drop for Vacated {
    fn drop(&mut self) {
        if let (Some(node), Some(key)) = (&self.node, self.key) {
            node.forget_settling(key);
        }
    }
}

impl fmt::Debug for Vacated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vacated").field("was_running", &self.node.is_some()).finish_non_exhaustive()
    }
}
