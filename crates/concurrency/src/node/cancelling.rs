//! The cancellation of a node: a state with a reason, and those who wait for it.

use std::{
    sync::Arc,
    task::{Context, Waker},
};

use super::{ASKED, CANCELLED, DEPTH_MAX, Node, register};
use crate::{
    primitive::{Ordering, lock},
    reason::Reason,
};

impl Node {
    /// Cancels the node unless it is cancelled already; the first reason wins.
    pub(crate) fn cancel(&self, reason: Reason) -> bool {
        let wakers = {
            let mut cold = lock(&self.cold);
            if cold.reason.is_some() {
                return false;
            }
            cold.reason = Some(reason);
            // Release, after the reason: who sees the bit finds the reason under the lock.
            self.word.fetch_or(CANCELLED, Ordering::Release);
            cold.cancelling.take_all()
        };
        wakers.into_iter().for_each(Waker::wake);
        true
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.word.load(Ordering::Acquire) & CANCELLED != 0
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        if self.is_cancelled() { lock(&self.cold).reason.clone() } else { None }
    }

    /// Registers for the cancellation of this very node. `true`: it is cancelled, and nothing was registered.
    pub(crate) fn register_cancelling(&self, waker: &Waker, key: &mut Option<u32>) -> bool {
        // Relaxed: a hint that is read after a signal, long after.
        self.word.fetch_or(ASKED, Ordering::Relaxed);
        let old = {
            let mut cold = lock(&self.cold);
            if cold.reason.is_some() {
                return true;
            }
            register(&mut cold.cancelling, waker, key)
        };
        drop(old);
        false
    }

    /// The owner's own interest in the cancellation of its node; does not count as having asked.
    pub(crate) fn poll_own_cancellation(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> bool {
        let old = {
            let mut cold = lock(&self.cold);
            if cold.reason.is_some() {
                return true;
            }
            register(&mut cold.cancelling, cx.waker(), key)
        };
        drop(old);
        false
    }

    pub(crate) fn forget_cancelling(&self, key: u32) {
        let waker = {
            let mut cold = lock(&self.cold);
            // After the cancellation the keys have no meaning any more; nothing is registered then.
            if cold.reason.is_some() { None } else { cold.cancelling.remove(key) }
        };
        drop(waker);
    }

    pub(crate) fn note_asked(&self) {
        if self.word.load(Ordering::Relaxed) & ASKED == 0 {
            self.word.fetch_or(ASKED, Ordering::Relaxed);
        }
    }

    pub(crate) fn was_asked(&self) -> bool {
        self.word.load(Ordering::Relaxed) & ASKED != 0
    }

    pub(crate) fn set_ending(&self, ending: Option<Reason>) {
        lock(&self.cold).ending = ending;
    }

    /// Why a future is being dropped below this node: what ends here, or what was cancelled at or above it.
    pub(crate) fn reason_for_drop(self: &Arc<Self>) -> Reason {
        for node in cancelling(self.clone()) {
            let ending = lock(&node.cold).ending.clone();
            if let Some(reason) = ending.or_else(|| node.reason()) {
                return reason;
            }
        }
        Reason::OwnerDropped
    }
}

/// The nodes whose cancellation concerns `node`: those above it, up to the first that is masked.
pub(crate) fn cancelling(node: Arc<Node>) -> impl Iterator<Item = Arc<Node>> {
    std::iter::successors(Some(node), |node| if node.masked { None } else { node.parent() }).take(DEPTH_MAX)
}
