//! Which node the running code belongs to.
//!
//! A thread-local of our own, swapped around every poll **and around the drop** of a future that belongs to a node:
//! a destructor in an aborted task must find its node, and the runtime drops outside every poll.

use std::{
    cell::RefCell,
    sync::{Arc, OnceLock},
};

use crate::node::{Label, Node};

thread_local! {
    static CURRENT: RefCell<Option<Arc<Node>>> = const { RefCell::new(None) };
}

/// The node that adopts when no other can. It is never closed.
pub(crate) fn process_root() -> Arc<Node> {
    static ROOT: OnceLock<Arc<Node>> = OnceLock::new();
    ROOT.get_or_init(|| Node::new(Label::Fixed("the process root"), None)).clone()
}

/// The node of the running code, if it runs below one.
pub(crate) fn try_current() -> Option<Arc<Node>> {
    // The thread-local is gone while a thread ends: code there belongs to no node.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// The node of the running code, or else the process root.
pub(crate) fn current() -> Arc<Node> {
    try_current().unwrap_or_else(process_root)
}

/// Makes the node in `seat` the current one until the guard is dropped. Meanwhile the seat holds the one before.
///
/// Swapping instead of cloning: entering costs no reference count, which children on two threads would fight for.
pub(crate) fn enter(seat: &mut Option<Arc<Node>>) -> Entered<'_> {
    swap(seat);
    Entered { seat }
}

pub(crate) struct Entered<'a> {
    seat: &'a mut Option<Arc<Node>>,
}

impl Entered<'_> {
    /// The node that was current before.
    pub(crate) fn outer(&self) -> Option<&Arc<Node>> {
        self.seat.as_ref()
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        swap(self.seat);
    }
}

fn swap(seat: &mut Option<Arc<Node>>) {
    // Fails only while the thread ends; then the seat keeps its node, both times.
    let _ = CURRENT.try_with(|current| std::mem::swap(&mut *current.borrow_mut(), seat));
}
