//! What the registry knows of a node.

use std::{
    panic::Location,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    moment::Moment,
    registry::{NODES, next_id},
    task,
};
use crate::node::Node;

/// A node that is or was seen.
pub(super) struct NodeRecord {
    pub(super) id: u64,
    pub(super) node: Weak<Node>,
    /// `None` for a node that was made before anybody looked.
    pub(super) born: Option<Moment>,
    /// The task that it was made in, or made for; zero for none.
    pub(super) task: AtomicU64,
    pub(super) site: OnceLock<&'static Location<'static>>,
}

/// Kept by a node while it is in the registry; takes it out.
pub(crate) struct Seen(Arc<NodeRecord>);

impl Seen {
    /// `new`: the node has just been made, by the running code.
    pub(crate) fn new(node: &Arc<Node>, new: bool) -> Self {
        let record = Arc::new(NodeRecord {
            id: next_id(),
            node: Arc::downgrade(node),
            born: new.then(Moment::now),
            task: AtomicU64::new(if new { task::current_id().unwrap_or(0) } else { 0 }),
            site: OnceLock::new(),
        });
        NODES.insert(record.id, record.clone());
        Seen(record)
    }

    pub(crate) fn id(&self) -> u64 {
        self.0.id
    }

    pub(super) fn record(&self) -> &Arc<NodeRecord> {
        &self.0
    }

    /// The node is that of a task's own.
    pub(super) fn belongs_to(&self, task: u64) {
        self.0.task.store(task, Ordering::Relaxed); // Relaxed: for show.
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        NODES.remove(&self.0.id);
    }
}

/// Says where in the source a node comes from.
pub(crate) fn set_site(node: &Arc<Node>, site: &'static Location<'static>) {
    if super::is_on() {
        node.seen(|seen| {
            seen.0.site.get_or_init(|| site);
        });
    }
}
