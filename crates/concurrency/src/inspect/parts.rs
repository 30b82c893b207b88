//! What a snapshot consists of: plain data.

use std::{fmt, panic::Location, sync::Arc, time::Duration};

use super::resource::ResourceInfo;
use crate::reason::Reason;

/// A scope, timeout, shield or root, as it was when the snapshot was taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TreeNode {
    /// Its number, unique in the process.
    pub id: u64,
    /// The node around it that is still there; `None` for the process root.
    pub parent: Option<u64>,
    /// The task of that node whose code has opened it, if that still runs.
    pub task: Option<u64>,
    /// The name that it was given, or else its kind: "a scope".
    pub name: String,
    /// How long it has been there; `None` if it was made while inspection was off.
    pub age: Option<Duration>,
    /// Whether it is open, or how it ends.
    pub state: NodeState,
    /// How many children it waits for.
    pub children: u64,
    /// The names of the releases and orphans that it waits for.
    pub hand_offs: Vec<String>,
    /// How long until its deadline.
    pub deadline_in: Option<Duration>,
    /// Where in the source it was opened, if that is known.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::json::maybe_site"))]
    pub location: Option<&'static Location<'static>>,
}

/// The state of a node.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum NodeState {
    /// It runs.
    Open,
    /// It was cancelled, and those below may end in their own way.
    Cancelling(Reason),
    /// It was cancelled, and its children are dropped.
    Aborting(Reason),
    /// Its owner has gone, and it waits for what is left.
    Closed,
}

impl fmt::Display for NodeState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeState::Open => f.write_str("open"),
            NodeState::Cancelling(reason) => write!(f, "cancelling: {reason}"),
            NodeState::Aborting(reason) => write!(f, "aborting: {reason}"),
            NodeState::Closed => f.write_str("closed, and settling"),
        }
    }
}

/// A task, as it was when the snapshot was taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TreeTask {
    /// Its number, unique in the process.
    pub id: u64,
    /// The node that it was spawned from.
    pub node: u64,
    /// The name that it was given.
    pub name: Option<Arc<str>>,
    /// Where in the source it was spawned or handed off.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::json::site"))]
    pub location: &'static Location<'static>,
    /// How long ago it was spawned.
    pub age: Duration,
    /// What it does.
    pub state: TaskState,
    /// How often it was polled.
    pub polls: u64,
    /// How long ago it was woken, if it has not been polled since. A new task counts as woken.
    pub woken: Option<Duration>,
}

/// What a task does, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum TaskState {
    /// It was never polled.
    New(Duration),
    /// It is being polled, or dropped, at this moment.
    Running(Duration),
    /// It waits for a wake-up.
    Suspended(Duration),
}

/// Somebody waits for something.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TreeWait {
    /// The task, or the node whose code waits outside every task that is seen; `None` outside both.
    pub waiter: Option<u64>,
    /// What is waited for.
    pub on: WaitsFor,
    /// For how long.
    pub since: Duration,
    /// How long ago the wait was granted, or woken, if nobody has polled it since.
    pub granted: Option<Duration>,
}

impl TreeWait {
    pub(super) fn resource(&self) -> Option<u64> {
        match &self.on {
            WaitsFor::Resource(resource) => Some(resource.id),
            _ => None,
        }
    }
}

/// What somebody waits for.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum WaitsFor {
    /// The value or the end of a task; `None` if that is gone, or is not seen.
    Task(Option<u64>),
    /// That nothing is left of a node, or of what was handed off to it.
    Settled(u64),
    /// The cancellation of a node.
    Cancellation(u64),
    /// The right to run one more child in a group with a limit.
    Permit(u64),
    /// A lock, or another resource.
    Resource(Arc<ResourceInfo>),
}

/// Somebody holds a resource.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TreeHold {
    /// The task, or the node whose code holds it; `None` outside both.
    pub holder: Option<u64>,
    /// What is held.
    pub resource: Arc<ResourceInfo>,
    /// For how long.
    pub since: Duration,
}

/// Something that looks like the reason why a program hangs; see [`Tree::hints`](crate::Tree::hints).
#[derive(Clone, Debug)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Hint {
    /// What was found.
    pub kind: HintKind,
    /// The tasks, nodes and resources that it is about, by number; the culprit first, a circle in its order.
    pub about: Vec<u64>,
    /// The same in a sentence.
    pub text: String,
}

/// Kinds of [`Hint`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub enum HintKind {
    /// A task runs, or is dropped, for so long that it seems to block its thread.
    Busy,
    /// A task was woken, and its runtime does not poll it.
    Starved,
    /// A wait for a permit or a resource was granted, and whoever keeps its future does not poll it.
    Futurelock,
    /// Waits and holds of tasks close a circle, or a task waits for what it holds.
    Circle,
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
