//! Supervised tasks: they start again, but not for ever.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, GaveUp, Restart, cancelled, hand_off};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::{
    support::{Census, LONG, on_both, on_drop, paused, timed},
    world::World,
};

const SECOND: Duration = Duration::from_secs(1);

fn heard(tasks: &BackgroundTasks) -> Arc<Mutex<Vec<String>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = heard.clone();
    tasks.observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
    heard
}

/// Restarts at once: for cases that are not about time.
fn promptly() -> Restart {
    Restart::on_failure().at_most(1000, LONG).backoff(Duration::ZERO, Duration::ZERO)
}

/// When the runs of a task began, in seconds; the first `lengths.len()` of them fail after so many seconds, and the next one never ends.
async fn begins(restart: Restart, lengths: &'static [u32], watched: u32) -> Vec<f64> {
    let tasks = BackgroundTasks::new();
    tasks.observe_failures(|_| {});
    let (began, begun) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let list = begun.clone();
    let mut lengths = lengths.iter();
    let task = tasks.supervise("job", restart, move || {
        list.lock().unwrap().push(began.elapsed().as_secs_f64());
        let length = lengths.next();
        async move {
            sleep(SECOND * *length.unwrap_or(&1_000_000)).await;
            Err::<(), _>("again")
        }
    });
    sleep(SECOND * watched).await;
    assert!(task.unwrap().cancel().await.is_none());
    Arc::into_inner(begun).expect("the task is gone").into_inner().unwrap()
}

fn assert_near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.05), "{found:?}");
}

#[test]
fn bg_25_supervised_task_starts_again_after_an_error_and_a_panic_and_is_reported_with_its_run() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let failures = heard(&tasks);
        let mut run = 0;
        let mut task = tasks
            .supervise("listener", promptly(), move || {
                run += 1;
                assert!(run != 3, "there is no future");
                let run = run;
                async move {
                    match run {
                        1 => Err("no route"),
                        2 => panic!("boom"),
                        run => Ok(run),
                    }
                }
            })
            .unwrap();
        assert_eq!((&mut task).await, Some(4));
        assert!(task.restarts() == 3 && task.is_finished());
        let expected = [
            r#"listener, run 1 failed: "no route""#,
            "listener, run 2 panicked: boom",
            "listener, run 3 panicked: there is no future",
        ];
        assert_eq!(*failures.lock().unwrap(), expected);
        tasks.join().await.expect("what starts again has not failed");
    });
}

#[test]
fn pauses_double_up_to_the_longest_one() {
    paused(async {
        let restart = Restart::on_failure().at_most(100, SECOND * 1000).backoff(SECOND, SECOND * 4).without_jitter();
        let begun = begins(restart, &[0, 0, 0, 0], 60).await;
        assert_near(&begun, &[0.0, 1.0, 3.0, 7.0, 11.0]);
    });
}

#[test]
fn pauses_begin_anew_after_a_run_that_went_well_for_some_time() {
    paused(async {
        let restart = Restart::on_failure().at_most(100, SECOND * 50).backoff(SECOND, SECOND * 100).without_jitter();
        let begun = begins(restart, &[0, 0, 49, 50, 0], 300).await;
        assert_near(&begun, &[0.0, 1.0, 3.0, 56.0, 107.0, 109.0]);
    });
}

#[test]
fn jitter_lengthens_a_pause_by_up_to_as_much_again() {
    paused(async {
        let restart = Restart::on_failure().at_most(100, SECOND * 1000).backoff(SECOND, SECOND * 4);
        for _ in 0..50 {
            let begun = begins(restart, &[0, 0, 0, 0], 60).await;
            let pauses = begun.windows(2).map(|pair| pair[1] - pair[0]);
            for (pause, shortest) in pauses.zip([1.0, 2.0, 4.0, 4.0]) {
                assert!((shortest..shortest * 2.0 + 0.01).contains(&pause), "{begun:?}");
            }
        }
    });
}

#[test]
fn supervised_task_gives_up_and_says_so_with_the_last_failure() {
    paused(async {
        let tasks = BackgroundTasks::new();
        let gave_up = Arc::new(Mutex::new(Vec::new()));
        let list = gave_up.clone();
        tasks.observe_failures(move |failure| {
            list.lock().unwrap().push((failure.origin().to_owned(), failure.downcast_ref::<GaveUp>().cloned()));
        });
        let restart = Restart::on_failure().at_most(2, SECOND * 60);
        let mut task = tasks.supervise("listener", restart, async || Err::<(), _>("no route")).unwrap();
        assert_eq!((&mut task).await, None);
        assert_eq!(task.restarts(), 2);
        let heard = std::mem::take(&mut *gave_up.lock().unwrap());
        let origins: Vec<_> = heard.iter().map(|(origin, _)| &**origin).collect();
        assert_eq!(origins, ["listener, run 1", "listener, run 2", "listener, run 3", "listener"]);
        let error = heard[3].1.clone().unwrap();
        assert_eq!((error.restarts, error.within), (2, SECOND * 60));
        assert_eq!(error.last, r#"listener, run 3 failed: "no route""#);
        let failed = tasks.join().await.unwrap_err();
        assert!(failed.name() == "listener" && failed.to_string().contains("raise the limit"), "{failed}");
        assert_eq!(tasks.shutdown(Duration::ZERO).await.finished, 1);
    });
}

#[test]
fn limit_counts_restarts_within_a_window_that_slides() {
    paused(async {
        let restart = Restart::on_failure().at_most(2, SECOND * 60).backoff(Duration::ZERO, Duration::ZERO);
        // Restarts at 30, 59, 90, 119, 120: the last one would be the third within 60 s.
        let begun = begins(restart, &[30, 29, 31, 29, 1], 1000).await;
        assert_near(&begun, &[0.0, 30.0, 59.0, 90.0, 119.0]);
        let never = begins(restart.at_most(0, SECOND), &[1], 1000).await;
        assert_near(&never, &[0.0]);
    });
}

#[test]
fn permanent_task_starts_again_after_a_good_end_and_drops_the_values() {
    on_both(|| async {
        let (tasks, census) = (BackgroundTasks::new(), Census::default());
        let failures = heard(&tasks);
        let alive = census.clone();
        let restart = Restart::always().at_most(10, LONG).backoff(Duration::ZERO, Duration::ZERO);
        let mut task = tasks
            .supervise("listener", restart, move || {
                let value = alive.enter();
                async move { Ok::<_, ()>(value) }
            })
            .unwrap();
        assert!((&mut task).await.is_none());
        assert_eq!((task.restarts(), census.alive()), (10, 0));
        let failures = failures.lock().unwrap();
        assert!(failures.len() == 1 && failures[0].contains("it ended"), "{failures:?}");
    });
}

#[test]
fn permanent_task_ends_with_the_run_that_a_shutdown_ends() {
    paused(async {
        let tasks = BackgroundTasks::new();
        let task = tasks.supervise("listener", Restart::always(), async || {
            cancelled().await;
            Ok::<_, ()>(7)
        });
        yield_now().await;
        let report = tasks.shutdown(SECOND).await;
        assert_eq!(report.cooperative, ["listener"]);
        assert_eq!(task.unwrap().await, Some(7));
    });
}

#[test]
fn pause_ends_at_once_when_the_tasks_are_closed_or_shut_down() {
    paused(async {
        for shut_down in [false, true] {
            let tasks = BackgroundTasks::new();
            let failures = heard(&tasks);
            let restart = Restart::on_failure().backoff(LONG, LONG);
            let mut task = tasks.supervise("listener", restart, async || Err::<(), _>("no route")).unwrap();
            sleep(SECOND).await;
            let began = Instant::now();
            if shut_down {
                let report = tasks.shutdown(SECOND * 10).await;
                assert!(report.is_clean() && report.cooperative == ["listener"], "{report}");
            } else {
                tasks.finish().await;
            }
            assert_eq!(began.elapsed(), Duration::ZERO);
            assert_eq!((&mut task).await, None);
            assert_eq!((task.restarts(), failures.lock().unwrap().len()), (0, 1));
        }
    });
}

#[test]
fn run_that_fails_after_close_is_reported_and_not_repeated() {
    paused(async {
        for shut_down in [false, true] {
            let tasks = BackgroundTasks::new();
            let failures = heard(&tasks);
            let task = tasks.supervise("listener", promptly(), move || async move {
                if shut_down {
                    cancelled().await;
                }
                sleep(SECOND).await;
                Err::<(), _>("no route")
            });
            let mut task = task.unwrap();
            yield_now().await;
            if shut_down {
                drop(tasks.shutdown(SECOND * 10).await)
            } else {
                tasks.finish().await
            }
            assert_eq!((&mut task).await, None);
            assert_eq!(task.restarts(), 0);
            assert_eq!(*failures.lock().unwrap(), [r#"listener, run 1 failed: "no route""#]);
        }
    });
}

#[test]
fn run_is_gone_with_all_that_it_leaves_behind_before_the_next_one_starts() {
    timed(|scale| async move {
        let (tasks, census) = (BackgroundTasks::new(), Census::default());
        let failures = heard(&tasks);
        let alive = census.clone();
        let mut run = 0;
        let task = tasks.supervise("listener", promptly(), move || {
            assert_eq!(alive.alive(), 0, "the one before is not gone");
            run += 1;
            let (run, inside, pause) = (run, alive.enter(), scale.units(1));
            async move {
                let _owes = on_drop(move || {
                    hand_off(&Handle::current(), "release", async move {
                        sleep(pause).await;
                        drop(inside);
                    });
                });
                if run < 3 { Err("again") } else { Ok(run) }
            }
        });
        assert_eq!(task.unwrap().await, Some(3));
        assert_eq!(failures.lock().unwrap().len(), 2);
    });
}

#[test]
fn supervised_task_is_cancelled_in_a_run_and_in_a_pause() {
    on_both(|| async {
        let (tasks, world) = (BackgroundTasks::new(), World::default());
        let failures = heard(&tasks);
        let (up, running) = oneshot::channel();
        let (inside, mut up) = (world.clone(), Some(up));
        let in_a_run = tasks.supervise("run", promptly(), move || {
            let _ = up.take().unwrap().send(());
            inside.clone().endless()
        });
        running.await.unwrap();
        assert_eq!(in_a_run.unwrap().cancel().await, None);
        world.assert_clean();

        let restart = Restart::on_failure().backoff(LONG, LONG);
        let in_a_pause = tasks.supervise("pause", restart, async || Err::<(), _>(())).unwrap();
        while failures.lock().unwrap().is_empty() {
            yield_now().await;
        }
        assert_eq!(in_a_pause.cancel().await, None);
        tasks.join().await.unwrap();
    });
}

#[test]
fn supervised_task_that_is_cut_short_by_the_end_of_its_runtime_is_heard_of_once() {
    static TASKS: BackgroundTasks = BackgroundTasks::new();
    let failures = heard(&TASKS);
    on_both(|| async {
        let (up, running) = oneshot::channel();
        let mut up = Some(up);
        drop(TASKS.supervise("endless", promptly(), move || {
            let _ = up.take().unwrap().send(());
            pending::<()>()
        }));
        running.await.unwrap();
    });
    assert!(TASKS.is_empty());
    let failures = failures.lock().unwrap();
    assert!(
        failures.len() == 2 && failures.iter().all(|text| text.starts_with("endless was cut short")),
        "{failures:?}"
    );
}

#[test]
fn work_of_a_refused_supervised_task_comes_back() {
    let tasks = BackgroundTasks::new();
    let refused =
        tasks.supervise("no runtime", Restart::on_failure(), || std::future::ready(Ok::<_, ()>(7))).unwrap_err();
    let mut future = bowline_testing::Polled::new(refused.into_inner()());
    assert_eq!(future.assert_ready(), Ok(7));
}
