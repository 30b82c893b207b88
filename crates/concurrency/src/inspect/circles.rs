//! Circles in "waits for, and is held by". Each strongly connected part gives one circle, found without recursion.
//!
//! Only tasks wait and hold here, and only waits that have lasted for a while count. Code of a node outside its tasks may be several futures, or
//! several tasks that are not seen, of which each waits for another one.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    time::Duration,
};

use super::{
    parts::WaitsFor,
    tree::{Entry, Index},
};

/// More of them say no more.
const CIRCLES: usize = 16;

/// The circles, each as the numbers of those who wait for each other, in order.
pub(super) fn of(index: &Index<'_>, after: Duration) -> Vec<Vec<u64>> {
    let edges = edges(index, after);
    let mut circles = Vec::new();
    for part in parts(&edges) {
        let inside: HashSet<u64> = part.iter().copied().collect();
        circles.extend(shortest(&edges, &inside, part.iter().copied().min().unwrap_or(0)));
        if circles.len() == CIRCLES {
            break;
        }
    }
    circles
}

type Edges = HashMap<u64, Vec<u64>>;

/// From a task to what it waits for, from there to the tasks on which that depends.
fn edges(index: &Index<'_>, after: Duration) -> Edges {
    let mut edges = Edges::new();
    for wait in index.tree.waits.iter().filter(|wait| wait.since >= after) {
        let Some(from) = wait.waiter.filter(|waiter| index.task(*waiter).is_some()) else { continue };
        let to = match &wait.on {
            WaitsFor::Task(Some(task)) => *task,
            WaitsFor::Settled(node) => {
                edges.entry(*node).or_insert_with(|| tasks_below(index, *node).collect());
                *node
            }
            WaitsFor::Permit(node) => {
                let line = line(*node);
                edges.entry(line).or_insert_with(|| with_permit(index, *node));
                line
            }
            // Another future in the task may hold it, and let go of it; see `hints::held_by_itself`.
            WaitsFor::Resource(resource) if index.holds(from, resource.id) => continue,
            WaitsFor::Resource(resource) => resource.id,
            WaitsFor::Task(None) | WaitsFor::Cancellation(_) => continue,
        };
        edges.entry(from).or_default().push(to);
    }
    for hold in &index.tree.holds {
        if let Some(holder) = hold.holder.filter(|holder| index.task(*holder).is_some()) {
            edges.entry(hold.resource.id).or_default().push(holder);
        }
    }
    edges
}

// One more vertex for a node. Numbers stay far below this bit.
const LINE: u64 = 1 << 63;

fn line(node: u64) -> u64 {
    node | LINE
}

fn tasks_below(index: &Index<'_>, node: u64) -> impl Iterator<Item = u64> {
    index.below(node).iter().filter_map(|entry| match entry {
        Entry::Task(task) => Some(index.tree.tasks[*task].id),
        Entry::Node(_) => None,
    })
}

/// The tasks of a group that have a permit: those that do not wait for one.
fn with_permit(index: &Index<'_>, node: u64) -> Vec<u64> {
    let waits = |task: &u64| index.waits(*task).any(|wait| matches!(wait.on, WaitsFor::Permit(group) if group == node));
    tasks_below(index, node).filter(|task| !waits(task)).collect()
}

/// The strongly connected parts in which somebody waits for themselves: Tarjan's algorithm, with a stack of its own.
fn parts(edges: &Edges) -> Vec<Vec<u64>> {
    let mut state = Tarjan::default();
    let mut parts = Vec::new();
    for start in edges.keys().copied() {
        if state.order.contains_key(&start) {
            continue;
        }
        state.enter(start);
        let mut calls = vec![(start, 0)];
        while let Some((vertex, next)) = calls.last_mut() {
            let vertex = *vertex;
            if let Some(target) = edges.get(&vertex).and_then(|targets| targets.get(*next)).copied() {
                *next += 1;
                match state.order.get(&target).copied() {
                    None => {
                        state.enter(target);
                        calls.push((target, 0));
                    }
                    Some(order) if state.on_stack.contains(&target) => state.lower(vertex, order),
                    Some(_) => {}
                }
                continue;
            }
            calls.pop();
            if let Some((above, _)) = calls.last() {
                let low = state.low[&vertex];
                state.lower(*above, low);
            }
            if state.low[&vertex] == state.order[&vertex] {
                let part = state.take_part(vertex);
                let itself = edges.get(&vertex).is_some_and(|targets| targets.contains(&vertex));
                if part.len() > 1 || itself {
                    parts.push(part);
                }
            }
        }
    }
    parts
}

#[derive(Default)]
struct Tarjan {
    order: HashMap<u64, usize>,
    low: HashMap<u64, usize>,
    stack: Vec<u64>,
    on_stack: HashSet<u64>,
}

impl Tarjan {
    fn enter(&mut self, vertex: u64) {
        let order = self.order.len();
        self.order.insert(vertex, order);
        self.low.insert(vertex, order);
        self.stack.push(vertex);
        self.on_stack.insert(vertex);
    }

    fn lower(&mut self, vertex: u64, to: usize) {
        let low = self.low.entry(vertex).or_insert(to);
        *low = to.min(*low);
    }

    fn take_part(&mut self, first: u64) -> Vec<u64> {
        let mut part = Vec::new();
        while let Some(vertex) = self.stack.pop() {
            self.on_stack.remove(&vertex);
            part.push(vertex);
            if vertex == first {
                break;
            }
        }
        part
    }
}

/// The shortest way from `start` back to itself.
fn shortest(edges: &Edges, inside: &HashSet<u64>, start: u64) -> Option<Vec<u64>> {
    let mut from: HashMap<u64, u64> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(vertex) = queue.pop_front() {
        for target in edges.get(&vertex).into_iter().flatten().filter(|target| inside.contains(target)) {
            if *target == start {
                let mut way = vec![vertex];
                while let Some(before) = from.get(way.last()?).filter(|_| way.last() != Some(&start)) {
                    way.push(*before);
                }
                way.reverse();
                return Some(way.into_iter().map(|vertex| vertex & !LINE).collect());
            }
            if !from.contains_key(target) && *target != start {
                from.insert(*target, vertex);
                queue.push_back(*target);
            }
        }
    }
    None
}
