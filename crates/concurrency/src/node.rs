//! The node: a place in the scope tree, and the counting that everything rests on.
//!
//! # Invariants
//!
//! 1. **What counts.** A node counts its children (tasks that it spawned) and its hand-offs (releases, blocking
//!    calls and nested nodes whose owner has gone). What a live value owns is never counted: its owner may keep it
//!    for ever, and waiting for it would hang `while timeout(d, &mut future).await.is_err() {}`.
//! 2. **One word.** Both counts, *closed* and *cancelled* are bits of one atomic word. So "count up unless settled"
//!    and "close if at zero" are single steps, and their order in the word's modification order decides every race.
//! 3. **Settled is final.** A node is *settled* when it is closed and at zero. A settled node refuses to count, so
//!    nothing can be added to it. Exactly one operation brings a node into that state.
//! 4. **A node adopts until it is settled.** A closed node that is not yet at zero is itself an orphan, and somebody
//!    waits for it; skipping it would let a deadline return before its grandchildren are gone.
//! 5. **The adopter is set before the node is closed.** Whoever settles the node (invariant 3) finds the adopter's hold in
//!    place and releases it, once. A node closed by its owner at zero has no adopter.
//! 6. **Parents are strong, children are not.** A node keeps its parent alive and knows nothing of live nodes below it,
//!    so there is no cycle and no traffic per nested scope. Long chains are dropped and released in a loop, never by
//!    recursion.
//! 7. **Nothing runs under the lock.** Wakers, holds, task handles and user values leave the lock before they are woken,
//!    aborted or dropped.
//! 8. **Who waits is in the word.** *Waited* is set, after the waker is in place, before zero is looked for; whoever
//!    brings a count to zero sees either the bit, and wakes, or comes first, and the waiter sees zero.
//! 9. **Cancelling comes before aborting.** The first reason stays. From *aborting* on every child of the group is
//!    aborted, also one whose handle arrives later: handles come under the same lock.
//!
//! # Orderings
//!
//! Counting down is `AcqRel`: its release half publishes what the finished work wrote (its destructors above all), its
//! acquire half makes the one who reaches zero see what the others published. Reading zero to return from a scope is
//! `Acquire` for the same reason. Counting up needs no ordering of its own (invariant 2), and is `Relaxed`. Setting *waited* is
//! `AcqRel` although invariant 2 alone decides the race of invariant 8: it keeps the waker's registration before it.

use std::{fmt, mem, sync::Arc, task::Waker, time::Duration};

use tokio::time::Instant;

use crate::{
    failure::Observer,
    inspect::Seen,
    primitive::{AtomicU64, Mutex, Ordering, lock},
    reason::Reason,
    slots::Slots,
};

mod aborting;
mod cancelling;
mod deadline;
mod fate;
mod hold;
mod label;
mod seen;
mod waiting;

use aborting::Aborts;
pub(crate) use cancelling::cancelling;
pub(crate) use deadline::Clock;
pub(crate) use fate::{ErrorValue, Failed, Fate};
pub use hold::Hold;
pub(crate) use hold::{Owner, hold_nearest, leave_child};
pub(crate) use label::Label;
pub(crate) use seen::Glance;

// About thirty bits for each count: a billion tasks fit into no memory.
const CHILD: u64 = 1;
const CHILDREN: u64 = (1 << 30) - 1;
const HAND_OFF: u64 = 1 << 30;
const HAND_OFFS: u64 = ((1 << 29) - 1) << 30;
const COUNTS: u64 = CHILDREN | HAND_OFFS;
/// A task was cancelled alone; see [`Node::cancel_task`].
const SINGLED_OUT: u64 = 1 << 59;
/// Somebody waits for a count to reach zero, or has waited once.
const WAITED: u64 = 1 << 60;
/// Somebody below has asked whether they are cancelled, so a shutdown gives them time to answer.
const ASKED: u64 = 1 << 61;
const CANCELLED: u64 = 1 << 62;
const CLOSED: u64 = 1 << 63;

fn is_settled(word: u64) -> bool {
    word & CLOSED != 0 && word & COUNTS == 0
}

/// A place in the scope tree.
pub(crate) struct Node {
    label: Label,
    /// Cancellations above do not concern what runs below: it is there to clean up after them.
    masked: bool,
    /// How long the children may go on after a cancellation before they are aborted.
    grace: Duration,
    word: AtomicU64,
    cold: Mutex<Cold>,
}

/// What is touched only when something begins, ends or goes wrong.
struct Cold {
    /// Where the node was last polled, or where it was spawned from; `None` for the process root.
    parent: Option<Arc<Node>>,
    /// Wakes the owner when the node is cancelled, when its deadline moves and, if it settles, at zero.
    owner: Option<Waker>,
    clock: Clock,
    aborts: Aborts,
    /// What most nodes never have. Boxed, so that a node is small.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// For a node that was made on demand, and named later.
    name: Option<Label>,
    /// Keeps the adopting node unsettled while this one, an orphan, is (invariant 5).
    adopter: Option<Hold>,
    reason: Option<Reason>,
    /// Why futures below are being dropped at this moment. It leaves no mark on what outlives the drop.
    ending: Option<Reason>,
    hand_offs: Slots<Label>,
    /// Woken when a count reaches zero; they stay until their owner removes them.
    settling: Slots<Waker>,
    /// Woken once, by the cancellation.
    cancelling: Slots<Waker>,
    observer: Option<Observer>,
    fate: Fate,
    /// The places of tasks that are cancelled alone; see [`Node::cancel_task`].
    cancelled_tasks: Vec<(tokio::task::Id, Arc<Node>)>,
    #[cfg(feature = "tokio-util")]
    token: Option<tokio_util::sync::CancellationToken>,
    /// Its place in the registry, while somebody looks.
    seen: Option<Seen>,
}

impl Cold {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn reason(&self) -> Option<&Reason> {
        self.rare.as_ref()?.reason.as_ref()
    }
}

impl Node {
    pub(crate) fn new(label: Label, parent: Option<Arc<Node>>) -> Arc<Node> {
        Self::build(label, parent, Duration::ZERO, false, Clock::None)
    }

    /// A node whose children may go on for `grace` after a cancellation.
    pub(crate) fn graceful(label: Label, parent: Arc<Node>, grace: Duration) -> Arc<Node> {
        Self::build(label, Some(parent), grace, false, Clock::None)
    }

    /// A node that hides the cancellation of those above it.
    pub(crate) fn masked(label: Label, parent: Arc<Node>) -> Arc<Node> {
        Self::build(label, Some(parent), Duration::ZERO, true, Clock::None)
    }

    /// The node of a scope's services: hides what is above, and is cancelled by hand when its turn has come.
    pub(crate) fn services(label: Label, group: Arc<Node>) -> Arc<Node> {
        let grace = group.grace;
        Self::build(label, Some(group), grace, true, Clock::None)
    }

    /// The node of a deadline.
    pub(crate) fn timed(label: Label, parent: Arc<Node>, at: Option<Instant>) -> Arc<Node> {
        Self::build(label, Some(parent), Duration::ZERO, false, Clock::Active(at))
    }

    fn build(label: Label, parent: Option<Arc<Node>>, grace: Duration, masked: bool, clock: Clock) -> Arc<Node> {
        let cold = Cold { parent, owner: None, clock, aborts: Aborts::default(), rare: None };
        Arc::new(Node { label, masked, grace, word: AtomicU64::new(0), cold: Mutex::new(cold) }).shown()
    }

    pub(crate) fn label(&self) -> Label {
        lock(&self.cold).rare.as_ref().and_then(|rare| rare.name.clone()).unwrap_or_else(|| self.label.clone())
    }

    /// Gives a name to a node that was made without.
    pub(crate) fn set_name(&self, name: Label) {
        lock(&self.cold).rare().name = Some(name);
    }

    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    pub(crate) fn parent(&self) -> Option<Arc<Node>> {
        lock(&self.cold).parent.clone()
    }

    /// Moves the node below another one: inline nodes follow the place where they are polled.
    pub(crate) fn set_parent(&self, parent: Arc<Node>) {
        let old = lock(&self.cold).parent.replace(parent);
        drop(old); // Outside the lock: it may be the last reference to a chain (invariant 7).
    }

    // ----------------------------------------------------------------------------------------------- counting

    /// Counts a child, unless the node is being cancelled or is closed. It is counted down with [`leave_child`].
    pub(crate) fn add_child(&self) -> bool {
        self.raise(CHILD, |word| word & (CLOSED | CANCELLED) == 0)
    }

    /// Counts a hand-off, unless the node is settled (invariant 4).
    pub(crate) fn try_hold(self: &Arc<Self>, label: Label) -> Option<Hold> {
        if !self.raise(HAND_OFF, |word| !is_settled(word)) {
            return None;
        }
        // The count is up, so the node cannot settle before the label is in place.
        let key = lock(&self.cold).rare().hand_offs.insert(label);
        Some(Hold::new(self.clone(), key))
    }

    fn raise(&self, unit: u64, allowed: impl Fn(u64) -> bool) -> bool {
        let mut word = self.word.load(Ordering::Relaxed);
        while allowed(word) {
            // Relaxed: only the position in the modification order matters (invariant 2).
            match self.word.compare_exchange_weak(word, word + unit, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Counts a child down. If this settles an orphan, gives back what it owes its adopter.
    #[inline]
    fn lower_child(&self) -> Option<Hold> {
        // AcqRel: see "Orderings".
        let after = self.word.fetch_sub(CHILD, Ordering::AcqRel) - CHILD;
        // Nobody waits and nobody has adopted: nothing to do, and no lock to take (invariant 8).
        if after & (WAITED | CLOSED) == 0 || after & COUNTS != 0 { None } else { self.reached_zero(after) }
    }

    /// Counts a hand-off down. If this settles an orphan, gives back what it owes its adopter.
    fn lower_hand_off(&self, key: u32) -> Option<Hold> {
        let label = lock(&self.cold).rare().hand_offs.remove(key);
        drop(label);
        // AcqRel: see "Orderings".
        let after = self.word.fetch_sub(HAND_OFF, Ordering::AcqRel) - HAND_OFF;
        if after & (WAITED | CLOSED) == 0 || after & HAND_OFFS != 0 { None } else { self.reached_zero(after) }
    }

    #[cold]
    fn reached_zero(&self, word: u64) -> Option<Hold> {
        self.wake_at_zero(word & COUNTS == 0);
        if is_settled(word) { self.end() } else { None }
    }

    /// The node is settled, and nothing of it is needed any more: no task is left to be woken, aborted or given a place. The places stand
    /// below the node; kept, they would keep it alive in turn. Gives back what an orphan owes its adopter.
    fn end(&self) -> Option<Hold> {
        let (owner, aborts, places, adopter) = {
            let mut cold = lock(&self.cold);
            let rare = cold.rare.as_mut().map(|rare| (mem::take(&mut rare.cancelled_tasks), rare.adopter.take()));
            let (places, adopter) = rare.unwrap_or_default();
            (cold.owner.take(), cold.aborts.take(), places, adopter)
        };
        drop((owner, aborts, places)); // Each may free a task: not under the lock (invariant 7).
        adopter
    }

    /// Closes the node if nothing is counted. `true` means settled.
    pub(crate) fn try_close(&self) -> bool {
        let mut word = self.word.load(Ordering::Acquire);
        while word & COUNTS == 0 {
            if word & CLOSED != 0 {
                return true;
            }
            // Acquire on both: who sees zero must see what the finished work wrote.
            match self.word.compare_exchange_weak(word, word | CLOSED, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    if word & WAITED != 0 {
                        self.wake_at_zero(false); // Others than the owner may wait for the end.
                    }
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }

    /// Whether the owner has gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    pub(crate) fn is_settled(&self) -> bool {
        is_settled(self.word.load(Ordering::Acquire))
    }

    /// The owner goes: closes the node, and lets the nearest live node above `current` wait for what is left.
    ///
    /// Called at most once per node, by its owner.
    pub(crate) fn orphan(self: &Arc<Self>, current: Option<Arc<Node>>) {
        if self.try_close() {
            return self.retire();
        }
        drop(lock(&self.cold).owner.take());
        let above = current.or_else(|| self.parent()).unwrap_or_else(crate::current::process_root);
        let hold = hold_nearest(above, Label::Given(self.describe().into()));
        lock(&self.cold).rare().adopter = Some(hold);
        // AcqRel: publishes the adopter to whoever settles the node (invariant 5), and sees what the last one wrote.
        let before = self.word.fetch_or(CLOSED, Ordering::AcqRel);
        if before & COUNTS == 0 {
            // The last one left between the check and here, and did not see a closed node: it is settled by us.
            self.wake_at_zero(true);
            drop(self.end());
        }
    }

    /// The owner goes, and nothing is left.
    pub(crate) fn retire(&self) {
        drop(self.end()); // There is no adopter (invariant 5).
    }

    fn describe(&self) -> String {
        let mut text = self.label().to_string();
        let (tasks, hand_offs) = (self.children_left(), self.hand_offs_left());
        if let Some(tasks) = tasks {
            text += &format!(" with {tasks}");
        }
        if !hand_offs.is_empty() {
            text += &format!(": {}", hand_offs.join(", "));
        }
        // Orphans below orphans repeat each other's names; a chain of them must not grow the text without bound.
        text.chars().take(200).collect()
    }

    /// The names of what is still counted.
    pub(crate) fn stragglers(&self) -> Vec<String> {
        self.children_left().into_iter().chain(self.hand_offs_left()).collect()
    }

    fn children_left(&self) -> Option<String> {
        match self.word.load(Ordering::Relaxed) & CHILDREN {
            0 => None,
            1 => Some("1 task".to_owned()),
            n => Some(format!("{n} tasks")),
        }
    }

    pub(crate) fn hand_offs_left(&self) -> Vec<String> {
        let cold = lock(&self.cold);
        cold.rare.iter().flat_map(|rare| rare.hand_offs.iter()).map(Label::to_string).collect()
    }

    // ---------------------------------------------------------------------------------------------- observing

    pub(crate) fn set_observer(&self, observer: Observer) {
        let old = lock(&self.cold).rare().observer.replace(observer);
        drop(old);
    }

    pub(crate) fn observer(&self) -> Option<Observer> {
        lock(&self.cold).rare.as_ref()?.observer.clone()
    }
}

/// No tree of tasks is deeper. Two scopes that are polled from below each other on two threads at once can still close a circle
/// of parents; it must not keep anybody busy for ever.
const DEPTH_MAX: usize = 1 << 20;

/// The node and its ancestors, up to the process root.
pub(crate) fn above(node: Arc<Node>) -> impl Iterator<Item = Arc<Node>> {
    std::iter::successors(Some(node), |node| node.parent()).take(DEPTH_MAX)
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.word.load(Ordering::Relaxed);
        f.debug_struct("Node")
            .field("label", &self.label)
            .field("children", &(word & CHILDREN))
            .field("hand_offs", &((word & HAND_OFFS) / HAND_OFF))
            .field("cancelled", &(word & CANCELLED != 0))
            .field("closed", &(word & CLOSED != 0))
            .finish()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A chain of a hundred thousand parents must not be dropped by recursion (invariant 6).
        let mut next = lock(&self.cold).parent.take();
        while let Some(node) = next.and_then(Arc::into_inner) {
            next = lock(&node.cold).parent.take();
        }
    }
}

#[cfg(all(test, bowline_loom))]
mod loom_tests;
