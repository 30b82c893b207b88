//! Many parked children, cancelled and waited for. The clock runs from the cancellation to the end of the last one.

use std::time::{Duration, Instant};

use bowline_benches::{Bench, Contender, Gate, ROUNDS};
use bowline_concurrency::{scope, settled};
use tokio::{runtime::Runtime, select, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

const CHILDREN: u32 = 100_000;

pub(crate) fn compare(bench: &mut Bench, flavour: &str, runtime: &Runtime) {
    let title = format!("{flavour}: cancel 100,000 parked children, wait until they are gone");
    let contenders = vec![
        Contender::timed("bowline scope dropped, settled", runtime, CHILDREN, ours),
        Contender::timed("JoinSet::shutdown", runtime, CHILDREN, join_set),
        Contender::timed("a child CancellationToken each, TaskTracker", runtime, CHILDREN, tokens),
    ];
    bench.compare(&title, "ns per child", ROUNDS, contenders);
}

async fn ours() -> Duration {
    let gate = Gate::closed();
    let mut open = Box::pin(scope(async |group| {
        (0..CHILDREN).for_each(|_| drop(group.spawn(gate.clone().pass())));
        std::future::pending::<()>().await;
    }));
    select! {
        biased;
        () = &mut open => unreachable!("its body is pending"),
        () = gate.arrived(CHILDREN) => {}
    }
    let began = Instant::now();
    drop(open);
    settled().await;
    began.elapsed()
}

async fn join_set() -> Duration {
    let gate = Gate::closed();
    let mut tasks = JoinSet::new();
    for _ in 0..CHILDREN {
        tasks.spawn(gate.clone().pass());
    }
    gate.arrived(CHILDREN).await;
    let began = Instant::now();
    tasks.shutdown().await;
    began.elapsed()
}

async fn tokens() -> Duration {
    let gate = Gate::closed();
    let (token, tasks) = (CancellationToken::new(), TaskTracker::new());
    for _ in 0..CHILDREN {
        let (gate, token) = (gate.clone(), token.child_token());
        tasks.spawn(async move {
            select! {
                () = token.cancelled() => {}
                () = gate.pass() => {}
            }
        });
    }
    gate.arrived(CHILDREN).await;
    let began = Instant::now();
    token.cancel();
    tasks.close();
    tasks.wait().await;
    began.elapsed()
}
