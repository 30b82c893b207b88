//! Everything that can be awaited, dropped at every await point, on both runtimes: nothing is left, nothing is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, TaskGroup, hand_off, root_scope, scope, settled, shield, timeout, try_scope,
};
use bowline_testing::assert_cancel_safe;
use tokio::{runtime::Handle, task::yield_now};

use crate::support::{Census, SlowDrop};

/// Suspends a few times with a local that must be gone when somebody returns.
async fn work(census: Census) -> usize {
    let _here = SlowDrop::new(census.enter());
    for _ in 0..3 {
        yield_now().await;
    }
    1
}

async fn nobody_left(census: Census) {
    assert_eq!(census.alive(), 0, "something outlived its scope");
}

#[test]
fn tg_06_nested_scopes_dropped_anywhere_leave_nothing() {
    let nested = |census: Census| async move {
        scope(async |outer| {
            let inner = census.clone();
            let task = outer.spawn(async move {
                scope(async |group| group.spawn(work(inner.clone())).await + group.spawn(work(inner)).await).await
            });
            work(census.clone()).await + task.await
        })
        .await
    };
    let visited = assert_cancel_safe(
        async || {
            let census = Census::default();
            (nested(census.clone()), census)
        },
        nobody_left,
    );
    println!("nested scopes: {visited}");
    visited.at_least(4);
}

#[test]
fn tg_07_failing_scope_dropped_anywhere_leaves_nothing() {
    let visited = assert_cancel_safe(
        async || {
            let census = Census::default();
            let inside = census.clone();
            let future = async move {
                let result = try_scope(async |group: &TaskGroup<&str>| {
                    drop(group.spawn(work(inside.clone())));
                    work(inside.clone()).await;
                    group.try_spawn(async { Err::<(), _>("boom") }).await;
                    Ok(())
                })
                .await;
                assert!(result.is_err());
            };
            (future, census)
        },
        nobody_left,
    );
    println!("failing scope: {visited}");
    visited.at_least(4);
}

#[test]
fn timeout_over_a_scope_dropped_anywhere_leaves_nothing() {
    for limit in [Duration::ZERO, Duration::from_millis(1), Duration::from_secs(60)] {
        let visited = assert_cancel_safe(
            async || {
                let census = Census::default();
                let inside = census.clone();
                let future = async move {
                    let body = scope(async |group| {
                        let sleeping = inside.clone();
                        group
                            .spawn(async move {
                                let _here = SlowDrop::new(sleeping.enter());
                                tokio::time::sleep(Duration::from_millis(2)).await;
                            })
                            .await;
                        work(inside.clone()).await
                    });
                    let _ = timeout(limit, body).await;
                };
                (future, census)
            },
            nobody_left,
        );
        println!("timeout of {limit:?}: {visited}");
        visited.at_least(1);
    }
}

#[test]
fn cs_07_shielded_work_dropped_anywhere_is_done_once() {
    let visited = assert_cancel_safe(
        async || {
            let (begun, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let state = (begun.clone(), done.clone());
            let work = async move {
                begun.fetch_add(1, SeqCst);
                for _ in 0..4 {
                    yield_now().await;
                }
                done.fetch_add(1, SeqCst);
            };
            (shield(Duration::from_secs(30), work), state)
        },
        async |(begun, done)| assert_eq!(begun.load(SeqCst), done.load(SeqCst), "begun, and not done"),
    );
    println!("shield: {visited}");
    visited.at_least(4);
}

#[test]
fn shutdown_of_background_tasks_dropped_anywhere_leaves_nothing() {
    let visited = assert_cancel_safe(
        async || {
            let census = Census::default();
            let tasks = BackgroundTasks::new();
            let inside = census.clone();
            drop(tasks.spawn("works", work(census.clone())));
            drop(tasks.spawn("never ends", async move {
                let _here = SlowDrop::new(inside.enter());
                std::future::pending::<()>().await;
            }));
            (async move { tasks.shutdown(Duration::from_millis(1)).await.aborted.len() }, census)
        },
        nobody_left,
    );
    println!("shutdown: {visited}");
    visited.at_least(1);
}

#[test]
fn root_and_settled_dropped_anywhere_lose_no_release() {
    let visited = assert_cancel_safe(
        async || {
            let (owed, released) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let state = (owed.clone(), released.clone());
            let future = root_scope(async move {
                for _ in 0..3 {
                    let released = released.clone();
                    owed.fetch_add(1, SeqCst);
                    hand_off(&Handle::current(), "release", async move {
                        yield_now().await;
                        released.fetch_add(1, SeqCst);
                    });
                    settled().await;
                }
            });
            (future, state)
        },
        async |(owed, released)| assert_eq!(owed.load(SeqCst), released.load(SeqCst), "a release was lost"),
    );
    println!("root and settled: {visited}");
    visited.at_least(3);
}
