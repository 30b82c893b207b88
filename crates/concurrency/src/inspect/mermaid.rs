//! The snapshot as a flowchart.

use std::{collections::HashSet, fmt::Write as _};

use super::{
    parts::WaitsFor,
    text::{about_node, about_task},
    tree::{Entry, Index, Tree},
};

pub(super) fn of(tree: &Tree, children: usize) -> String {
    let index = Index::new(tree);
    let mut chart = String::from("flowchart TD\n");
    let mut drawn = HashSet::new();
    let mut stack: Vec<u64> = tree.nodes.iter().filter(|node| node.parent.is_none()).map(|node| node.id).collect();
    for id in &stack {
        draw(&mut chart, &index, *id);
        drawn.insert(*id);
    }
    while let Some(id) = stack.pop() {
        let below = index.below(id);
        for entry in below.iter().take(children) {
            let child = match entry {
                Entry::Node(node) => tree.nodes[*node].id,
                Entry::Task(task) => tree.tasks[*task].id,
            };
            draw(&mut chart, &index, child);
            let _ = writeln!(chart, "    n{id} --> n{child}");
            drawn.insert(child);
            stack.push(child);
        }
        if below.len() > children {
            let _ = writeln!(chart, "    n{id} --> more{id}[\"{} more\"]", below.len() - children);
        }
    }
    for wait in &tree.waits {
        let (target, label) = match &wait.on {
            WaitsFor::Task(Some(id)) | WaitsFor::Settled(id) => (*id, "waits for"),
            WaitsFor::Permit(id) => (*id, "waits for a permit of"),
            WaitsFor::Resource(resource) => (resource.id, "waits for"),
            WaitsFor::Task(None) | WaitsFor::Cancellation(_) => continue,
        };
        if let WaitsFor::Resource(resource) = &wait.on {
            if drawn.insert(resource.id) {
                let _ = writeln!(chart, "    n{}[/\"{}\"/]", resource.id, escaped(&resource.to_string()));
            }
        }
        if let Some(waiter) = wait.waiter.filter(|waiter| drawn.contains(waiter) && drawn.contains(&target)) {
            let _ = writeln!(chart, "    n{waiter} -. {label} .-> n{target}");
        }
    }
    for hold in &tree.holds {
        if let Some(holder) = hold.holder.filter(|holder| drawn.contains(holder) && drawn.contains(&hold.resource.id)) {
            let _ = writeln!(chart, "    n{} -. held by .-> n{holder}", hold.resource.id);
        }
    }
    chart
}

fn draw(chart: &mut String, index: &Index<'_>, id: u64) {
    let _ = match (index.node(id), index.task(id)) {
        (Some(node), _) => writeln!(chart, "    n{id}[\"{}\"]", escaped(&about_node(index, node))),
        (None, Some(task)) => writeln!(chart, "    n{id}([\"{}\"])", escaped(&about_task(index, task))),
        (None, None) => Ok(()),
    };
}

/// Everything that could mean something to Mermaid or to HTML as a number.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for char in text.chars() {
        match char {
            char if char.is_alphanumeric() || " ._-:/,·×".contains(char) => safe.push(char),
            char if char.is_control() => safe.push(' '),
            char => {
                let _ = write!(safe, "#{};", u32::from(char));
            }
        }
    }
    safe
}
