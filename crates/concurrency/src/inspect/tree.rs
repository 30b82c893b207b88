//! The snapshot, and what one can ask it.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    time::Duration,
};

use super::{
    hints, mermaid,
    parts::{Hint, TreeHold, TreeNode, TreeTask, TreeWait, WaitsFor},
    resource::ResourceInfo,
    snapshot, text,
};

/// From when on a task that runs, or is not polled, is worth a hint.
pub const STALLED_AFTER: Duration = Duration::from_secs(1);

/// How many lines of text the children of one node or task take at most.
const LINES: usize = 24;

/// What runs at this moment, and who waits for what: a snapshot of the live nodes below the process root, and of their tasks.
///
/// It works from any thread, in destructors and in hooks, and stops nobody: what begins or ends while it is taken may or may not be in it.
/// It shows what was made while [inspection](crate::inspect()) was on, and the nodes above that. A hundred thousand tasks take tens of
/// milliseconds.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{Root, TaskGroup, tree};
/// use tokio::task::yield_now;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), bowline_concurrency::Interrupted> {
/// Root::new()
///     .inspect(true)
///     .scope(TaskGroup::builder().name("crawl").scope(async |group| {
///         let fetch = group.named("fetch").spawn(yield_now());
///         println!("{}", tree()); // Or in a signal handler, or in a route of the web server.
///         assert_eq!(tree().tasks()[0].name.as_deref(), Some("fetch"));
///         fetch.await
///     }))
///     .await
/// # }
/// ```
#[doc(alias = "dump")]
#[doc(alias = "tokio-console")]
#[doc(alias = "DebugProbes")]
pub fn tree() -> Tree {
    snapshot::take()
}

/// A snapshot of the scope tree; see [`tree`].
///
/// `{}` is a text for terminals that groups equal siblings and leaves out what is too much; `{:#}` leaves out nothing.
#[derive(Clone, Debug)]
pub struct Tree {
    pub(super) nodes: Vec<TreeNode>,
    pub(super) tasks: Vec<TreeTask>,
    pub(super) waits: Vec<TreeWait>,
    pub(super) holds: Vec<TreeHold>,
}

impl Tree {
    /// The live nodes, oldest first; those above come with what is below them.
    pub fn nodes(&self) -> &[TreeNode] {
        &self.nodes
    }

    /// The live tasks, oldest first.
    pub fn tasks(&self) -> &[TreeTask] {
        &self.tasks
    }

    /// Who waits for what.
    pub fn waits(&self) -> &[TreeWait] {
        &self.waits
    }

    /// Who holds what.
    pub fn holds(&self) -> &[TreeHold] {
        &self.holds
    }

    /// What looks like the reason why the program hangs: tasks that have been running, or waiting for a poll, for longer than `after`; waits that
    /// were granted so long ago and that nobody polls; and circles of tasks and of waits that have lasted that long.
    ///
    /// Hints, not findings: a circle may go through one branch of a `select!`, and a task may compute for a second. Code outside the tasks that are
    /// seen is in no circle: what shows as the waits of one node may be those of many tasks. The text has those after
    /// [`STALLED_AFTER`], 1 s.
    #[doc(alias = "deadlock")]
    #[doc(alias = "futurelock")]
    pub fn hints(&self, after: Duration) -> Vec<Hint> {
        hints::of(self, after)
    }

    /// The text with at most so many lines for the children of each node or task; [`usize::MAX`]: with all, and equal ones are not grouped.
    pub fn to_text(&self, lines: usize) -> String {
        text::of(self, lines)
    }

    /// A flowchart for Mermaid, with dotted arrows from those who wait to what they wait for; for each node or task at most `children` of its
    /// children are drawn.
    pub fn to_mermaid(&self, children: usize) -> String {
        mermaid::of(self, children)
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(if f.alternate() { usize::MAX } else { LINES }))
    }
}

/// What stands below a node or a task.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry {
    Node(usize),
    Task(usize),
}

/// The tree by number.
pub(super) struct Index<'a> {
    pub(super) tree: &'a Tree,
    nodes: HashMap<u64, usize>,
    tasks: HashMap<u64, usize>,
    waits: HashMap<u64, Vec<usize>>,
    below: HashMap<u64, Vec<Entry>>,
    holders: HashMap<u64, Vec<u64>>,
    /// By holder and resource.
    held: HashSet<(u64, u64)>,
    /// Those that somebody waits for.
    resources: HashMap<u64, &'a ResourceInfo>,
}

impl<'a> Index<'a> {
    pub(super) fn new(tree: &'a Tree) -> Self {
        let nodes = tree.nodes.iter().enumerate().map(|(index, node)| (node.id, index)).collect();
        let tasks = tree.tasks.iter().enumerate().map(|(index, task)| (task.id, index)).collect();
        let mut waits: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut resources = HashMap::new();
        for (index, wait) in tree.waits.iter().enumerate() {
            if let WaitsFor::Resource(resource) = &wait.on {
                resources.insert(resource.id, &**resource);
            }
            waits.entry(wait.waiter.unwrap_or(0)).or_default().push(index);
        }
        let mut below: HashMap<u64, Vec<Entry>> = HashMap::new();
        for (index, task) in tree.tasks.iter().enumerate() {
            below.entry(task.node).or_default().push(Entry::Task(index));
        }
        for (index, node) in tree.nodes.iter().enumerate() {
            if let Some(above) = node.task.or(node.parent) {
                below.entry(above).or_default().push(Entry::Node(index));
            }
        }
        let mut holders: HashMap<u64, Vec<u64>> = HashMap::new();
        let mut held = HashSet::new();
        for hold in &tree.holds {
            held.extend(hold.holder.map(|holder| (holder, hold.resource.id)));
            holders.entry(hold.resource.id).or_default().push(hold.holder.unwrap_or(0));
        }
        Index { tree, nodes, tasks, waits, below, holders, held, resources }
    }

    pub(super) fn node(&self, id: u64) -> Option<&'a TreeNode> {
        self.nodes.get(&id).map(|index| &self.tree.nodes[*index])
    }

    pub(super) fn task(&self, id: u64) -> Option<&'a TreeTask> {
        self.tasks.get(&id).map(|index| &self.tree.tasks[*index])
    }

    /// What the task or the node waits for; for zero, what code outside both does.
    pub(super) fn waits(&self, id: u64) -> impl Iterator<Item = &'a TreeWait> {
        self.waits.get(&id).into_iter().flatten().map(|index| &self.tree.waits[*index])
    }

    pub(super) fn below(&self, id: u64) -> &[Entry] {
        self.below.get(&id).map_or(&[], |entries| entries)
    }

    /// Who holds a resource, by number; zero is code outside the tree.
    pub(super) fn holders(&self, resource: u64) -> &[u64] {
        self.holders.get(&resource).map_or(&[], |holders| holders)
    }

    pub(super) fn holds(&self, holder: u64, resource: u64) -> bool {
        self.held.contains(&(holder, resource))
    }

    pub(super) fn has_waits(&self, id: u64) -> bool {
        self.waits.contains_key(&id)
    }

    /// What a task, a node or a resource is called in a sentence.
    pub(super) fn name(&self, id: u64) -> String {
        if let Some(task) = self.task(id) {
            return match &task.name {
                Some(name) => format!("task `{name}` #{id}"),
                None => format!("task #{id} spawned at {}:{}", task.location.file(), task.location.line()),
            };
        }
        if let Some(node) = self.node(id) {
            return format!("{} #{id}", node.name);
        }
        let unknown = if id == 0 { "code outside the tree" } else { "something that has gone" };
        self.resources.get(&id).map_or_else(|| unknown.to_owned(), ToString::to_string)
    }
}
