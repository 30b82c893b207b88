//! Instructions for one unit, counted by valgrind: the cross-check that no neighbour disturbs.
//!
//! This program runs itself, with `--case` and two sizes, on current_thread.

use std::pin::Pin;

use bowline_benches::{Bench, Contender, ONCE, in_task, instructions, runtimes};

use crate::{
    children::{ready, yielding},
    small, timeouts, ways,
};

type Case = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Title, unit, and the cases by the names of their contenders: ours first.
type Comparison = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const COMPARISONS: &[Comparison] = &[
    (
        "instructions of a ready child",
        "instructions per child",
        &[
            ("bowline scope", "ready-bowline"),
            ("tokio::spawn, Vec of handles", "ready-bare"),
            ("JoinSet, ordered by index", "ready-join-set"),
            ("JoinSet, as completed", "ready-join-set-as-completed"),
            ("JoinMap", "ready-join-map"),
        ],
    ),
    (
        "instructions of a child that yields once",
        "instructions per child",
        &[
            ("bowline scope", "yield-bowline"),
            ("tokio::spawn, Vec of handles", "yield-bare"),
            ("JoinSet, ordered by index", "yield-join-set"),
        ],
    ),
    (
        "instructions of a timeout around a ready future",
        "instructions per timeout",
        &[("bowline timeout", "timeout-bowline"), ("tokio timeout", "timeout-tokio")],
    ),
    (
        "instructions of a small scope, 1 child",
        "instructions per scope",
        &[("bowline scope", "small-bowline"), ("JoinSet", "small-join-set")],
    ),
];

pub(crate) fn compare(bench: &mut Bench) {
    for (title, unit, cases) in COMPARISONS {
        let contenders = cases.iter().map(|(name, case)| Contender::new(*name, || instructions(case))).collect();
        bench.compare(&format!("current_thread: {title}"), unit, ONCE, contenders);
    }
}

/// Runs one case, and nothing else that would be counted.
pub(crate) fn run_alone(name: &str, count: u32) {
    let [(_, current_thread), _] = runtimes();
    in_task(&current_thread, case(name, count));
}

fn case(name: &str, count: u32) -> Case {
    match name {
        "ready-bowline" => case_of(ways::bowline(count, ready)),
        "ready-bare" => case_of(ways::bare(count, ready)),
        "ready-join-set" => case_of(ways::join_set(count, ready)),
        "ready-join-set-as-completed" => case_of(ways::join_set_as_completed(count, ready)),
        "ready-join-map" => case_of(ways::join_map(count, ready)),
        "yield-bowline" => case_of(ways::bowline(count, |n| yielding(1, n))),
        "yield-bare" => case_of(ways::bare(count, |n| yielding(1, n))),
        "yield-join-set" => case_of(ways::join_set(count, |n| yielding(1, n))),
        "timeout-bowline" => case_of(timeouts::ours_ready(count)),
        "timeout-tokio" => case_of(timeouts::tokio_ready(count)),
        "small-bowline" => case_of(small::ours::<1>(count)),
        "small-join-set" => case_of(small::join_set::<1>(count)),
        _ => panic!("there is no case `{name}`"),
    }
}

fn case_of(work: impl Future + Send + 'static) -> Case {
    Box::pin(async move {
        work.await;
    })
}
