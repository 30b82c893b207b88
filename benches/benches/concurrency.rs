//! Scopes, cancellation and timeouts against Tokio's own.

use std::{
    future::{pending, ready},
    time::Duration,
};

use bowline_benches::{compare, in_task, runtimes};
use bowline_concurrency::{scope, settled, timeout};
use tokio::task::JoinSet;

const CHILDREN: u32 = 100_000;
const SMALL: u32 = 10_000;
const LIMIT: Duration = Duration::from_secs(5);

fn main() {
    for (flavour, runtime) in &runtimes() {
        compare(
            &format!("{flavour}: spawn 100,000 children, await them in order"),
            CHILDREN,
            vec![
                ("bowline scope", Box::new(|| in_task(runtime, ours()))),
                ("tokio::spawn, Vec of handles", Box::new(|| in_task(runtime, bare()))),
                ("tokio JoinSet", Box::new(|| in_task(runtime, join_set()))),
            ],
        );
        compare(
            &format!("{flavour}: open a scope, spawn one child, await it"),
            SMALL,
            vec![
                ("bowline scope", Box::new(|| in_task(runtime, ours_small()))),
                ("tokio JoinSet", Box::new(|| in_task(runtime, join_set_small()))),
            ],
        );
        compare(
            &format!("{flavour}: cancel 100,000 parked children, wait until they are gone"),
            CHILDREN,
            vec![
                ("bowline scope, dropped", Box::new(|| runtime.block_on(ours_cancelled()))),
                ("tokio JoinSet::shutdown", Box::new(|| runtime.block_on(join_set_cancelled()))),
            ],
        );
        compare(
            &format!("{flavour}: a timeout around a ready future"),
            CHILDREN,
            vec![
                ("bowline timeout", Box::new(|| in_task(runtime, ours_timeouts()))),
                ("tokio timeout", Box::new(|| in_task(runtime, tokio_timeouts()))),
            ],
        );
    }
}

async fn ours() -> u32 {
    scope(async |group| {
        let tasks: Vec<_> = (0..CHILDREN).map(|n| group.spawn(async move { n })).collect();
        let mut last = 0;
        for task in tasks {
            last = task.await;
        }
        last
    })
    .await
}

async fn bare() -> u32 {
    let tasks: Vec<_> = (0..CHILDREN).map(|n| tokio::spawn(async move { n })).collect();
    let mut last = 0;
    for task in tasks {
        last = task.await.expect("it does not panic");
    }
    last
}

async fn join_set() -> u32 {
    let mut tasks = JoinSet::new();
    for n in 0..CHILDREN {
        tasks.spawn(async move { n });
    }
    let mut last = 0;
    while let Some(n) = tasks.join_next().await {
        last = n.expect("it does not panic");
    }
    last
}

async fn ours_small() {
    for _ in 0..SMALL {
        scope(async |group| group.spawn(async { 1 }).await).await;
    }
}

async fn join_set_small() {
    for _ in 0..SMALL {
        let mut tasks = JoinSet::new();
        tasks.spawn(async { 1 });
        tasks.join_next().await;
    }
}

/// Lets the children park before the clock starts.
const PARKING: Duration = Duration::from_millis(30);

async fn ours_cancelled() -> Duration {
    let mut open = Box::pin(scope(async |group| {
        for _ in 0..CHILDREN {
            drop(group.spawn(pending::<()>()));
        }
        pending::<()>().await;
    }));
    tokio::select! { () = &mut open => {}, () = tokio::time::sleep(PARKING) => {} }
    let began = std::time::Instant::now();
    drop(open);
    settled().await;
    began.elapsed()
}

async fn join_set_cancelled() -> Duration {
    let mut tasks = JoinSet::new();
    for _ in 0..CHILDREN {
        tasks.spawn(pending::<()>());
    }
    tokio::time::sleep(PARKING).await;
    let began = std::time::Instant::now();
    tasks.shutdown().await;
    began.elapsed()
}

async fn ours_timeouts() {
    for _ in 0..CHILDREN {
        let _ = timeout(LIMIT, ready(())).await;
    }
}

async fn tokio_timeouts() {
    for _ in 0..CHILDREN {
        let _ = tokio::time::timeout(LIMIT, ready(())).await;
    }
}
