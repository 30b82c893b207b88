//! Scopes with a few children: what opening and closing one costs.

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_concurrency::scope;
use tokio::{runtime::Runtime, task::JoinSet};

use crate::children::ready;

const SCOPES: u32 = 10_000;

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    compare_with::<1>(bench, &format!("{flavour}: a small scope, 1 child"), runtime);
    compare_with::<2>(bench, &format!("{flavour}: a small scope, 2 children"), runtime);
    compare_with::<4>(bench, &format!("{flavour}: a small scope, 4 children"), runtime);
}

fn compare_with<const CHILDREN: usize>(bench: &mut Bench, title: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::timed("bowline scope", runtime, SCOPES, || time(ours::<CHILDREN>(SCOPES))),
        Contender::timed("JoinSet", runtime, SCOPES, || time(join_set::<CHILDREN>(SCOPES))),
    ];
    bench.compare(title, "ns per scope", ROUNDS, contenders);
}

pub(crate) async fn ours<const CHILDREN: usize>(scopes: u32) -> u32 {
    let mut sum = 0;
    for n in 0..scopes {
        sum ^= scope(async |group| {
            let mut sum = 0;
            for task in [(); CHILDREN].map(|()| group.spawn(ready(n))) {
                sum ^= task.await;
            }
            sum
        })
        .await;
    }
    sum
}

pub(crate) async fn join_set<const CHILDREN: usize>(scopes: u32) -> u32 {
    let mut sum = 0;
    for n in 0..scopes {
        let mut tasks = JoinSet::new();
        for _ in 0..CHILDREN {
            tasks.spawn(ready(n));
        }
        while let Some(joined) = tasks.join_next().await {
            sum ^= joined.expect("it does not panic");
        }
    }
    sum
}
