//! Seeing what runs, and who waits for what: the parts of a [`tree`](crate::tree()), hooks, and the way in for other crates.
//!
//! Everything here is off until [`inspect`](crate::inspect()) or [`Root::inspect`](crate::Root::inspect) switches it on. Off, it costs one relaxed load for a node,
//! for a task, and for a poll of something that waits. On, tasks and waits are wrapped, and noted in a registry that keeps nothing of
//! theirs alive.
//!
//! What is seen: tasks that this crate spawns, the children of in-task scopes, and handed-off work. Code outside of these, such as the
//! main future, or a task of plain `tokio::spawn` with [`in_scope`](crate::InScope::in_scope), shows as the waits of its node.

use std::sync::Arc;

use crate::live::LiveTask;

mod circles;
mod hints;
mod instrument;
#[cfg(feature = "serde")]
mod json;
mod mermaid;
mod moment;
mod node;
mod parts;
mod registry;
mod resource;
mod snapshot;
pub(crate) mod switch;
mod task;
mod text;
pub(crate) mod tree;
mod wait;

pub use instrument::{Instrument, Observing, TaskInfo, observe};
pub(crate) use node::{Seen, set_site};
pub use parts::{Hint, HintKind, NodeState, TaskState, TreeHold, TreeNode, TreeTask, TreeWait, WaitsFor};
pub use resource::{Holding, Resource, ResourceInfo, Waiting};
pub(crate) use switch::{KeptOn, is_on};
pub(crate) use task::{Handle, Known, Tracked, poll};
pub use tree::STALLED_AFTER;
pub(crate) use wait::{InLine, On, waits};

/// The live tasks, oldest first, for the list without a tree.
pub(crate) fn list() -> Vec<LiveTask> {
    let mut tasks = registry::TASKS.copy();
    tasks.sort_unstable_by_key(|task| task.info.id);
    let task = |task: &Arc<task::TaskRecord>| LiveTask {
        name: task.info.name.as_deref().map(str::to_owned),
        scope: task.node_label.to_string(),
        location: task.info.location,
    };
    tasks.iter().map(task).collect()
}
