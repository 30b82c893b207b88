//! Waiting for background tasks without closing anything.

use std::{future::pending, sync::Arc, time::Duration};

use bowline_concurrency::{BackgroundTasks, TaskFailed};
use bowline_testing::Polled;
use tokio::{sync::oneshot, task::yield_now};

use crate::{
    support::{Alive, Census, Owes, finish, on_both, stays_pending},
    world::World,
};

fn quiet() -> BackgroundTasks {
    let tasks = BackgroundTasks::new();
    tasks.observe_failures(|_| {});
    tasks
}

fn told(failed: Result<(), TaskFailed>) -> String {
    failed.map_or_else(|failed| format!("{}: {failed}", failed.name()), |()| "none".to_owned())
}

#[test]
fn bg_12_join_waits_for_natural_ends_and_closes_nothing() {
    on_both(|| async {
        let (tasks, world) = (quiet(), World::default());
        tasks.join().await.unwrap();
        for _ in 0..5 {
            drop(tasks.spawn("works", world.clone().work()).unwrap());
        }
        tasks.join().await.unwrap();
        world.assert_clean();
        assert!(tasks.is_empty() && !tasks.is_closed());
        assert_eq!(tasks.spawn("later", async { 7 }).unwrap().await, Some(7));
    });
}

#[test]
fn bg_12_join_waits_for_tasks_that_are_started_meanwhile_and_for_what_is_left_behind() {
    on_both(|| async {
        let (tasks, census) = (Arc::new(quiet()), Census::default());
        let (open, gate) = oneshot::channel();
        let (later, owes) = (tasks.clone(), Owes::new(census.enter(), gate));
        drop(tasks.spawn("starts another", async move {
            yield_now().await;
            drop(later.spawn("another", async move { drop(owes) }).unwrap());
        }));
        let mut join = Polled::new(tasks.join());
        stays_pending(&mut join).await;
        assert_eq!(census.alive(), 1);
        open.send(()).unwrap();
        finish(&mut join).await.unwrap();
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn bg_12_first_real_failure_ends_the_join_and_touches_nobody() {
    on_both(|| async {
        let tasks = quiet();
        let (end, ended) = oneshot::channel::<()>();
        let (fail, failing) = oneshot::channel::<()>();
        let goes_on = tasks.spawn("goes on", async { drop(ended.await) }).unwrap();
        drop(tasks.try_spawn("upload", async {
            drop(failing.await);
            Err::<(), _>("no route")
        }));
        let mut join = Polled::new(tasks.join());
        stays_pending(&mut join).await;
        drop(fail);
        assert_eq!(told(finish(&mut join).await), r#"upload: upload failed: "no route""#);
        drop(join);
        assert!(!goes_on.is_finished());
        // Each is told to one caller.
        let mut again = Polled::new(tasks.join());
        stays_pending(&mut again).await;
        drop(end);
        finish(&mut again).await.unwrap();
    });
}

#[test]
fn bg_12_replaced_cancelled_and_aborted_tasks_are_no_failures() {
    on_both(|| async {
        let tasks = quiet();
        drop(tasks.slot("a").replace(pending::<()>()).unwrap());
        let (cancelled, gone) = tasks.slot("a").replace(pending::<()>()).unwrap();
        gone.await;
        assert_eq!(cancelled.cancel().await, None);
        drop(tasks.slot("b").spawn_if_vacant(pending::<()>()).unwrap());
        tasks.slot("b").cancel().await;
        tasks.join().await.unwrap();
        drop(tasks.spawn("endless", pending::<()>()).unwrap());
        let (report, joined) = tokio::join!(tasks.shutdown(Duration::ZERO), tasks.join());
        joined.unwrap();
        assert_eq!(report.aborted, ["endless"]);
    });
}

#[test]
fn bg_12_failure_from_before_the_call_is_told_and_only_the_first_is_kept() {
    /// An error that is counted while it is alive.
    #[derive(Debug)]
    struct Counted(#[expect(dead_code, reason = "held for its drop")] Alive);

    on_both(|| async {
        let (tasks, census) = (quiet(), Census::default());
        assert_eq!(tasks.spawn("first", async { panic!("boom") }).unwrap().await, None::<()>);
        for _ in 0..1000 {
            let error = Counted(census.enter());
            assert_eq!(tasks.try_spawn("others", async move { Err::<(), _>(error) }).unwrap().await, None);
        }
        assert_eq!(census.alive(), 0, "an error is kept");
        assert_eq!(told(tasks.join().await), "first: first panicked: boom");
        assert_eq!(told(tasks.join().await), "none");
    });
}

#[test]
fn bg_12_one_of_two_that_join_is_told_and_both_return() {
    on_both(|| async {
        let tasks = Arc::new(quiet());
        let (fail, failing) = oneshot::channel::<()>();
        drop(tasks.try_spawn("fails", async {
            drop(failing.await);
            Err::<(), _>("no route")
        }));
        let joins = [1, 2].map(|_| {
            let tasks = tasks.clone();
            tokio::spawn(async move { tasks.join().await })
        });
        yield_now().await;
        drop(fail);
        let mut failures = 0;
        for join in joins {
            failures += usize::from(join.await.unwrap().is_err());
        }
        assert_eq!(failures, 1);
    });
}

#[test]
fn bg_12_task_that_was_lost_with_its_runtime_has_failed() {
    let tasks = quiet();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(tasks.spawn("endless", pending::<()>()).unwrap()) });
    drop(runtime);
    assert!(told(Polled::new(tasks.join()).assert_ready()).contains("endless was cut short"));
}

#[test]
fn failure_that_a_dropped_join_was_not_polled_for_is_told_to_the_next() {
    on_both(|| async {
        let tasks = quiet();
        let (fail, failing) = oneshot::channel::<()>();
        let fails = tasks.try_spawn("fails", async {
            drop(failing.await);
            Err::<(), _>(())
        });
        let mut join = Polled::new(tasks.join());
        join.assert_pending();
        drop(fail);
        assert_eq!(fails.unwrap().await, None);
        assert!(join.is_woken());
        drop(join);
        assert_eq!(told(tasks.join().await), "fails: fails failed: ()");
    });
}
