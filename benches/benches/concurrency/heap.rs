//! What a child takes from the heap.

use std::sync::Arc;

use bowline_benches::{Allocations, Bench, Contender, Gate, ONCE};
use bowline_concurrency::scope;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    children::{ready, yielding},
    ways,
};

const CHILDREN: u32 = 100_000;
const POLLS: u32 = 10;
const PARKED: u32 = 1_000_000;

const NAMES: [&str; 3] = ["bowline scope", "tokio::spawn, Vec of handles", "JoinSet, as completed"];

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let [ours, bare, join_set] = NAMES;
    let contenders = vec![
        Contender::counted(ours, runtime, || per_child(ways::bowline(CHILDREN, ready))),
        Contender::counted(bare, runtime, || per_child(ways::bare(CHILDREN, ready))),
        Contender::counted(join_set, runtime, || per_child(ways::join_set_as_completed(CHILDREN, ready))),
    ];
    bench.compare(&format!("{flavour}: allocations of a child"), "allocations per child", ONCE, contenders);

    let contenders = vec![
        Contender::counted(ours, runtime, || {
            per_poll(|gate, yields| ways::bowline(CHILDREN, move |n| patient(gate.clone(), yields, n)))
        }),
        Contender::counted(bare, runtime, || {
            per_poll(|gate, yields| ways::bare(CHILDREN, move |n| patient(gate.clone(), yields, n)))
        }),
        Contender::counted(join_set, runtime, || {
            per_poll(|gate, yields| ways::join_set_as_completed(CHILDREN, move |n| patient(gate.clone(), yields, n)))
        }),
    ];
    bench.compare(&format!("{flavour}: allocations of a poll of a child"), "allocations per poll", ONCE, contenders);

    let contenders = vec![
        Contender::counted(ours, runtime, ours_parked),
        Contender::counted(bare, runtime, bare_parked),
        Contender::counted(join_set, runtime, join_set_parked),
    ];
    let title = format!("{flavour}: live heap of a parked child, handles included, 1,000,000 children");
    bench.compare(&title, "bytes per child", ONCE, contenders);
}

async fn per_child<T>(work: impl Future<Output = T>) -> f64 {
    let allocations = Allocations::new();
    drop(work.await);
    allocations.count() / f64::from(CHILDREN)
}

/// What children allocate more when each is polled more often.
async fn per_poll<F: Future>(work: impl Fn(Arc<Gate>, u32) -> F) -> f64 {
    let once = per_child(work(Gate::opens_at(CHILDREN), 0)).await;
    (per_child(work(Gate::opens_at(CHILDREN), POLLS)).await - once) / f64::from(POLLS)
}

/// Yields when all are there: who ends while others are spawned, makes room that varies from run to run.
async fn patient(gate: Arc<Gate>, yields: u32, n: u32) -> u32 {
    gate.pass().await;
    yielding(yields, n).await
}

async fn ours_parked() -> f64 {
    let (gate, allocations) = (Gate::closed(), Allocations::new());
    scope(async |group| {
        let tasks: Vec<_> = (0..PARKED).map(|_| group.spawn(gate.clone().pass())).collect();
        let live = live(&gate, &allocations).await;
        for task in tasks {
            task.await;
        }
        live
    })
    .await
}

async fn bare_parked() -> f64 {
    let (gate, allocations) = (Gate::closed(), Allocations::new());
    let tasks: Vec<_> = (0..PARKED).map(|_| tokio::spawn(gate.clone().pass())).collect();
    let live = live(&gate, &allocations).await;
    for task in tasks {
        task.await.expect("it does not panic");
    }
    live
}

async fn join_set_parked() -> f64 {
    let (gate, allocations) = (Gate::closed(), Allocations::new());
    let mut tasks = JoinSet::new();
    for _ in 0..PARKED {
        tasks.spawn(gate.clone().pass());
    }
    let live = live(&gate, &allocations).await;
    while tasks.join_next().await.is_some() {}
    live
}

/// Bytes per child when all are parked; lets them go.
async fn live(gate: &Gate, allocations: &Allocations) -> f64 {
    gate.arrived(PARKED).await;
    let live = allocations.live_bytes() / f64::from(PARKED);
    gate.open();
    live
}
