//! Waiting until a node is settled, or until nothing is handed off to it.

use std::task::{Context, Poll, Waker};

use super::{CLOSED, COUNTS, HAND_OFFS, Node, WAITED, is_settled};
use crate::{
    primitive::{Ordering, lock},
    slots::Slots,
};

impl Node {
    /// For the owner: ready once the node is closed and nothing is counted any more.
    pub(crate) fn poll_settled(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.try_close() {
            return Poll::Ready(());
        }
        self.register_owner(cx.waker());
        self.note_waited();
        // Again, now that a waker is in place: the last one may have left in between.
        if self.try_close() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// For anybody: ready while nothing is handed off to the node; does not close it. `key` is the caller's place among those who wait;
    /// it must be given back with [`Node::forget_settling`].
    pub(crate) fn poll_hand_offs_gone(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> Poll<()> {
        self.poll_until(cx, key, || self.word.load(Ordering::Acquire) & HAND_OFFS == 0)
    }

    /// For anybody: ready while nothing is handed off to the node and, if its owner has gone, none of its children is left either.
    pub(crate) fn poll_left_behind_gone(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> Poll<()> {
        self.poll_until(cx, key, || {
            let word = self.word.load(Ordering::Acquire);
            if word & CLOSED == 0 { word & HAND_OFFS == 0 } else { is_settled(word) }
        })
    }

    /// For anybody: ready while nothing at all is counted; does not close it.
    pub(crate) fn poll_idle(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> Poll<()> {
        self.poll_until(cx, key, || self.word.load(Ordering::Acquire) & COUNTS == 0)
    }

    /// For one of several owners: like [`Node::poll_settled`], with a place of the caller's own.
    pub(crate) fn poll_settled_among(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> Poll<()> {
        self.poll_until(cx, key, || self.try_close())
    }

    /// For anybody: ready once the owner, or the last of what the owner left behind, has settled the node.
    pub(crate) fn poll_ended(&self, cx: &mut Context<'_>, key: &mut Option<u32>) -> Poll<()> {
        self.poll_until(cx, key, || self.is_settled())
    }

    fn poll_until(&self, cx: &mut Context<'_>, key: &mut Option<u32>, done: impl Fn() -> bool) -> Poll<()> {
        if done() {
            return Poll::Ready(());
        }
        let old = register(&mut lock(&self.cold).rare().settling, cx.waker(), key);
        drop(old); // A waker's drop may free a task: not under the lock (invariant 7).
        self.note_waited();
        if done() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The place of the owner's waker: woken by the cancellation, by a deadline that moves and, after
    /// [`Node::poll_settled`], at zero.
    pub(crate) fn register_owner(&self, waker: &Waker) {
        let old = {
            let mut cold = lock(&self.cold);
            match &cold.owner {
                Some(present) if present.will_wake(waker) => None,
                _ => cold.owner.replace(waker.clone()),
            }
        };
        drop(old);
    }

    /// Invariant 8. Where the bit is set already the lock decides: whoever reads the wakers at zero does so before the registration,
    /// and then zero is seen after it, or finds the waker.
    fn note_waited(&self) {
        if self.word.load(Ordering::Relaxed) & WAITED == 0 {
            self.word.fetch_or(WAITED, Ordering::AcqRel); // AcqRel: see "Orderings".
        }
    }

    /// Wakes who waits for zero.
    pub(super) fn wake_at_zero(&self, owner_too: bool) {
        let (owner, others) = {
            let cold = lock(&self.cold);
            let others: Vec<Waker> = cold.rare.iter().flat_map(|rare| rare.settling.iter()).cloned().collect();
            (cold.owner.clone().filter(|_| owner_too), others)
        };
        owner.into_iter().chain(others).for_each(Waker::wake);
    }

    pub(crate) fn forget_settling(&self, key: u32) {
        let waker = lock(&self.cold).rare().settling.remove(key);
        drop(waker);
    }
}

/// Puts or refreshes a waker; returns the one that it replaced, to be dropped outside the lock.
pub(super) fn register(slots: &mut Slots<Waker>, waker: &Waker, key: &mut Option<u32>) -> Option<Waker> {
    if let Some(present) = key.and_then(|key| slots.get_mut(key)) {
        if present.will_wake(waker) {
            return None;
        }
        return Some(std::mem::replace(present, waker.clone()));
    }
    *key = Some(slots.insert(waker.clone()));
    None
}
