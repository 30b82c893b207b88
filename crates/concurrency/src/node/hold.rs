//! The units that a node counts, as values whose drop counts down.

use std::{fmt, sync::Arc};

use super::{Label, Node, above};
use crate::current;

/// A hold on the nearest node that is not settled, from `node` upwards; at the end the process root adopts.
pub(crate) fn hold_nearest(node: Arc<Node>, label: Label) -> Hold {
    for node in above(node) {
        if let Some(hold) = node.try_hold(label.clone()) {
            return hold;
        }
    }
    current::process_root().try_hold(label).expect("the process root is never closed")
}

/// Keeps a scope unsettled while work that was handed off to it runs.
///
/// A crate that finishes something in the background, such as a release or a call on another thread, takes a hold
/// from [`Scope::hold`](crate::Scope::hold) and drops it when the work is done; the scope waits until then. It works
/// from any thread, inside and outside a runtime.
///
/// A hold that is never dropped (a leak by [`std::mem::forget`]) keeps its scope waiting for ever.
#[must_use = "the scope waits only while the hold is alive"]
pub struct Hold {
    /// `None` only while it is being dropped.
    node: Option<Arc<Node>>,
    key: u32,
}

impl Hold {
    /// For a unit that has been counted up, under its key among the labels.
    pub(super) fn new(node: Arc<Node>, key: u32) -> Self {
        Hold { node: Some(node), key }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        self.node.as_ref().expect("the node is taken only by the drop")
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hold").field(self.node()).finish()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        // As far up as that settles orphans. A loop: the chain may be long (invariant 6).
        let mut next = self.node.take().map(|node| (node, self.key));
        while let Some((node, key)) = next {
            next = node.lower_hand_off(key).and_then(|mut hold| Some((hold.node.take()?, hold.key)));
        }
    }
}

/// Counts a child down.
#[inline]
pub(crate) fn leave_child(node: Arc<Node>) {
    drop(node.lower_child()); // Perhaps the hold of an orphan, which settles further up.
}

/// The owner of a node that nobody else shares, such as a timeout's. Dropping it hands over what is left.
#[derive(Debug)]
pub(crate) struct Owner(pub(crate) Arc<Node>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.orphan(current::try_current());
    }
}
