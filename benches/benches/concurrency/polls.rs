//! How often a parent is woken to join its children: a count.

use std::{future::poll_fn, pin::pin};

use bowline_benches::{Bench, Contender, ROUNDS};
use bowline_concurrency::scope;
use tokio::runtime::Runtime;

use crate::{children::ready, ways};

const CHILDREN: u32 = 10_000;

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::counted("bowline scope, its end", runtime, || polls(end_of_scope())),
        Contender::counted("bowline scope, each in order", runtime, || polls(ways::bowline(CHILDREN, ready))),
        Contender::counted("tokio::spawn, Vec of handles", runtime, || polls(ways::bare(CHILDREN, ready))),
        Contender::counted("JoinSet, as completed", runtime, || polls(ways::join_set_as_completed(CHILDREN, ready))),
    ];
    bench.compare(&format!("{flavour}: polls of a parent that joins 10,000 children"), "polls", ROUNDS, contenders);
}

/// The last child wakes the scope, and no other.
async fn end_of_scope() {
    scope(async |group| (0..CHILDREN).for_each(|n| drop(group.spawn(ready(n))))).await;
}

async fn polls<F: Future>(work: F) -> f64 {
    let mut work = pin!(work);
    let mut polls = 0_u32;
    poll_fn(|cx| {
        polls += 1;
        work.as_mut().poll(cx)
    })
    .await;
    f64::from(polls)
}
