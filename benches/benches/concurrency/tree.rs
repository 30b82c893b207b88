//! What it costs to see: the time of a snapshot, and what each task pays while somebody may look.

use std::time::{Duration, Instant};

use bowline_benches::{Bench, Contender, ROUNDS, time};
use bowline_concurrency::{TaskGroup, inspect, tree};
use tokio::runtime::Runtime;

use crate::{children::yielding, ways};

const CHILDREN: u32 = 100_000;

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let contenders = vec![
        Contender::timed("off", runtime, CHILDREN, || time(ways::bowline(CHILDREN, |n| yielding(1, n)))),
        Contender::timed("on", runtime, CHILDREN, || async {
            inspect(true);
            let took = time(ways::bowline(CHILDREN, |n| yielding(1, n))).await;
            inspect(false);
            took
        }),
    ];
    bench.compare(
        &format!("{flavour}: a child that yields once, inspection off and on"),
        "ns per child",
        ROUNDS,
        contenders,
    );

    let contenders = vec![
        Contender::counted("tree()", runtime, || parked(|| drop(tree()))),
        Contender::counted("tree() and its text", runtime, || parked(|| drop(tree().to_string()))),
    ];
    bench.compare(&format!("{flavour}: a snapshot of 100,000 tasks"), "ms", ROUNDS, contenders);
}

/// The milliseconds that `look` takes beside so many suspended tasks.
async fn parked(look: impl Fn() + Send) -> f64 {
    inspect(true);
    let mut took = Duration::ZERO;
    let ended = TaskGroup::builder().name("parked").try_scope(async |group: &TaskGroup<String>| {
        for _ in 0..CHILDREN {
            drop(group.spawn(std::future::pending::<()>()));
        }
        tokio::task::yield_now().await;
        let began = Instant::now();
        look();
        took = began.elapsed();
        group.cancel("measured");
        Ok(())
    });
    ended.await.expect("the body has a value");
    inspect(false);
    took.as_secs_f64() * 1e3
}
