//! Which node the running code belongs to.
//!
//! A thread-local of our own, swapped around every poll **and around the drop** of a future that belongs to a node:
//! a destructor in an aborted task must find its node, and the runtime drops outside every poll.
//!
//! The node of a timeout or of a shield is made *on demand*: most of them are ready, or dropped, before anything below
//! has asked for a node, and are spared it. Its [`Recipe`] waits here while their future is polled.

use std::{
    cell::RefCell,
    mem,
    sync::{Arc, OnceLock},
};

use tokio::time::Instant;

use crate::node::{Label, Node};

thread_local! {
    static CURRENT: RefCell<Current> = const { RefCell::new(Current { node: None, demand: Demand::None, asked: false }) };
}

struct Current {
    node: Option<Arc<Node>>,
    demand: Demand,
    /// Somebody has asked whether they are cancelled, since this was last taken.
    asked: bool,
}

/// A node that is made when it is asked for. While it is `Waiting`, it would be the next below `node`.
enum Demand {
    None,
    Waiting(Recipe),
    /// It was asked for, and is or was the current one; this is the one above.
    Made {
        outer: Option<Arc<Node>>,
    },
}

/// What a node is made from. Small, and without a name: it is copied for every poll.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Recipe {
    Timeout { at: Option<Instant> },
    Shield,
}

impl Current {
    /// Makes the node that waits for being asked for, if there is one.
    #[inline]
    fn make(&mut self) {
        if let Demand::Waiting(recipe) = self.demand {
            self.make_from(recipe);
        }
    }

    #[cold]
    fn make_from(&mut self, recipe: Recipe) {
        let outer = self.node.take();
        let parent = outer.clone().unwrap_or_else(process_root);
        self.node = Some(match recipe {
            Recipe::Timeout { at } => Node::timed(Label::Kind("a timeout"), parent, at),
            Recipe::Shield => Node::masked(Label::Kind("shielded work"), parent),
        });
        self.demand = Demand::Made { outer };
    }
}

/// The node that adopts when no other can. It is never closed.
pub(crate) fn process_root() -> Arc<Node> {
    static ROOT: OnceLock<Arc<Node>> = OnceLock::new();
    ROOT.get_or_init(|| Node::new(Label::Kind("the process root"), None)).clone()
}

/// The node of the running code, if it runs below one.
pub(crate) fn try_current() -> Option<Arc<Node>> {
    with(|current| {
        current.make();
        current.node.clone()
    })
    .flatten()
}

/// The node of the running code, or else the process root.
pub(crate) fn current() -> Arc<Node> {
    try_current().unwrap_or_else(process_root)
}

/// Where the current node is; 0 outside every node.
pub(crate) fn address() -> usize {
    with(|current| {
        current.make();
        current.node.as_ref().map_or(0, |node| Arc::as_ptr(node).addr())
    })
    .unwrap_or(0)
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

#[inline]
fn swap(seat: &mut Option<Arc<Node>>) {
    // Does nothing only while the thread ends; then the seat keeps its node, both times.
    with(|current| {
        current.make();
        mem::swap(&mut current.node, seat);
    });
}

/// Lets the node of `recipe` be made until the guard is dropped, which puts it into `made`.
pub(crate) fn enter_on_demand(recipe: Recipe, made: &mut Option<Arc<Node>>) -> OnDemand<'_> {
    let before = with(|current| {
        current.make();
        mem::replace(&mut current.demand, Demand::Waiting(recipe))
    });
    OnDemand { before: before.unwrap_or(Demand::None), made }
}

pub(crate) struct OnDemand<'a> {
    before: Demand,
    made: &'a mut Option<Arc<Node>>,
}

impl Drop for OnDemand<'_> {
    fn drop(&mut self) {
        with(|current| {
            let before = mem::replace(&mut self.before, Demand::None);
            if let Demand::Made { outer } = mem::replace(&mut current.demand, before) {
                *self.made = mem::replace(&mut current.node, outer);
            }
        });
    }
}

/// Notes for the owner of the body that is being polled that it asked whether it is cancelled.
pub(crate) fn note_asked() {
    with(|current| current.asked = true);
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
    with(|current| mem::take(&mut current.asked)).unwrap_or(false)
}

/// The thread-local is gone while a thread ends: code there belongs to no node.
#[inline]
fn with<T>(act: impl FnOnce(&mut Current) -> T) -> Option<T> {
    CURRENT.try_with(|current| act(&mut current.borrow_mut())).ok()
}
