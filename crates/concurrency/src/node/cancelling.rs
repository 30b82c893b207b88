//! The cancellation of a node: a state with a reason, and those who wait for it.

use std::{sync::Arc, task::Waker};

use super::{ASKED, CANCELLED, DEPTH_MAX, Node, waiting::register};
use crate::{
    current,
    primitive::{Ordering, lock},
    reason::Reason,
};

impl Node {
    /// Cancels the node unless it is cancelled already; the first reason wins. Without a grace the children are aborted at once.
    pub(crate) fn cancel(&self, reason: Reason) -> bool {
        let (wakers, handles) = {
            let mut cold = lock(&self.cold);
            if cold.reason().is_some() {
                return false;
            }
            let rare = cold.rare();
            rare.reason = Some(reason.clone());
            let mut wakers = rare.cancelling.take_all();
            #[cfg(feature = "tokio-util")]
            let token = rare.token.take();
            wakers.extend(cold.owner.clone());
            // Without a grace aborting begins in the same step: nobody, the owner least of all, sees one without the other.
            let handles = self.grace.is_zero().then(|| cold.aborts.begin());
            // Release, after the reason: who sees the bit finds the reason under the lock.
            self.word.fetch_or(CANCELLED, Ordering::Release);
            drop(cold);
            #[cfg(feature = "tokio-util")]
            token.iter().for_each(tokio_util::sync::CancellationToken::cancel);
            (wakers, handles)
        };
        crate::trace::cancelled(self, &reason);
        handles.into_iter().flatten().for_each(|handle| handle.abort());
        wakers.into_iter().for_each(Waker::wake);
        true
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.word.load(Ordering::Acquire) & CANCELLED != 0
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        if self.is_cancelled() { lock(&self.cold).reason().cloned() } else { None }
    }

    /// Registers for the cancellation of this very node. `true`: it is cancelled, and nothing was registered.
    pub(crate) fn register_cancelling(&self, waker: &Waker, key: &mut Option<u32>) -> bool {
        self.note_asked();
        let old = {
            let mut cold = lock(&self.cold);
            if cold.reason().is_some() {
                return true;
            }
            register(&mut cold.rare().cancelling, waker, key)
        };
        drop(old);
        false
    }

    pub(crate) fn forget_cancelling(&self, key: u32) {
        let waker = {
            let mut cold = lock(&self.cold);
            // After the cancellation the keys have no meaning any more; nothing is registered then.
            if cold.reason().is_some() { None } else { cold.rare().cancelling.remove(key) }
        };
        drop(waker);
    }

    /// Notes that code below has asked, here and for the owner of the body that runs now.
    pub(crate) fn note_asked(&self) {
        // Relaxed: a hint that is read after a signal, long after.
        if self.word.load(Ordering::Relaxed) & ASKED == 0 {
            self.word.fetch_or(ASKED, Ordering::Relaxed);
        }
        current::note_asked();
    }

    pub(crate) fn was_asked(&self) -> bool {
        self.word.load(Ordering::Relaxed) & ASKED != 0
    }

    pub(crate) fn set_ending(&self, ending: Option<Reason>) {
        lock(&self.cold).rare().ending = ending;
    }

    /// Why a future is being dropped below this node: what ends here, or what was cancelled at or above it.
    pub(crate) fn reason_for_drop(self: &Arc<Self>) -> Reason {
        for node in cancelling(self.clone()) {
            let reason =
                lock(&node.cold).rare.as_ref().and_then(|rare| rare.ending.clone().or_else(|| rare.reason.clone()));
            if let Some(reason) = reason {
                return reason;
            }
        }
        Reason::OwnerDropped
    }

    /// A token that is cancelled with this node, or with one above that concerns it.
    #[cfg(feature = "tokio-util")]
    pub(crate) fn token(self: &Arc<Self>) -> tokio_util::sync::CancellationToken {
        use tokio_util::sync::CancellationToken;

        // From the top, so that every token is made below that of its parent; a loop, because chains may be long.
        let mut nodes: Vec<_> = cancelling(self.clone()).collect();
        let mut token = CancellationToken::new();
        while let Some(node) = nodes.pop() {
            let mut cold = lock(&node.cold);
            let cancelled = cold.reason().is_some();
            let rare = cold.rare();
            let below = rare.token.clone().unwrap_or_else(|| token.child_token());
            if cancelled {
                drop(cold);
                below.cancel();
            } else {
                rare.token = Some(below.clone());
            }
            token = below;
        }
        token
    }
}

/// The nodes whose cancellation concerns `node`: those above it, up to the first that is masked.
pub(crate) fn cancelling(node: Arc<Node>) -> impl Iterator<Item = Arc<Node>> {
    let above = std::iter::successors(Some(node), |node| if node.masked { None } else { node.parent() });
    // A future that outlives its timeout (`&mut future`) stands below it until it is polled elsewhere.
    above.take(DEPTH_MAX).enumerate().filter_map(|(level, node)| (level == 0 || !node.is_past()).then_some(node))
}
