//! One deadline around many parked children: what it costs them. It is never reached.

use std::time::Duration;

use bowline_benches::{Bench, Contender, Gate, ROUNDS, time};
use bowline_concurrency::timeout;
use tokio::runtime::Runtime;

use crate::{children::parked, ways::bowline};

const CHILDREN: u32 = 100_000;
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let title = format!("{flavour}: a deadline for 100,000 children, parked until all are there");
    let contenders = vec![
        Contender::timed("bowline timeout around the scope", runtime, CHILDREN, || time(one_for_all())),
        Contender::timed("the same scope, no deadline", runtime, CHILDREN, || time(none())),
        Contender::timed("the same scope, a tokio timeout each", runtime, CHILDREN, || time(one_each())),
    ];
    bench.compare(&title, "ns per child", ROUNDS, contenders);
}

async fn one_for_all() -> Vec<u32> {
    timeout(LIMIT, none()).await.expect("the limit is far off")
}

async fn none() -> Vec<u32> {
    let gate = Gate::opens_at(CHILDREN);
    bowline(CHILDREN, |n| parked(gate.clone(), n)).await
}

async fn one_each() -> Vec<u32> {
    let gate = Gate::opens_at(CHILDREN);
    bowline(CHILDREN, |n| {
        let limited = tokio::time::timeout(LIMIT, parked(gate.clone(), n));
        async move { limited.await.expect("the limit is far off") }
    })
    .await
}
