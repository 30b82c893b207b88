//! What a shutdown tells, whoever calls it.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, Periodic, Restart, cancelled, hand_off};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now, time::Instant};

use crate::support::{Census, LONG, SlowDrop, ends, on_both, on_drop, paused};

const SECOND: Duration = Duration::from_secs(1);

/// Owes a release that hangs.
async fn owes_for_ever() {
    let _owes = on_drop(|| hand_off(&Handle::current(), "a release that hangs", pending()));
    pending::<()>().await;
}

#[test]
fn bg_22_report_names_tasks_of_every_kind_and_the_cleanups_that_hang() {
    paused(async {
        let tasks = BackgroundTasks::new().settle_within(SECOND);
        tasks.observe_failures(|_| {});
        drop(tasks.spawn("done", async {}).unwrap());
        drop(tasks.spawn("polite", async { drop(cancelled().await) }).unwrap());
        drop(tasks.spawn("deaf", pending::<()>()).unwrap());
        drop(tasks.slot("slot").replace(pending::<()>()).unwrap());
        drop(tasks.slot("slot").replace(owes_for_ever()).unwrap());
        drop(tasks.periodic("periodic", Periodic::every(LONG).at_once(), owes_for_ever).unwrap());
        drop(tasks.supervise("supervised", Restart::always(), owes_for_ever).unwrap());
        for _ in 0..5 {
            yield_now().await;
        }
        let began = Instant::now();
        let report = tasks.shutdown(SECOND * 10).await;
        assert_eq!(began.elapsed(), SECOND * 11);
        assert_eq!((report.finished, report.replaced), (2, 1));
        assert_eq!(report.cooperative, ["polite"]);
        assert_eq!(report.aborted, ["deaf", "slot", "periodic", "supervised"]);
        // The tasks are gone; what they owe is not, and says whose it is.
        for owner in ["slot: a release that hangs", "periodic", "supervised, run 1: a release that hangs"] {
            let named = |left: &&String| left.contains(owner);
            assert_eq!(report.stuck.iter().filter(named).count(), 1, "{owner}: {:?}", report.stuck);
        }
        assert!(!report.is_clean());
    });
}

#[test]
fn bg_22_report_reads_as_a_sentence() {
    paused(async {
        let tasks = BackgroundTasks::new().settle_within(SECOND);
        assert_eq!(BackgroundTasks::new().shutdown(SECOND).await.to_string(), "0 tasks ended by themselves");
        drop(tasks.slot("slot").replace(pending::<()>()).unwrap());
        drop(tasks.slot("slot").cancel());
        drop(tasks.spawn("polite", async { drop(cancelled().await) }).unwrap());
        drop(tasks.spawn("deaf", owes_for_ever()).unwrap());
        for _ in 0..5 {
            yield_now().await;
        }
        // Not gone yet when the shutdown begins, and not its business.
        drop(tasks.slot("late").replace(pending::<()>()).unwrap());
        drop(tasks.slot("late").cancel());
        let report = tasks.shutdown(SECOND).await;
        assert_eq!(
            report.to_string(),
            "1 task ended by itself, polite within the grace; replaced in their slots: 2; aborted after the grace: deaf; \
             still not gone: a release that hangs"
        );
    });
}

#[test]
fn bg_22_clean_report_has_nobody_forced() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        drop(tasks.spawn("polite", async { drop(cancelled().await) }).unwrap());
        drop(tasks.spawn("done", async {}).unwrap());
        let report = tasks.shutdown(LONG).await;
        assert!(report.is_clean() && report.finished == 2, "{report}");
    });
}

#[test]
fn shutdown_from_inside_a_task_ends_with_that_task() {
    on_both(|| async {
        let (tasks, census) = (Arc::new(BackgroundTasks::new()), Census::default());
        let other = SlowDrop::new(census.enter());
        drop(tasks.spawn("other", async move {
            let _other = other;
            pending::<()>().await;
        }));
        let (inside, alive) = (tasks.clone(), SlowDrop::new(census.enter()));
        let asks = tasks.spawn("asks", async move {
            let _alive = alive;
            drop(inside.shutdown(Duration::from_millis(5)).await);
            unreachable!("it has waited for its own end");
        });
        assert_eq!(asks.unwrap().await, None::<()>);
        // From outside: everything is gone already, or on its way.
        let report = tasks.shutdown(LONG).await;
        assert!(report.stuck.is_empty(), "{report}");
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn finish_and_join_from_inside_end_with_a_shutdown_from_outside() {
    on_both(|| async {
        let tasks = Arc::new(BackgroundTasks::new());
        let inside = tasks.clone();
        drop(tasks.spawn("joins", async move { drop(inside.join().await) }));
        let inside = tasks.clone();
        drop(tasks.spawn("finishes", async move { inside.finish().await }));
        while !tasks.is_closed() {
            yield_now().await;
        }
        let report = tasks.shutdown(Duration::ZERO).await;
        assert_eq!(report.aborted, ["joins", "finishes"]);
    });
}

#[test]
fn shutdowns_of_every_kind_at_once_all_return() {
    on_both(|| async {
        for _ in 0..100 {
            let (tasks, census) = (Arc::new(BackgroundTasks::new()), Census::default());
            for _ in 0..4 {
                let inside = SlowDrop::new(census.enter());
                let work = async move {
                    let _inside = inside;
                    pending::<()>().await;
                };
                drop(tasks.slot("slot").replace(work).unwrap());
                let alive = census.clone();
                drop(tasks.periodic("periodic", Periodic::every(LONG).at_once(), move || {
                    let inside = SlowDrop::new(alive.enter());
                    async move {
                        let _inside = inside;
                        pending::<()>().await;
                    }
                }));
                drop(tasks.supervise("supervised", Restart::always().backoff(Duration::ZERO, SECOND), async || {}));
            }
            tasks.observe_failures(|_| {});
            let others = [1, 2, 3].map(|n| {
                let tasks = tasks.clone();
                tokio::spawn(async move {
                    match n {
                        1 => drop(tasks.shutdown(LONG).await),
                        2 => tasks.finish().await,
                        _ => drop(tasks.join().await),
                    }
                })
            });
            // One is given up half-way.
            drop(tokio::time::timeout(Duration::ZERO, tasks.shutdown(LONG)).await);
            let report = tasks.shutdown(Duration::ZERO).await;
            assert!(report.stuck.is_empty(), "{report}");
            assert_eq!(census.alive(), 0);
            for other in others {
                other.await.unwrap();
            }
        }
    });
}

#[test]
fn time_to_settle_can_be_set_to_nothing() {
    ends("no time to settle", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (unblock, blocked) = std::sync::mpsc::channel::<()>();
        runtime.block_on(async {
            let tasks = BackgroundTasks::new().settle_within(Duration::ZERO);
            let (up, running) = oneshot::channel();
            let blocked = Mutex::new(blocked);
            let mut up = Some(up);
            // Blocks in its first poll. A task that blocks after a timer has woken it may stop the timers of Tokio with it.
            drop(tasks.supervise("blocks", Restart::on_failure(), move || {
                let _ = up.take().unwrap().send(());
                let _ = blocked.lock().unwrap().recv();
                async {}
            }));
            running.await.unwrap();
            let report = tasks.shutdown(Duration::ZERO).await;
            assert_eq!(report.stuck, ["blocks"]);
            drop(unblock);
            tasks.finish().await;
            assert!(tasks.is_empty());
        });
    });
}
