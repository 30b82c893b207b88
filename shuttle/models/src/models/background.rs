//! Background tasks: spawned, shut down and dropped at the same time.

use std::{future::pending, sync::Arc};

use bowline_concurrency::{BackgroundTasks, Reason, cancelled, scope};

use crate::support::{ANY_MOMENT, Census, NEVER, any, moments};

pub(crate) async fn spawn_against_shutdown() {
    let census = Census::default();
    let tasks = Arc::new(BackgroundTasks::new());
    let spawning = tokio::spawn({
        let (tasks, census) = (tasks.clone(), census.clone());
        async move {
            let mut accepted = 0;
            for _ in 0..3 {
                accepted += u64::from(tasks.spawn("work", work(census.clone())).is_ok());
                moments(3).await;
            }
            accepted
        }
    });
    moments(5).await;
    let report = tasks.shutdown(ANY_MOMENT).await;
    census.assert_empty("the shutdown");
    assert!(report.stuck.is_empty(), "{report:?}");
    let accepted = spawning.await.expect("it does not panic");
    // A task that is about to be aborted may still end by itself, and is then in both.
    let told = report.finished + report.aborted.len() as u64;
    assert!(report.finished <= accepted && accepted <= told, "{accepted} were accepted: {report:?}");
    census.assert_empty("the shutdown");
    assert!(tasks.is_empty());
}

/// Counted from the first poll: one that is refused has never lived.
async fn work(census: Census) {
    let _here = census.enter();
    moments(4).await;
    match any(3) {
        0 => pending().await,
        1 => drop(cancelled().await),
        _ => {}
    }
}

pub(crate) async fn told_of_shutdown() {
    let census = Census::default();
    let tasks = BackgroundTasks::new();
    for _ in 0..2 {
        let census = census.clone();
        let spawned = tasks.spawn("asks", async move {
            let _here = census.enter();
            moments(3).await;
            // From inside an inline scope and a child of it: the reason comes down all edges.
            let reason = scope(async |group| {
                if any(2) == 0 { group.spawn(cancelled()).await } else { scope(async |_| cancelled().await).await }
            });
            assert!(matches!(reason.await, Reason::Shutdown));
        });
        assert!(spawned.is_ok());
    }
    moments(6).await;
    let report = tasks.shutdown(NEVER).await;
    census.assert_empty("the shutdown");
    assert!(report.aborted.is_empty() && report.stuck.is_empty(), "{report:?}");
    assert_eq!(report.finished, 2);
}

pub(crate) async fn dropped() {
    let census = Census::default();
    scope(async |group| {
        let tasks = Arc::new(BackgroundTasks::new());
        let spawning = group.spawn({
            let (tasks, census) = (tasks.clone(), census.clone());
            async move {
                for _ in 0..2 {
                    drop(tasks.spawn("work", crate::support::tree(1, census.clone())));
                    moments(3).await;
                }
            }
        });
        moments(3).await;
        drop(tasks); // Here or at the end of the child, whoever is last.
        drop(spawning);
    })
    .await;
    census.assert_empty("the scope");
}
