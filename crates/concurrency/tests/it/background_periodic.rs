//! Periodic tasks: schedules, overlaps, failures, and their end.

use std::{
    future::pending,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, Overlap, Periodic, PeriodicCounts, cancelled, hand_off};
use tokio::{
    runtime::Handle,
    task::yield_now,
    time::{Instant, advance, sleep},
};

use crate::{
    support::{Census, LONG, on_both, on_drop, paused, timed},
    world::World,
};

const SECOND: Duration = Duration::from_secs(1);

/// When the runs of a task began, in seconds; each lasts for `length` seconds.
async fn begins(schedule: Periodic, length: u64, watched: u64) -> (Vec<u64>, PeriodicCounts) {
    let tasks = BackgroundTasks::new();
    let (began, begun) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let list = begun.clone();
    let task = tasks.periodic("job", schedule, move || {
        list.lock().unwrap().push(began.elapsed().as_secs());
        sleep(SECOND * u32::try_from(length).unwrap())
    });
    let task = task.unwrap();
    sleep(SECOND * u32::try_from(watched).unwrap()).await;
    let counts = task.counts();
    assert!(task.cancel().await.is_none());
    let begun = begun.lock().unwrap().clone();
    (begun, counts)
}

fn counts(runs: u64, failures: u64, cancelled: u64, skipped: u64) -> (u64, u64, u64, u64) {
    (runs, failures, cancelled, skipped)
}

fn parts(counted: PeriodicCounts) -> (u64, u64, u64, u64) {
    (counted.runs, counted.failures, counted.cancelled, counted.skipped)
}

#[test]
fn bg_21_runs_come_each_period_and_the_first_after_one_or_at_once() {
    paused(async {
        let schedule = Periodic::every(SECOND * 10);
        assert_eq!(begins(schedule, 1, 35).await.0, [10, 20, 30]);
        assert_eq!(begins(schedule.at_once(), 1, 35).await.0, [0, 10, 20, 30]);
    });
}

#[test]
fn bg_21_slow_run_has_the_next_one_skipped() {
    paused(async {
        let (begun, counted) = begins(Periodic::every(SECOND * 10), 25, 75).await;
        assert_eq!(begun, [10, 40, 70]);
        assert_eq!(parts(counted), counts(3, 0, 0, 4));
    });
}

#[test]
fn bg_21_slow_run_has_the_next_one_delayed() {
    paused(async {
        let (begun, counted) = begins(Periodic::every(SECOND * 10).overlap(Overlap::Delay), 25, 75).await;
        assert_eq!(begun, [10, 35, 60]);
        assert_eq!(parts(counted), counts(3, 0, 0, 1));
    });
}

#[test]
fn bg_21_run_after_a_slow_one_begins_a_period_later_and_not_on_the_old_schedule() {
    paused(async {
        let (tasks, began, begun) = (BackgroundTasks::new(), Instant::now(), Arc::new(Mutex::new(Vec::new())));
        let list = begun.clone();
        let task = tasks.periodic("job", Periodic::every(SECOND * 10).overlap(Overlap::Delay), move || {
            let mut begun = list.lock().unwrap();
            begun.push(began.elapsed().as_secs());
            sleep(if begun.len() == 1 { SECOND * 12 } else { SECOND })
        });
        sleep(SECOND * 45).await;
        assert_eq!(*begun.lock().unwrap(), [10, 22, 32, 42]);
        assert!(task.unwrap().cancel().await.is_none());
    });
}

#[test]
fn bg_21_slow_run_is_cancelled_by_the_next_one() {
    paused(async {
        let (begun, counted) = begins(Periodic::every(SECOND * 10).overlap(Overlap::Cancel), 25, 45).await;
        assert_eq!(begun, [10, 20, 30, 40]);
        assert_eq!(parts(counted), counts(4, 0, 3, 0));
    });
}

#[test]
fn bg_21_runs_overlap_up_to_a_bound() {
    paused(async {
        let two = Overlap::Concurrent(NonZeroUsize::new(2).unwrap());
        let (begun, counted) = begins(Periodic::every(SECOND * 10).overlap(two), 25, 75).await;
        assert_eq!(begun, [10, 20, 40, 50, 70]);
        assert_eq!(parts(counted), counts(5, 0, 0, 2));
    });
}

#[test]
fn bg_21_run_that_is_cancelled_by_the_next_one_is_gone_before_it_begins() {
    paused(async {
        let (tasks, census) = (BackgroundTasks::new(), Census::default());
        let alive = census.clone();
        let schedule = Periodic::every(SECOND * 10).overlap(Overlap::Cancel);
        let task = tasks.periodic("job", schedule, move || {
            assert_eq!(alive.alive(), 0, "the one before is not gone");
            let inside = alive.enter();
            async move {
                let _owes = on_drop(move || {
                    hand_off(&Handle::current(), "release", async move {
                        sleep(SECOND * 3).await;
                        drop(inside);
                    });
                });
                pending::<()>().await;
            }
        });
        sleep(SECOND * 55).await;
        let task = task.unwrap();
        assert_eq!(parts(task.counts()), counts(5, 0, 4, 0));
        assert_eq!(task.cancel().await, None);
        assert_eq!(census.alive(), 0, "the cleanup was not waited for");
    });
}

#[test]
fn bg_21_bg_25_run_that_fails_or_panics_is_heard_of_and_the_next_one_comes() {
    paused(async {
        let tasks = BackgroundTasks::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        tasks.observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
        let mut run = 0;
        let task = tasks.periodic("refresh", Periodic::every(SECOND), move || {
            run += 1;
            assert!(run != 3, "there is no future");
            let run = run;
            async move {
                match run {
                    1 => Err("no route"),
                    2 => panic!("boom"),
                    4 => {
                        let _bomb = on_drop(|| panic!("in a destructor"));
                        Ok(())
                    }
                    _ => Ok(()),
                }
            }
        });
        sleep(SECOND * 6 + SECOND / 2).await;
        let task = task.unwrap();
        assert_eq!(parts(task.counts()), counts(6, 4, 0, 0));
        assert!(!task.is_finished());
        let expected = [
            r#"refresh failed: "no route""#,
            "refresh panicked: boom",
            "refresh panicked: there is no future",
            "refresh panicked: in a destructor",
        ];
        assert_eq!(*heard.lock().unwrap(), expected);
    });
}

#[test]
fn bg_21_cancel_drops_the_runs_in_flight_and_waits_for_what_they_leave_behind() {
    timed(|scale| async move {
        for overlap in [Overlap::Skip, Overlap::Delay, Overlap::Cancel, Overlap::Concurrent(NonZeroUsize::MAX)] {
            let (tasks, world) = (BackgroundTasks::new(), World::default());
            let inside = world.clone();
            let schedule = Periodic::every(scale.units(1)).overlap(overlap);
            let task = tasks.periodic("job", schedule, move || inside.clone().endless()).unwrap();
            sleep(scale.units(3) + scale.units(1) / 2).await;
            // On a real clock this may be the moment between two runs.
            while world.leases() == world.released() {
                yield_now().await;
            }
            assert_eq!(task.cancel().await, None);
            world.assert_clean();
            tasks.join().await.unwrap();
        }
    });
}

#[test]
fn bg_21_bg_22_runs_in_flight_have_the_grace_of_a_shutdown() {
    paused(async {
        let tasks = BackgroundTasks::new();
        let polite = tasks.periodic("polite", Periodic::every(SECOND), async || {
            cancelled().await;
            sleep(SECOND).await;
        });
        drop(tasks.periodic("deaf", Periodic::every(SECOND), pending::<()>).unwrap());
        drop(tasks.periodic("idle", Periodic::every(LONG), async || {}).unwrap());
        sleep(SECOND * 2).await;
        let began = Instant::now();
        let report = tasks.shutdown(SECOND * 10).await;
        assert_eq!(began.elapsed(), SECOND * 10);
        assert_eq!(report.cooperative, ["polite", "idle"]);
        assert_eq!(report.aborted, ["deaf"]);
        assert!(report.stuck.is_empty() && !report.is_clean());
        let polite = polite.unwrap();
        assert!(polite.is_finished() && polite.counts().runs == 1);
    });
}

#[test]
fn no_run_begins_after_close_and_finish_waits_for_the_last_one() {
    paused(async {
        let tasks = BackgroundTasks::new();
        let job = tasks.periodic("job", Periodic::every(SECOND * 10), || sleep(SECOND * 5)).unwrap();
        drop(tasks.periodic("idle", Periodic::every(LONG), async || {}).unwrap());
        sleep(SECOND * 12).await;
        let began = Instant::now();
        tasks.finish().await;
        assert_eq!(began.elapsed(), SECOND * 3);
        assert!(job.is_finished() && tasks.is_empty());
        assert_eq!(job.counts().runs, 1);
        let refused =
            tasks.periodic("late", Periodic::every(SECOND), async || 7_u8.checked_add(1).ok_or(())).unwrap_err();
        assert_eq!(refused.into_inner()().await, Ok(8));
    });
}

#[test]
fn bg_21_next_run_does_not_begin_if_the_shutdown_comes_while_the_old_one_goes() {
    paused(async {
        let tasks = BackgroundTasks::new();
        let schedule = Periodic::every(SECOND * 10).overlap(Overlap::Cancel);
        let task = tasks.periodic("job", schedule, async || {
            let _owes = on_drop(|| hand_off(&Handle::current(), "release", sleep(SECOND * 5)));
            pending::<()>().await;
        });
        sleep(SECOND * 22).await; // The run of 10 s is going, for that of 20 s.
        let report = tasks.shutdown(SECOND * 10).await;
        assert_eq!(report.cooperative, ["job"]);
        assert_eq!(parts(task.unwrap().counts()), counts(1, 0, 1, 0));
    });
}

#[test]
fn bg_21_time_that_jumps_brings_one_run_and_no_burst() {
    paused(async {
        for overlap in [Overlap::Skip, Overlap::Delay, Overlap::Cancel, Overlap::Concurrent(NonZeroUsize::MAX)] {
            let tasks = BackgroundTasks::new();
            let schedule = Periodic::every(SECOND * 10).overlap(overlap);
            let task = tasks.periodic("job", schedule, async || {}).unwrap();
            yield_now().await;
            advance(SECOND * 95).await;
            for _ in 0..20 {
                yield_now().await;
            }
            assert_eq!(task.counts().runs, 1, "{overlap:?}");
            sleep(SECOND * 11).await;
            assert_eq!(parts(task.counts()), counts(2, 0, 0, 8), "{overlap:?}");
        }
    });
}

#[test]
fn period_of_zero_is_refused_and_one_without_end_never_comes() {
    let zero = std::panic::catch_unwind(|| Periodic::every(Duration::ZERO)).unwrap_err();
    assert!(zero.downcast_ref::<&str>().unwrap().contains("more than zero"));
    paused(async {
        let tasks = BackgroundTasks::new();
        let job = tasks.periodic("never", Periodic::every(Duration::MAX), async || {}).unwrap();
        let once = tasks.periodic("once", Periodic::every(Duration::MAX).at_once(), async || {}).unwrap();
        sleep(LONG * 24 * 365).await;
        assert_eq!((job.counts().runs, once.counts().runs, job.is_finished()), (0, 1, false));
    });
}

#[test]
fn periodic_task_of_a_static_runs_on_both_runtimes_and_ends_with_them() {
    static TASKS: BackgroundTasks = BackgroundTasks::new();
    static LOST: AtomicU32 = AtomicU32::new(0);
    TASKS.observe_failures(|failure| {
        assert!(failure.is_lost() && failure.origin() == "job", "{failure}");
        LOST.fetch_add(1, SeqCst);
    });
    on_both(|| async {
        let census = Census::default();
        let alive = census.clone();
        let schedule = Periodic::every(Duration::from_millis(1)).overlap(Overlap::Concurrent(NonZeroUsize::MAX));
        let task = TASKS.periodic("job", schedule, move || {
            let inside = alive.enter();
            async move {
                let _inside = inside;
                pending::<()>().await;
            }
        });
        while census.alive() < 3 {
            sleep(Duration::from_millis(1)).await;
        }
        drop(task); // Changes nothing; the end of the runtime does.
        assert!(!TASKS.is_empty());
    });
    assert!(TASKS.is_empty());
    assert_eq!(LOST.load(SeqCst), 2);
}

#[test]
fn periodic_task_goes_with_its_manager_and_the_scope_waits() {
    timed(|scale| async move {
        let world = World::default();
        bowline_concurrency::scope(async |_| {
            let tasks = BackgroundTasks::new();
            let inside = world.clone();
            drop(tasks.periodic("job", Periodic::every(scale.units(1)), move || inside.clone().endless()).unwrap());
            sleep(scale.units(2)).await;
        })
        .await;
        world.assert_clean();
    });
}
