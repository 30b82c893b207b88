//! Taking a snapshot: copies of the registry's shards, brought into one picture. Nothing here recurses: trees may be ten thousand deep.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
};

use tokio::time::Instant;

use super::{
    moment::Moment,
    node::NodeRecord,
    parts::{NodeState, TaskState, TreeHold, TreeNode, TreeTask, TreeWait, WaitsFor},
    registry::{HOLDS, NODES, TASKS, WAITS},
    task::{Handle, Phase, TaskRecord},
    tree::Tree,
    wait::{On, WaitRecord},
};
use crate::{
    current,
    node::{Clock, Glance, Node},
    reason::Reason,
};

pub(super) fn take() -> Tree {
    // First those who refer to others, then the others: what somebody refers to was there before, and is found unless it has gone.
    let (waits, holds) = (WAITS.copy(), HOLDS.copy());
    let waits: Vec<Arc<WaitRecord>> = waits.iter().filter_map(|wait| wait.upgrade()).collect();
    let mut records = TASKS.copy();
    records.sort_unstable_by_key(|task| task.info.id);
    let sketch = Sketch::new();
    let now = Moment::now();
    let mut tree = Tree { nodes: sketch.nodes(now), tasks: Vec::new(), waits: Vec::new(), holds: Vec::new() };
    tree.tasks = records.iter().map(|task| shown(task, &sketch, now)).collect();

    let handles: HashMap<Handle, u64> =
        records.iter().filter_map(|task| Some((*task.handle.get()?, task.info.id))).collect();
    let tasks: HashMap<u64, u64> = tree.tasks.iter().map(|task| (task.id, task.node)).collect();
    // A node whose task has gone, or that has moved elsewhere, stands below its parent.
    for node in &mut tree.nodes {
        node.task = node.task.filter(|task| node.parent.is_some() && tasks.get(task).copied() == node.parent);
    }
    let known = |id: u64| if tasks.contains_key(&id) { Some(id) } else { sketch.stand_in(id) };
    tree.waits = waits.iter().filter(|wait| !wait.ended()).map(|wait| waited(wait, known, &handles, now)).collect();
    tree.waits.sort_by_key(|wait| (wait.waiter, std::cmp::Reverse(wait.since)));
    let hold = |id: u64, since: Moment| (known(id), since.until(now));
    tree.holds = (holds.iter())
        .map(|record| {
            let (holder, since) = hold(record.holder, record.since);
            TreeHold { holder, resource: record.resource.clone(), since }
        })
        .collect();
    tree.holds.sort_by_key(|hold| hold.resource.id);
    tree
}

fn shown(record: &TaskRecord, sketch: &Sketch, now: Moment) -> TreeTask {
    let (phase, since) = record.phase();
    let since = since.until(now);
    let state = match phase {
        Phase::New => TaskState::New(since),
        Phase::Running => TaskState::Running(since),
        Phase::Suspended => TaskState::Suspended(since),
    };
    TreeTask {
        id: record.info.id,
        node: sketch.stand_in(record.node).unwrap_or(sketch.root),
        name: record.info.name.clone(),
        location: record.info.location,
        age: record.born.until(now),
        state,
        // Relaxed: for show.
        polls: record.polls.load(Ordering::Relaxed),
        woken: record.woken().map(|woken| woken.until(now)),
    }
}

fn waited(
    record: &WaitRecord,
    known: impl Fn(u64) -> Option<u64>,
    handles: &HashMap<Handle, u64>,
    now: Moment,
) -> TreeWait {
    let on = match (record.key.on, &record.resource) {
        (_, Some(resource)) => WaitsFor::Resource(resource.clone()),
        (On::Task(handle), None) => WaitsFor::Task(handles.get(&handle).copied()),
        (On::Cancelled(node), None) => WaitsFor::Cancellation(node),
        (On::Permit(node), None) => WaitsFor::Permit(node),
        (On::Settled(node) | On::Resource(node), None) => WaitsFor::Settled(node),
    };
    let granted = record.woken().map(|woken| woken.until(now));
    TreeWait { waiter: known(record.key.waiter), on, since: record.since.until(now), granted }
}

/// The nodes that were found, and where each of them stands.
struct Sketch {
    found: Vec<Found>,
    by_id: HashMap<u64, usize>,
    /// For each node the nearest that is shown: itself, or one above it.
    shown: Vec<usize>,
    /// For each node that is shown, the one above it.
    above: Vec<Option<usize>>,
    root: u64,
}

struct Found {
    record: Arc<NodeRecord>,
    node: Arc<Node>,
    parent: Option<usize>,
    glance: Glance,
}

impl Sketch {
    fn new() -> Self {
        let mut found: Vec<Found> = Vec::new();
        let mut places = HashMap::new();
        let mut waiting = vec![current::process_root()];
        waiting.extend(NODES.copy().iter().filter_map(|record| record.node.upgrade()));
        // Those above them, which may have been made while nobody looked. Each is visited once, so that a circle of parents has an end.
        let mut parents = Vec::new();
        while let Some(node) = waiting.pop() {
            let address = Arc::as_ptr(&node).addr();
            if places.contains_key(&address) {
                continue;
            }
            places.insert(address, found.len());
            let record = node.seen(|seen| seen.record().clone());
            let parent = node.parent();
            parents.push(parent.as_ref().map(|parent| Arc::as_ptr(parent).addr()));
            let glance = node.glance();
            found.push(Found { record, node, parent: None, glance });
            waiting.extend(parent);
        }
        for (found, parent) in found.iter_mut().zip(parents) {
            found.parent = parent.and_then(|parent| places.get(&parent).copied());
        }
        let root = Arc::as_ptr(&current::process_root()).addr();
        let root = places.get(&root).copied().expect("the process root was the first to be put there");
        let shown = nearest_shown(&found, root);
        let above = connected(&found, &shown, root);
        let by_id = found.iter().enumerate().map(|(index, found)| (found.record.id, index)).collect();
        Sketch { root: found[root].record.id, found, by_id, shown, above }
    }

    /// The number of the node that is shown for this one.
    fn stand_in(&self, id: u64) -> Option<u64> {
        let index = self.by_id.get(&id)?;
        Some(self.found[self.shown[*index]].record.id)
    }

    fn nodes(&self, now: Moment) -> Vec<TreeNode> {
        let instant = Instant::now();
        let mut nodes = Vec::new();
        for (index, found) in self.found.iter().enumerate() {
            if self.shown[index] != index {
                continue;
            }
            let Found { record, node, glance, .. } = found;
            let deadline_in = match glance.clock {
                Clock::Active(Some(at)) => Some(at.saturating_duration_since(instant)),
                _ => None,
            };
            nodes.push(TreeNode {
                id: record.id,
                parent: self.above[index].map(|above| self.found[above].record.id),
                // Relaxed: for show.
                task: Some(record.task.load(Ordering::Relaxed)),
                name: node.label().to_string(),
                age: record.born.map(|born| born.until(now)),
                state: state(glance),
                children: glance.children,
                hand_offs: glance.hand_offs.iter().map(ToString::to_string).collect(),
                deadline_in,
                location: record.site.get().copied(),
            });
        }
        nodes.sort_unstable_by_key(|node| node.id);
        nodes
    }
}

fn state(glance: &Glance) -> NodeState {
    match &glance.reason {
        Some(reason) if glance.aborting => NodeState::Aborting(reason.clone()),
        Some(reason) => NodeState::Cancelling(reason.clone()),
        None if glance.aborting => NodeState::Aborting(Reason::OwnerDropped),
        None if glance.closed => NodeState::Closed,
        None => NodeState::Open,
    }
}

/// A node that is settled has gone; what is below it stands below the nearest that has not.
fn nearest_shown(found: &[Found], root: usize) -> Vec<usize> {
    let mut nearest: Vec<Option<usize>> = vec![None; found.len()];
    for start in 0..found.len() {
        let (mut path, mut at) = (Vec::new(), start);
        let end = loop {
            if let Some(known) = nearest[at] {
                break known;
            }
            if at == root || !found[at].glance.settled {
                break at;
            }
            nearest[at] = Some(root); // Met again before it is known: a circle.
            path.push(at);
            match found[at].parent {
                Some(parent) => at = parent,
                None => break root,
            }
        };
        nearest[at] = nearest[at].or(Some(end));
        path.into_iter().for_each(|at| nearest[at] = Some(end));
    }
    nearest.into_iter().map(|nearest| nearest.unwrap_or(root)).collect()
}

/// The parents of those that are shown. Circles of parents are cut, so that all hang from the root.
fn connected(found: &[Found], shown: &[usize], root: usize) -> Vec<Option<usize>> {
    let mut above: Vec<Option<usize>> = vec![None; found.len()];
    for (index, found) in found.iter().enumerate().filter(|(index, _)| *index != root) {
        above[index] = Some(found.parent.map_or(root, |parent| shown[parent]));
    }
    let mut hangs = HashSet::from([root]);
    for start in 0..found.len() {
        let (mut path, mut at) = (HashSet::new(), start);
        while !hangs.contains(&at) {
            path.insert(at);
            let next = above[at].unwrap_or(root);
            if path.contains(&next) {
                above[at] = Some(root);
                break;
            }
            at = next;
        }
        hangs.extend(path);
    }
    above
}
