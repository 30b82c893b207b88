//! What inspection sees of a node. Nodes that are not inspected have nothing of it.

use std::sync::Arc;

use super::{CHILDREN, CLOSED, Clock, Label, Node, is_settled};
use crate::{
    inspect::Seen,
    primitive::{Ordering, lock},
    reason::Reason,
};

/// A node at one moment.
pub(crate) struct Glance {
    pub(crate) children: u64,
    pub(crate) closed: bool,
    pub(crate) settled: bool,
    pub(crate) aborting: bool,
    pub(crate) reason: Option<Reason>,
    pub(crate) clock: Clock,
    pub(crate) hand_offs: Vec<Label>,
}

impl Node {
    /// Shows a node that has just been made, if somebody looks.
    #[inline]
    pub(super) fn shown(self: Arc<Self>) -> Arc<Self> {
        if crate::inspect::is_on() {
            let seen = Seen::new(&self, true);
            lock(&self.cold).rare().seen = Some(seen);
        }
        self
    }

    /// The node's place in the registry, which it gets here if it has none. `look` runs under the lock.
    pub(crate) fn seen<T>(self: &Arc<Self>, look: impl FnOnce(&Seen) -> T) -> T {
        if let Some(seen) = lock(&self.cold).rare.as_ref().and_then(|rare| rare.seen.as_ref()) {
            return look(seen);
        }
        let mut new = Some(Seen::new(self, false));
        let mut cold = lock(&self.cold);
        let seen = &mut cold.rare().seen;
        if seen.is_none() {
            *seen = new.take();
        }
        let result = look(seen.as_ref().expect("it was there, or was put there"));
        drop(cold);
        drop(new); // Somebody was faster.
        result
    }

    pub(crate) fn glance(&self) -> Glance {
        let cold = lock(&self.cold);
        // Relaxed: for show.
        let word = self.word.load(Ordering::Relaxed);
        Glance {
            children: word & CHILDREN,
            closed: word & CLOSED != 0,
            settled: is_settled(word),
            aborting: cold.aborts.aborting,
            reason: cold.reason().cloned(),
            clock: cold.clock,
            hand_offs: cold.rare.iter().flat_map(|rare| rare.hand_offs.iter()).cloned().collect(),
        }
    }
}
