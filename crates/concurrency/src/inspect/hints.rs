//! What looks like the reason why a program hangs.

use std::time::Duration;

use super::{
    circles,
    parts::{Hint, HintKind, TaskState, TreeTask, TreeWait, WaitsFor},
    tree::{Index, Tree},
};

pub(super) fn of(tree: &Tree, after: Duration) -> Vec<Hint> {
    let index = Index::new(tree);
    let mut hints: Vec<Hint> =
        circles::of(&index, after).into_iter().map(|circle| about_circle(&index, circle)).collect();
    hints.extend(tree.waits.iter().filter_map(|wait| held_by_itself(&index, wait, after)));
    // Each looks at all waits; more of them say no more.
    hints.extend(tree.waits.iter().filter_map(|wait| futurelock(&index, wait, after)).take(64));
    hints.extend(tree.tasks.iter().filter_map(|task| stall(&index, task, after)));
    hints
}

fn stall(index: &Index<'_>, task: &TreeTask, after: Duration) -> Option<Hint> {
    let (kind, text) = match (task.state, task.woken) {
        (TaskState::Running(since), _) if since > after => {
            let text = "unless that is in `block_in_place`, it blocks its thread";
            (HintKind::Busy, format!("has been inside one poll, or its drop, for {}: {text}", brief(since)))
        }
        (TaskState::Running(_), _) => return None,
        (TaskState::New(_), Some(woken)) if woken > after => (
            HintKind::Starved,
            format!("was spawned {} ago and has never been polled: its runtime is busy", brief(woken)),
        ),
        (_, Some(woken)) if woken > after => {
            (HintKind::Starved, format!("was woken {} ago and has not been polled: its runtime is busy", brief(woken)))
        }
        _ => return None,
    };
    Some(Hint { kind, about: vec![task.id], text: format!("{} {text}", index.name(task.id)) })
}

/// A task that sleeps, and waits for what it holds. No proof: of several futures in one task, each waits and holds in its name.
fn held_by_itself(index: &Index<'_>, wait: &TreeWait, after: Duration) -> Option<Hint> {
    let WaitsFor::Resource(resource) = &wait.on else { return None };
    let task = index.task(wait.waiter?).filter(|task| index.holds(task.id, resource.id))?;
    let sleeps = matches!(task.state, TaskState::Suspended(since) if since >= after) && task.woken.is_none();
    (sleeps && wait.since >= after && wait.granted.is_none()).then(|| {
        let name = index.name(task.id);
        let text = format!(
            "{name} waits for {resource}, which it holds: for ever, unless another future in the same task lets go of it"
        );
        Hint { kind: HintKind::Circle, about: vec![task.id, resource.id], text }
    })
}

/// A wait that was granted and is not polled, while whoever keeps it was polled since, and sleeps.
fn futurelock(index: &Index<'_>, wait: &TreeWait, after: Duration) -> Option<Hint> {
    let granted = wait.granted.filter(|granted| *granted > after)?;
    let owner = wait.waiter?;
    // A task that runs, or that was woken, may still poll it; one that never does is worth another hint.
    if index.task(owner).is_some_and(|task| !matches!(task.state, TaskState::Suspended(_)) || task.woken.is_some()) {
        return None;
    }
    let (target, what) = match &wait.on {
        WaitsFor::Permit(node) => (*node, format!("a permit of {}", index.name(*node))),
        WaitsFor::Resource(resource) => (resource.id, resource.to_string()),
        _ => return None,
    };
    let others: Vec<u64> = (index.tree.waits.iter())
        .filter(|other| !std::ptr::eq(*other, wait) && target_of(other) == Some(target))
        .filter_map(|other| other.waiter)
        .collect();
    let mut text = format!(
        "{} was granted {what} {} ago, and keeps the future without polling it",
        index.name(owner),
        brief(granted)
    );
    if !others.is_empty() {
        let names: Vec<String> = others.iter().take(3).map(|id| index.name(*id)).collect();
        text += &format!(
            "; {} waiting for it: {}",
            if others.len() == 1 { "one is" } else { "several are" },
            names.join(", ")
        );
        if others.len() > names.len() {
            text += &format!(" and {} more", others.len() - names.len());
        }
    }
    Some(Hint { kind: HintKind::Futurelock, about: [owner, target].into_iter().chain(others).collect(), text })
}

fn target_of(wait: &TreeWait) -> Option<u64> {
    match &wait.on {
        WaitsFor::Permit(node) => Some(*node),
        WaitsFor::Resource(resource) => Some(resource.id),
        _ => None,
    }
}

fn about_circle(index: &Index<'_>, circle: Vec<u64>) -> Hint {
    let mut names: Vec<String> = circle.iter().map(|id| index.name(*id)).collect();
    names.extend(names.first().cloned());
    Hint { kind: HintKind::Circle, about: circle, text: format!("a circle of waits: {}", names.join(" → ")) }
}

/// A duration as one reads it.
pub(super) fn brief(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}
