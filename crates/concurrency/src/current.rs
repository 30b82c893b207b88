//! Which node the running code belongs to.
//!
//! A thread-local of our own, swapped around every poll **and around the drop** of a future that belongs to a node:
//! a destructor in an aborted task must find its node, and the runtime drops outside every poll.
//!
//! The node of a timeout or of a shield is made *on demand*: most of them are ready, or dropped, before anything below
//! has asked for a node, and are spared it. Its [`Recipe`] waits here while their future is polled.

use std::{
    cell::Cell,
    sync::{Arc, OnceLock},
};

use tokio::time::Instant;

use crate::{
    node::{Label, Node},
    reason::Reason,
};

thread_local! {
    static CURRENT: Current = const {
        Current { node: Cell::new(None), waiting: Cell::new(None), made: Cell::new(None), asked: Cell::new(false) }
    };
}

/// Cells: nothing of the user's runs between the two halves of a change, so that no borrow needs to be counted.
struct Current {
    node: Cell<Option<Arc<Node>>>,
    /// What a node below `node` is made from as soon as somebody asks for one.
    waiting: Cell<Option<Recipe>>,
    /// It was asked for, and is or was the current one.
    made: Cell<Option<Made>>,
    /// Somebody has asked whether they are cancelled, since this was last taken.
    asked: Cell<bool>,
}

/// The node above the one that was made.
struct Made {
    outer: Option<Arc<Node>>,
}

/// What a node is made from. Small, and without a name: it is copied for every poll.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recipe {
    Timeout {
        at: Option<Instant>,
    },
    Shield,
    /// `ending`: why what is dropped below it now is dropped.
    Several {
        kind: &'static str,
        ending: Option<Ending>,
    },
}

/// Why several futures are dropped before their time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    SiblingFailed,
    NotNeeded,
}

impl From<Ending> for Reason {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::SiblingFailed => Reason::SiblingFailed,
            Ending::NotNeeded => Reason::NotNeeded,
        }
    }
}

impl Current {
    /// Makes the node that waits for being asked for, if there is one.
    #[inline]
    fn make(&self) {
        if let Some(recipe) = self.waiting.get() {
            self.make_from(recipe);
        }
    }

    #[cold]
    fn make_from(&self, recipe: Recipe) {
        self.waiting.set(None);
        let outer = self.node.take();
        let parent = outer.clone().unwrap_or_else(process_root);
        self.node.set(Some(match recipe {
            Recipe::Timeout { at } => Node::timed(Label::Kind("a timeout"), parent, at),
            Recipe::Shield => Node::masked(Label::Kind("shielded work"), parent),
            Recipe::Several { kind, ending } => {
                let node = Node::new(Label::Kind(kind), Some(parent));
                if let Some(ending) = ending {
                    node.set_ending(Some(ending.into()));
                }
                node
            }
        }));
        self.made.set(Some(Made { outer }));
    }

    /// The current node, looked at.
    #[inline]
    fn look<T>(&self, look: impl FnOnce(Option<&Arc<Node>>) -> T) -> T {
        self.make();
        let node = self.node.take();
        let seen = look(node.as_ref());
        self.node.set(node);
        seen
    }
}

/// The node that adopts when no other can. It is never closed.
pub(crate) fn process_root() -> Arc<Node> {
    static ROOT: OnceLock<Arc<Node>> = OnceLock::new();
    ROOT.get_or_init(|| Node::new(Label::Kind("the process root"), None)).clone()
}

/// The node of the running code, if it runs below one.
pub(crate) fn try_current() -> Option<Arc<Node>> {
    with(|current| current.look(|node| node.cloned())).flatten()
}

/// The node of the running code, or else the process root.
pub(crate) fn current() -> Arc<Node> {
    try_current().unwrap_or_else(process_root)
}

/// Where the current node is; 0 outside every node.
pub(crate) fn address() -> usize {
    with(|current| current.look(|node| node.map_or(0, |node| Arc::as_ptr(node).addr()))).unwrap_or(0)
}

/// Makes the node in `seat` the current one until the guard is dropped. Meanwhile the seat holds the one before.
///
/// Swapping instead of cloning: entering costs no reference count, which children on two threads would fight for.
#[inline]
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
    #[inline]
    fn drop(&mut self) {
        swap(self.seat);
    }
}

#[inline]
fn swap(seat: &mut Option<Arc<Node>>) {
    // Does nothing only while the thread ends; then the seat keeps its node, both times.
    with(|current| {
        current.make();
        *seat = current.node.replace(seat.take());
    });
}

/// Lets the node of `recipe` be made until the guard is dropped, which puts it into `made`.
#[inline]
pub(crate) fn enter_on_demand(recipe: Recipe, made: &mut Option<Arc<Node>>) -> OnDemand<'_> {
    let around = with(|current| {
        current.make();
        current.waiting.set(Some(recipe));
        current.made.take()
    });
    OnDemand { around: around.flatten(), made }
}

pub(crate) struct OnDemand<'a> {
    /// What was made for the one around.
    around: Option<Made>,
    made: &'a mut Option<Arc<Node>>,
}

impl Drop for OnDemand<'_> {
    #[inline]
    fn drop(&mut self) {
        with(|current| {
            current.waiting.set(None);
            if let Some(Made { outer }) = current.made.replace(self.around.take()) {
                *self.made = current.node.replace(outer);
            }
        });
    }
}

/// Tells those who are dropped below the current node from here on why: the node of several futures, made or not.
pub(crate) fn end_with(ending: Ending) {
    with(|current| match current.waiting.get() {
        Some(Recipe::Several { kind, .. }) => {
            current.waiting.set(Some(Recipe::Several { kind, ending: Some(ending) }));
        }
        _ => current.look(|node| {
            if let Some(node) = node {
                node.set_ending(Some(ending.into()));
            }
        }),
    });
}

/// Notes for the owner of the body that is being polled that it asked whether it is cancelled.
pub(crate) fn note_asked() {
    with(|current| current.asked.set(true));
}

/// Polls a body; notes in `asked` whether it asked, and tells the body around.
pub(crate) fn listening<T>(asked: &mut bool, poll: impl FnOnce() -> T) -> T {
    let before = take_asked();
    let result = poll();
    let now = take_asked();
    *asked |= now;
    if before || now {
        note_asked();
    }
    result
}

fn take_asked() -> bool {
    with(|current| current.asked.take()).unwrap_or(false)
}

/// The thread-local is gone while a thread ends: code there belongs to no node.
#[inline]
fn with<T>(act: impl FnOnce(&Current) -> T) -> Option<T> {
    CURRENT.try_with(act).ok()
}
