//! Many children, all values wanted.

use std::{sync::Arc, time::Duration};

use bowline_benches::{Bench, Contender, Gate, ROUNDS, Yields, clocked};
use tokio::runtime::{Runtime, RuntimeFlavor};

use crate::ways;

const CHILDREN: u32 = 100_000;

/// async-scoped polls its handles like a `FuturesOrdered` within the budget: with all children a sample takes seconds.
const CHILDREN_OF_ASYNC_SCOPED: u32 = 10_000;

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    compare_with(bench, &format!("{flavour}: 100,000 children, ready at once"), runtime, |_| ready);
    compare_with(bench, &format!("{flavour}: 100,000 children that yield once"), runtime, |_| |n| yielding(1, n));
    compare_with(bench, &format!("{flavour}: 100,000 children, parked until all are there"), runtime, |children| {
        let gate = Gate::opens_at(children);
        move |n| parked(gate.clone(), n)
    });
}

pub(crate) async fn ready(n: u32) -> u32 {
    n
}

pub(crate) async fn yielding(times: u32, n: u32) -> u32 {
    Yields(times).await;
    n
}

pub(crate) async fn parked(gate: Arc<Gate>, n: u32) -> u32 {
    gate.pass().await;
    n
}

/// `work` gives what makes the children of one sample, whose number it is told.
fn compare_with<C, F>(bench: &mut Bench, title: &str, runtime: &Runtime, work: impl Fn(u32) -> C + Copy)
where
    C: Fn(u32) -> F + Send + Sync + 'static,
    F: Future<Output = u32> + Send + 'static,
{
    let all = CHILDREN;
    let mut contenders = vec![
        Contender::timed("bowline scope", runtime, all, || in_order(all, ways::bowline(all, work(all)))),
        Contender::timed("tokio::spawn, Vec of handles", runtime, all, || in_order(all, ways::bare(all, work(all)))),
        Contender::timed("JoinSet, ordered by index", runtime, all, || in_order(all, ways::join_set(all, work(all)))),
        Contender::timed("JoinSet, as completed", runtime, all, || {
            in_any_order(all, ways::join_set_as_completed(all, work(all)))
        }),
        Contender::timed("TaskTracker, a oneshot each", runtime, all, || in_order(all, ways::tracker(all, work(all)))),
        Contender::timed("JoinMap", runtime, all, || in_order(all, ways::join_map(all, work(all)))),
        Contender::timed("FuturesUnordered, unconstrained handles", runtime, all, || {
            in_any_order(all, ways::futures_unordered(all, work(all)))
        }),
    ];
    if runtime.handle().runtime_flavor() == RuntimeFlavor::MultiThread {
        let some = CHILDREN_OF_ASYNC_SCOPED;
        contenders.push(Contender::timed("async-scoped (quadratic: 10,000 only)", runtime, some, move || {
            in_order(some, ways::async_scoped(some, work(some)))
        }));
    }
    bench.compare(title, "ns per child", ROUNDS, contenders);
}

async fn in_order(children: u32, work: impl Future<Output = Vec<u32>>) -> Duration {
    let (took, values) = clocked(work).await;
    assert!(values.into_iter().eq(0..children), "a value is missing or in the wrong place");
    took
}

async fn in_any_order(children: u32, work: impl Future<Output = Vec<u32>>) -> Duration {
    let (took, mut values) = clocked(work).await;
    values.sort_unstable();
    assert!(values.into_iter().eq(0..children), "a value is missing");
    took
}
