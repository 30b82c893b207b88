//! Background tasks.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, Scope, cancelled, scope};
use tokio::{sync::oneshot, task::yield_now};

use crate::{
    support::{Census, SlowDrop, on_both, paused},
    world::World,
};

#[test]
fn bg_01_finished_tasks_are_forgotten() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        for n in 0..100 {
            assert_eq!(tasks.spawn("count", async move { n }).unwrap().await, Some(n));
        }
        assert!(tasks.is_empty());
        assert_eq!(tasks.shutdown(Duration::ZERO).await.finished, 100);
    });
}

#[test]
fn bg_02_task_whose_handle_is_dropped_runs_to_its_end() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let (tell, told) = oneshot::channel();
        drop(tasks.spawn("tell", async move {
            yield_now().await;
            tell.send(7).unwrap();
        }));
        assert_eq!(told.await, Ok(7));
    });
}

#[test]
fn bg_06_spawn_after_shutdown_gives_the_future_back() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        tasks.shutdown(Duration::ZERO).await;
        let refused = tasks.spawn("late", async { 7 }).unwrap_err();
        assert_eq!(refused.into_inner().await, 7);
    });
}

#[test]
fn spawn_outside_a_runtime_gives_the_future_back() {
    let tasks = BackgroundTasks::new();
    assert!(tasks.spawn("no runtime", async {}).is_err());
}

#[test]
fn bg_07_spawn_that_races_a_shutdown_is_refused_or_waited_for() {
    on_both(|| async {
        for _ in 0..200 {
            let census = Census::default();
            let tasks = Arc::new(BackgroundTasks::new());
            let racing = tokio::spawn({
                let (tasks, census) = (tasks.clone(), census.clone());
                async move {
                    loop {
                        let inside = census.enter();
                        let task = async move {
                            let _inside = inside;
                            pending::<()>().await;
                        };
                        if tasks.spawn("racer", task).is_err() {
                            return;
                        }
                        yield_now().await;
                    }
                }
            });
            yield_now().await;
            let report = tasks.shutdown(Duration::ZERO).await;
            assert!(report.stuck.is_empty());
            racing.await.unwrap();
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn bg_09_failure_reaches_the_observer_once_with_its_name_and_touches_nobody_else() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        scope(async move |_| {
            Scope::current().observe_failures(move |failure| {
                list.lock().unwrap().push((failure.origin().to_owned(), failure.is_panic()));
            });
            let tasks = BackgroundTasks::new();
            let other = tasks.spawn("other", async {
                yield_now().await;
                7
            });
            let failed = tasks.try_spawn("fails", async { Err::<(), _>("no route") }).unwrap();
            let panicked = tasks.spawn("panics", async { panic!("boom") }).unwrap();
            assert_eq!(failed.await, None);
            assert_eq!(panicked.await, None::<()>);
            assert_eq!(other.unwrap().await, Some(7));
        })
        .await;
        let mut heard = std::mem::take(&mut *heard.lock().unwrap());
        heard.sort();
        assert_eq!(heard, [("fails".to_owned(), false), ("panics".to_owned(), true)]);
    });
}

#[test]
fn bg_22_shutdown_says_who_ended_by_itself_and_who_was_forced() {
    paused(async {
        let tasks = BackgroundTasks::new();
        for name in ["polite", "slow", "deaf"] {
            let task = async move {
                match name {
                    "polite" => drop(cancelled().await),
                    "slow" => {
                        cancelled().await;
                        tokio::time::sleep(Duration::from_secs(60)).await;
                    }
                    _ => pending().await,
                }
            };
            drop(tasks.spawn(name, task));
        }
        yield_now().await;
        let report = tasks.shutdown(Duration::from_secs(10)).await;
        assert_eq!(report.cooperative, ["polite"]);
        assert_eq!(report.aborted, ["slow", "deaf"]);
        assert!(report.stuck.is_empty());
    });
}

#[test]
fn bg_26_task_that_blocks_its_thread_is_reported_stuck() {
    crate::support::ends("stuck", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (unblock, blocked) = std::sync::mpsc::channel::<()>();
        let report = runtime.block_on(async {
            let tasks = BackgroundTasks::new();
            let (up, running) = oneshot::channel();
            drop(tasks.spawn("blocks", async move {
                up.send(()).unwrap();
                let _ = blocked.recv();
            }));
            running.await.unwrap();
            tasks.shutdown(Duration::ZERO).await
        });
        assert_eq!(report.stuck, ["blocks"]);
        drop(unblock);
    });
}

#[test]
fn dropped_manager_aborts_its_tasks_and_the_enclosing_scope_waits() {
    on_both(|| async {
        let census = Census::default();
        scope(async |_| {
            let tasks = BackgroundTasks::new();
            for _ in 0..10 {
                let inside = SlowDrop::new(census.enter());
                drop(tasks.spawn("leftover", async move {
                    let _inside = inside;
                    pending::<()>().await;
                }));
            }
            yield_now().await;
            drop(tasks);
        })
        .await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn shutdown_dropped_half_way_can_be_called_again() {
    paused(async {
        let tasks = BackgroundTasks::new();
        drop(tasks.spawn("deaf", pending::<()>()));
        let first = tokio::time::timeout(Duration::from_secs(1), tasks.shutdown(Duration::from_secs(60))).await;
        assert!(first.is_err());
        assert!(tasks.spawn("late", async {}).is_err(), "new tasks stay refused");
        assert_eq!(tasks.shutdown(Duration::ZERO).await.aborted, ["deaf"]);
    });
}

#[test]
fn value_without_a_handle_is_released_before_the_shutdown_returns() {
    on_both(|| async {
        for begun in [false, true] {
            let world = World::default();
            let tasks = BackgroundTasks::new();
            let (end, gate) = oneshot::channel::<()>();
            let inside = world.clone();
            let handle = tasks.spawn("a lease", async move {
                let _ = gate.await;
                inside.lease()
            });
            if begun {
                yield_now().await;
            }
            drop((handle, end));
            tasks.finish().await;
            world.assert_clean();
        }
    });
}

#[test]
fn value_whose_handle_is_kept_keeps_no_shutdown_waiting() {
    on_both(|| async {
        let world = World::default();
        scope(async |_| {
            let tasks = BackgroundTasks::new();
            let inside = world.clone();
            let kept = tasks.spawn("a lease", async move { inside.lease() }).unwrap();
            tasks.finish().await;
            assert_eq!((world.leases(), world.released()), (1, 0));
            drop(kept);
        })
        .await;
        world.assert_clean();
    });
}
