//! How the background tasks of a manager end together: finish, shutdown, and the drop of the manager.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, Scope, ScopeError, TaskGroup, cancelled, scope, shield, timeout, try_scope,
};
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{Census, SlowDrop, on_both, paused};

/// Notes why it is dropped.
struct AsksWhy(Arc<Mutex<Vec<String>>>);

impl Drop for AsksWhy {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(Scope::current().reason_for_drop().to_string());
    }
}

#[test]
fn bg_04_finish_waits_for_natural_ends_and_for_what_they_leave_behind() {
    paused(async {
        let (ended, released) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks = BackgroundTasks::new();
        for seconds in 1..=3 {
            let (ended, released) = (ended.clone(), released.clone());
            let task = async move {
                sleep(Duration::from_secs(seconds)).await;
                ended.fetch_add(1, SeqCst);
                Scope::current().hand_off(&tokio::runtime::Handle::current(), "release", async move {
                    sleep(Duration::from_secs(10)).await;
                    released.fetch_add(1, SeqCst);
                });
            };
            drop(tasks.spawn("sleeper", task).unwrap());
        }
        let began = Instant::now();
        tasks.finish().await;
        assert_eq!(began.elapsed(), Duration::from_secs(13));
        assert_eq!((ended.load(SeqCst), released.load(SeqCst)), (3, 3));
        assert_eq!(tasks.shutdown(Duration::ZERO).await.finished, 3);
    });
}

#[test]
fn bg_04_finish_waits_for_a_destructor_on_another_thread() {
    on_both(|| async {
        let census = Census::default();
        for _ in 0..50 {
            let tasks = BackgroundTasks::new();
            for _ in 0..4 {
                let inside = SlowDrop::new(census.enter());
                let task = async move {
                    let _inside = inside;
                    yield_now().await;
                };
                drop(tasks.spawn("slow to go", task).unwrap());
            }
            tasks.finish().await;
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn bg_05_failure_of_the_owner_cancels_what_it_waits_for() {
    on_both(|| async {
        let census = Census::default();
        let why = Arc::new(Mutex::new(Vec::new()));
        let (inside, asks) = (census.enter(), AsksWhy(why.clone()));
        let result = try_scope(async move |group: &TaskGroup<&str>| {
            let tasks = BackgroundTasks::new();
            let (up, running) = oneshot::channel();
            let endless = async move {
                let _inside = (asks, SlowDrop::new(inside));
                up.send(()).unwrap();
                pending::<()>().await;
            };
            drop(tasks.spawn("endless", endless).unwrap());
            drop(group.try_spawn(async move {
                running.await.unwrap();
                Err::<(), _>("the owner fails")
            }));
            tasks.finish().await;
            Ok(())
        });
        assert!(matches!(result.await, Err(ScopeError::Failed(_))));
        assert_eq!(census.alive(), 0, "the scope has returned before the task was gone");
        assert_eq!(*why.lock().unwrap(), ["another task of the group failed"]);
    });
}

#[test]
fn bg_24_timeout_around_a_manager_cancels_its_tasks() {
    paused(async {
        let census = Census::default();
        let why = Arc::new(Mutex::new(Vec::new()));
        let (inside, asks) = (census.enter(), AsksWhy(why.clone()));
        let began = Instant::now();
        let supervisor = async move {
            let tasks = BackgroundTasks::new();
            let endless = async move {
                let _inside = (asks, inside);
                pending::<()>().await;
            };
            drop(tasks.spawn("endless", endless).unwrap());
            tasks.finish().await;
        };
        let elapsed = timeout(Duration::from_secs(1), supervisor).named("supervisor").await.unwrap_err();
        assert!(elapsed.stragglers().is_empty(), "{elapsed}");
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert_eq!(census.alive(), 0);
        let why = why.lock().unwrap();
        assert!(why.len() == 1 && why[0].contains("supervisor"), "{why:?}");
    });
}

#[test]
fn bg_24_manager_that_is_shielded_from_the_timeout_runs_to_its_end() {
    paused(async {
        let (tell, told) = oneshot::channel();
        let began = Instant::now();
        let supervisor = async move {
            let tasks = BackgroundTasks::new();
            let task = async move {
                sleep(Duration::from_secs(3)).await;
                tell.send("to the end").unwrap();
            };
            drop(tasks.spawn("three seconds", task).unwrap());
            tasks.finish().await;
        };
        let shielded = shield(Duration::from_secs(60), supervisor);
        assert!(timeout(Duration::from_secs(1), shielded).await.is_err(), "a deadline is not ignored for a shield");
        assert_eq!(told.await, Ok("to the end"));
        assert_eq!(began.elapsed(), Duration::from_secs(3), "the timeout has waited for the shielded part");
    });
}

#[test]
fn bg_24_manager_of_a_branch_that_lost_is_cancelled_and_a_shielded_one_runs_to_its_end() {
    on_both(|| async {
        for shielded in [false, true] {
            let census = Census::default();
            let finished = Arc::new(AtomicUsize::new(0));
            scope(async |_| {
                let (up, running) = oneshot::channel();
                let (end, told) = oneshot::channel::<()>();
                let (inside, finished) = (SlowDrop::new(census.enter()), finished.clone());
                let supervisor = async move {
                    let tasks = BackgroundTasks::new();
                    let task = async move {
                        let _inside = inside;
                        up.send(()).unwrap();
                        drop(told.await);
                        finished.fetch_add(1, SeqCst);
                    };
                    drop(tasks.spawn("task", task).unwrap());
                    tasks.finish().await;
                };
                let budget = Duration::from_secs(60);
                if shielded {
                    tokio::select! { biased; () = shield(budget, supervisor) => unreachable!(), _ = running => {} }
                } else {
                    tokio::select! { biased; () = supervisor => unreachable!(), _ = running => {} }
                    // Dropped by the select: nothing that happens from here on lets the task go on.
                }
                let _ = end.send(());
            })
            .await;
            assert_eq!(census.alive(), 0);
            // Not shielded it was aborted, unless it had seen the end on its thread before it could be dropped.
            assert!(finished.load(SeqCst) == 1 || !shielded);
        }
    });
}

#[test]
fn bg_07_spawn_that_races_a_close_is_refused_or_runs_to_its_end() {
    on_both(|| async {
        for _ in 0..350 {
            let tasks = Arc::new(BackgroundTasks::new());
            let ran = Arc::new(AtomicUsize::new(0));
            let racing = tokio::spawn({
                let (tasks, ran) = (tasks.clone(), ran.clone());
                async move {
                    let mut accepted = 0;
                    loop {
                        let ran = ran.clone();
                        let task = async move {
                            yield_now().await;
                            ran.fetch_add(1, SeqCst);
                        };
                        if tasks.spawn("racer", task).is_err() {
                            return accepted;
                        }
                        accepted += 1;
                        yield_now().await;
                    }
                }
            });
            yield_now().await;
            tasks.finish().await;
            // Nothing is accepted after `finish` has returned, and nothing that was accepted is left.
            let ended = ran.load(SeqCst);
            assert_eq!(racing.await.unwrap(), ended);
            assert_eq!(tasks.shutdown(Duration::ZERO).await.finished, u64::try_from(ended).unwrap());
        }
    });
}

#[test]
fn two_shutdowns_and_a_finish_at_once_all_return() {
    on_both(|| async {
        let tasks = Arc::new(BackgroundTasks::new());
        let census = Census::default();
        let (up, running) = oneshot::channel();
        let inside = SlowDrop::new(census.enter());
        drop(tasks.spawn("endless", async move {
            let _inside = inside;
            up.send(()).unwrap();
            pending::<()>().await;
        }));
        running.await.unwrap();
        let waits = tokio::spawn({
            let tasks = tasks.clone();
            async move { tasks.finish().await }
        });
        yield_now().await;
        let other = tokio::spawn({
            let (tasks, census) = (tasks.clone(), census.clone());
            async move {
                let report = tasks.shutdown(Duration::ZERO).await;
                (report, census.alive())
            }
        });
        let report = tasks.shutdown(Duration::ZERO).await;
        assert_eq!(census.alive(), 0);
        let (other, alive) = other.await.unwrap();
        waits.await.unwrap();
        assert_eq!(alive, 0, "one has returned before the task was gone");
        assert!(report.stuck.is_empty() && other.stuck.is_empty(), "{report:?} {other:?}");
        // Each says what it found: the first one the task, and the other one too if it began early enough.
        assert!(report.aborted == ["endless"] || other.aborted == ["endless"], "{report:?} {other:?}");
    });
}

#[test]
fn shutdown_without_patience_ends_one_that_waits() {
    paused(async {
        let tasks = BackgroundTasks::new();
        drop(tasks.spawn("deaf", pending::<()>()).unwrap());
        let began = Instant::now();
        let (patient, hasty) = tokio::join!(tasks.shutdown(Duration::from_secs(60)), async {
            sleep(Duration::from_secs(1)).await;
            tasks.shutdown(Duration::ZERO).await
        });
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert_eq!(hasty.aborted, ["deaf"]);
        assert!(patient.stuck.is_empty(), "{patient:?}");
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
