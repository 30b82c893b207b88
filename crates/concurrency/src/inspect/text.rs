//! The snapshot as text: what hangs first, then the tree.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    time::Duration,
};

use super::{
    hints::brief,
    parts::{NodeState, TaskState, TreeNode, TreeTask, TreeWait, WaitsFor},
    tree::{Entry, Index, STALLED_AFTER, Tree},
};
use crate::one_line::push_escaped;

/// Deeper lines are not indented further, but say how deep they are.
const INDENTED: usize = 24;

/// So many hints say enough.
const HINTS: usize = 8;

pub(super) fn of(tree: &Tree, lines: usize) -> String {
    let index = Index::new(tree);
    let mut text = String::new();
    let hints = tree.hints(STALLED_AFTER);
    for hint in hints.iter().take(HINTS.max(if lines == usize::MAX { hints.len() } else { 0 })) {
        text.push_str("! ");
        push_line(&mut text, &hint.text);
    }
    if hints.len() > HINTS && lines != usize::MAX {
        let _ = writeln!(text, "! … {} more of these", hints.len() - HINTS);
    }
    let mut stack: Vec<Line> = Vec::new();
    for node in tree.nodes.iter().filter(|node| node.parent.is_none()) {
        stack.push(Line { what: What::Node(node), depth: 0, rails: String::new(), last: true });
    }
    while let Some(line) = stack.pop() {
        let rails = line.draw(&mut text);
        let (id, depth) = match line.what {
            What::Node(node) => {
                push_line(&mut text, &about_node(&index, node));
                (node.id, line.depth + 1)
            }
            What::Task(task) => {
                push_line(&mut text, &about_task(&index, task));
                (task.id, line.depth + 1)
            }
            What::Tasks(task, count) => {
                push_line(&mut text, &about_tasks(&index, task, count));
                continue;
            }
            What::More(count) => {
                let _ = writeln!(text, "… {count} more");
                continue;
            }
        };
        let below = below(&index, id, lines);
        let count = below.len();
        // From the last to the first, because the stack gives the last one that was put there.
        for (place, what) in below.into_iter().enumerate().rev() {
            stack.push(Line { what, depth, rails: rails.clone(), last: place + 1 == count });
        }
    }
    for wait in index.waits(0) {
        let _ = writeln!(text, "outside the tree: {}", about_wait(&index, wait));
    }
    // Those for which somebody waits stand there.
    let waited: HashSet<u64> = tree.waits.iter().filter_map(TreeWait::resource).collect();
    let free: Vec<_> = tree.holds.iter().filter(|hold| !waited.contains(&hold.resource.id)).collect();
    for hold in free.iter().take(lines) {
        let holder = hold.holder.map_or_else(|| "code outside the tree".to_owned(), |holder| index.name(holder));
        push_line(&mut text, &format!("{} has been held for {} by {holder}", hold.resource, brief(hold.since)));
    }
    if free.len() > lines {
        let _ = writeln!(text, "… {} more that are held", free.len() - lines);
    }
    text
}

struct Line<'a> {
    what: What<'a>,
    depth: usize,
    /// What is drawn to the left of this line and of those below it.
    rails: String,
    last: bool,
}

enum What<'a> {
    Node(&'a TreeNode),
    Task(&'a TreeTask),
    /// Equal ones.
    Tasks(&'a TreeTask, usize),
    More(usize),
}

impl Line<'_> {
    /// Gives the rails of what is below.
    fn draw(&self, text: &mut String) -> String {
        if self.depth == 0 {
            return String::new();
        }
        text.push_str(&self.rails);
        text.push_str(if self.last { "└─ " } else { "├─ " });
        if self.depth > INDENTED {
            let _ = write!(text, "(depth {}) ", self.depth);
            return self.rails.clone();
        }
        format!("{}{}", self.rails, if self.last { "   " } else { "│  " })
    }
}

/// What stands below a node or a task: equal tasks as one, and of all no more than `lines`.
fn below<'a>(index: &Index<'a>, id: u64, lines: usize) -> Vec<What<'a>> {
    let mut all: Vec<What<'a>> = Vec::new();
    let mut alike: HashMap<_, usize> = HashMap::new();
    for entry in index.below(id) {
        let task = match entry {
            Entry::Node(node) if is_plain(index, &index.tree.nodes[*node]) => continue,
            Entry::Node(node) => {
                all.push(What::Node(&index.tree.nodes[*node]));
                continue;
            }
            Entry::Task(task) => &index.tree.tasks[*task],
        };
        if lines == usize::MAX || !index.below(task.id).is_empty() {
            all.push(What::Task(task));
            continue;
        }
        let state = std::mem::discriminant(&task.state);
        let waits = if index.has_waits(task.id) { waits_without_times(index, task.id) } else { String::new() };
        let place = *alike.entry((&task.name, task.location, state, waits)).or_insert(all.len());
        match all.get_mut(place) {
            Some(What::Tasks(_, count)) => *count += 1,
            Some(one) => *one = What::Tasks(task, 2),
            None => all.push(What::Task(task)),
        }
    }
    if all.len() > lines {
        let more: usize = all.drain(lines.saturating_sub(1)..).map(|what| what.count()).sum();
        all.push(What::More(more));
    }
    all
}

/// The node of a task's own, of which there is nothing to say.
fn is_plain(index: &Index<'_>, node: &TreeNode) -> bool {
    let owner = node.task.and_then(|task| index.task(task)).and_then(|task| task.name.as_deref());
    owner == Some(&*node.name)
        && matches!(node.state, NodeState::Open)
        && node.children == 0
        && node.hand_offs.is_empty()
        && index.below(node.id).is_empty()
        && !index.has_waits(node.id)
}

impl What<'_> {
    fn count(&self) -> usize {
        match self {
            What::Tasks(_, count) | What::More(count) => *count,
            What::Node(_) | What::Task(_) => 1,
        }
    }
}

pub(super) fn about_node(index: &Index<'_>, node: &TreeNode) -> String {
    let mut parts = vec![format!("{} #{}", node.name, node.id)];
    if !matches!(node.state, NodeState::Open) {
        parts.push(first_in_capitals(&node.state.to_string()));
    }
    match node.children {
        0 => {}
        1 => parts.push("1 task".to_owned()),
        n => parts.push(format!("{n} tasks")),
    }
    if !node.hand_offs.is_empty() {
        let shown = node.hand_offs.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = node.hand_offs.len().saturating_sub(5);
        parts.push(format!("owes {shown}{}", if more > 0 { format!(" and {more} more") } else { String::new() }));
    }
    parts.extend(node.deadline_in.map(|left| format!("deadline in {}", brief(left))));
    parts.extend(node.age.map(|age| format!("for {}", brief(age))));
    parts.extend(node.location.map(|site| format!("{}:{}", site.file(), site.line())));
    parts.extend(index.waits(node.id).map(|wait| about_wait(index, wait)));
    parts.join(" · ")
}

pub(super) fn about_task(index: &Index<'_>, task: &TreeTask) -> String {
    let name = task.name.as_deref().unwrap_or("a task");
    let mut parts = vec![format!("{name} #{}", task.id), about_state(task)];
    if task.polls > 0 {
        parts.push(format!("{} poll{}", task.polls, if task.polls == 1 { "" } else { "s" }));
    }
    parts.push(format!("{}:{}", task.location.file(), task.location.line()));
    parts.extend(index.waits(task.id).map(|wait| about_wait(index, wait)));
    parts.join(" · ")
}

fn about_tasks(index: &Index<'_>, task: &TreeTask, count: usize) -> String {
    let state = match task.state {
        TaskState::New(_) => "not polled yet",
        TaskState::Running(_) => "RUNNING",
        TaskState::Suspended(_) => "suspended",
    };
    let name = task.name.as_deref().unwrap_or("a task");
    let mut parts = vec![format!("{name} × {}", thousands(count)), state.to_owned()];
    parts.push(format!("{}:{}", task.location.file(), task.location.line()));
    parts.extend(Some(waits_without_times(index, task.id)).filter(|waits| !waits.is_empty()));
    parts.join(" · ")
}

fn about_state(task: &TreeTask) -> String {
    match (task.state, task.woken) {
        (TaskState::New(since), _) => format!("not polled yet, for {}", brief(since)),
        (TaskState::Running(since), _) if since > Duration::from_millis(10) => format!("RUNNING for {}", brief(since)),
        (TaskState::Running(_), _) => "running".to_owned(),
        (TaskState::Suspended(_), Some(woken)) => format!("woken {} ago, not polled since", brief(woken)),
        (TaskState::Suspended(since), None) => format!("suspended for {}", brief(since)),
    }
}

fn about_wait(index: &Index<'_>, wait: &TreeWait) -> String {
    let granted = wait.granted.map(|granted| format!(" (granted {} ago)", brief(granted)));
    format!("{} for {}{}", what_for(index, wait), brief(wait.since), granted.unwrap_or_default())
}

fn what_for(index: &Index<'_>, wait: &TreeWait) -> String {
    match &wait.on {
        WaitsFor::Task(Some(task)) => format!("waits for {}", index.name(*task)),
        WaitsFor::Task(None) => "waits for a task that is not seen".to_owned(),
        WaitsFor::Settled(node) => format!("waits for what is below {}", index.name(*node)),
        WaitsFor::Cancellation(node) => format!("listens for the end of {}", index.name(*node)),
        WaitsFor::Permit(node) => format!("waits for a permit of {}", index.name(*node)),
        WaitsFor::Resource(resource) => match index.holders(resource.id) {
            [] => format!("waits for {resource}"),
            [holder] => format!("waits for {resource}, held by {},", index.name(*holder)),
            [holder, others @ ..] => {
                format!("waits for {resource}, held by {} and {} more,", index.name(*holder), others.len())
            }
        },
    }
}

/// Equal for those who wait for the same kind of thing; a task waits for its own, and that need not be named.
fn waits_without_times(index: &Index<'_>, id: u64) -> String {
    let waits = index.waits(id).map(|wait| match &wait.on {
        WaitsFor::Task(Some(task)) => match index.task(*task).and_then(|task| task.name.as_deref()) {
            Some(name) => format!("waits for a task `{name}`"),
            None => "waits for a task".to_owned(),
        },
        _ => what_for(index, wait),
    });
    waits.collect::<Vec<_>>().join(" · ")
}

pub(super) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn push_line(text: &mut String, line: &str) {
    push_escaped(text, line);
    text.push('\n');
}

/// What comes before the first mark is what the eye must find.
fn first_in_capitals(text: &str) -> String {
    let (first, rest) = text.split_at(text.find([':', ',']).unwrap_or(text.len()));
    format!("{}{rest}", first.to_uppercase())
}
