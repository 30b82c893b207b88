//! Background tasks.

use std::time::Duration;

use bowline_concurrency::{BackgroundTask, BackgroundTasks, Restart};
use bowline_testing::{Visited, assert_cancel_safe};
use tokio::task::yield_now;

use crate::world::{Lease, World};

/// Tasks in the future itself: they go with it.
fn tasks(world: &World) -> (BackgroundTasks, BackgroundTask<Lease>) {
    let tasks = BackgroundTasks::new();
    drop(tasks.spawn("works", world.clone().work()));
    drop(tasks.spawn("too", world.clone().work()));
    let (taken, left) = (world.lease(), world.lease());
    let kept = tasks.spawn("kept", async move { taken }); // Its value belongs to whoever has the handle.
    drop(tasks.spawn("left", async move { left }));
    (tasks, kept.unwrap())
}

pub(super) fn finish() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let (tasks, kept) = tasks(&inside);
                tasks.finish().await;
                assert_eq!(inside.released() + 1, inside.leases());
                drop(kept);
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(1);
    visited
}

pub(super) fn shutdown() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let (tasks, kept) = tasks(&inside);
                tasks.spawn("never ends", inside.clone().endless()).unwrap();
                let report = tasks.shutdown(Duration::from_millis(2)).await;
                assert!(report.aborted.iter().any(|name| name == "never ends") && report.stuck.is_empty());
                assert_eq!(inside.released() + 1, inside.leases());
                drop(kept);
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(2);
    visited
}

pub(super) fn task() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let (tasks, kept) = tasks(&inside);
                let below = inside.clone();
                let task = tasks.spawn("a lease", async move {
                    below.clone().work().await;
                    below.lease()
                });
                drop((task.unwrap().await, kept));
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(1);
    visited
}

pub(super) fn cancel_task() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let (tasks, kept) = tasks(&inside);
                let endless = tasks.spawn("never ends", inside.clone().endless()).unwrap();
                let below = inside.clone();
                let finished = tasks.spawn("a lease", async move { below.lease() }).unwrap();
                yield_now().await;
                assert!(endless.cancel().await.is_none());
                drop((finished.cancel().await, kept));
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(2);
    visited
}

pub(super) fn join() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let (tasks, kept) = tasks(&inside);
                tasks.join().await.unwrap();
                assert_eq!(inside.released() + 1, inside.leases());
                drop(kept);
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(1);
    visited
}

pub(super) fn vacated() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let (tasks, kept) = tasks(&inside);
                let slot = tasks.slot("a");
                assert!(!slot.replace(inside.clone().endless()).unwrap().1.await);
                yield_now().await;
                assert!(slot.replace(inside.clone().endless()).unwrap().1.await);
                yield_now().await;
                assert!(slot.cancel().await);
                drop(kept);
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(3);
    visited
}

pub(super) fn supervised() -> Visited {
    let visited = assert_cancel_safe(
        async || {
            let world = World::default();
            let inside = world.clone();
            let future = async move {
                let (tasks, kept) = tasks(&inside);
                tasks.observe_failures(|_| {});
                let (below, mut run) = (inside.clone(), 0);
                let task = tasks.supervise(
                    "works",
                    Restart::on_failure().backoff(Duration::ZERO, Duration::ZERO),
                    move || {
                        run += 1;
                        let (run, below) = (run, below.clone());
                        async move {
                            below.clone().work().await;
                            if run < 3 { Err(run) } else { Ok(below.lease()) }
                        }
                    },
                );
                drop((task.unwrap().await.unwrap(), kept));
            };
            (future, world)
        },
        World::left_clean,
    );
    visited.at_least(1);
    visited
}
