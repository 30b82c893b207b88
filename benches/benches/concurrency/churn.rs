//! A group that lives long and forgets results: a million children, of which a thousand are alive at most.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_concurrency::scope;
use tokio::{
    runtime::Runtime,
    task::{JoinSet, yield_now},
};

const TOTAL: u32 = 1_000_000;
const BURST: u32 = 500;

/// How many are alive. One benchmark runs at a time, and a shared count would cost each child two more.
static ALIVE: AtomicU32 = AtomicU32::new(0);

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let title = format!("{flavour}: churn of 1,000,000 children, 1,000 alive, results forgotten");
    let contenders = vec![
        Contender::timed("bowline scope", runtime, TOTAL, || time(ours())),
        Contender::timed("JoinSet, try_join_next", runtime, TOTAL, || time(join_set())),
    ];
    bench.compare(&title, "ns per child", ROUNDS, contenders);
}

async fn ours() {
    scope(async |group| {
        for _ in 0..TOTAL / BURST {
            ALIVE.fetch_add(BURST, Relaxed);
            (0..BURST).for_each(|_| drop(group.spawn(child())));
            thinned_out().await;
        }
    })
    .await;
}

async fn join_set() {
    let mut tasks = JoinSet::new();
    for _ in 0..TOTAL / BURST {
        ALIVE.fetch_add(BURST, Relaxed);
        for _ in 0..BURST {
            tasks.spawn(child());
        }
        thinned_out().await;
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}

async fn child() {
    ALIVE.fetch_sub(1, Relaxed);
}

/// Waits until there is room for another burst.
async fn thinned_out() {
    while ALIVE.load(Relaxed) > BURST {
        yield_now().await;
    }
}
