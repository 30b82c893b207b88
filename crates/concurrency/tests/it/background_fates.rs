//! How each task came to its end, as a shutdown tells it, and what a destructor that panics takes away: nothing.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, GaveUp, Overlap, Periodic, Restart, cancelled, hand_off};
use tokio::{runtime::Handle, task::yield_now, time::sleep};

use crate::support::{LONG, on_both, on_drop, paused};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn bg_22_what_another_shutdown_aborts_is_not_cooperative() {
    on_both(|| async {
        let tasks = Arc::new(BackgroundTasks::new());
        drop(tasks.spawn("forced", pending::<()>()).unwrap());
        let patient = {
            let tasks = tasks.clone();
            tokio::spawn(async move { tasks.shutdown(LONG).await })
        };
        while !tasks.is_closed() {
            yield_now().await;
        }
        for _ in 0..100 {
            yield_now().await;
        }
        let hasty = tasks.shutdown(Duration::ZERO).await;
        for report in [hasty, patient.await.unwrap()] {
            assert_eq!((&*report.cooperative, &*report.aborted), (&[][..], &["forced".to_owned()][..]), "{report}");
            assert!(!report.is_clean() && report.finished == 0);
        }
    });
}

#[test]
fn bg_22_what_is_cancelled_alone_during_the_grace_is_not_cooperative() {
    paused(async {
        let tasks = BackgroundTasks::new();
        drop(tasks.slot("slot").replace(pending::<()>()).unwrap());
        let handle = tasks.spawn("handle", pending::<()>()).unwrap();
        drop(tasks.spawn("polite", async { drop(cancelled().await) }).unwrap());
        drop(tasks.try_spawn("fails", async { Err::<(), _>(cancelled().await) }).unwrap());
        tasks.observe_failures(|_| {});
        let meanwhile = async {
            sleep(SECOND).await;
            assert!(tasks.slot("slot").cancel().await);
            assert_eq!(handle.cancel().await, None);
        };
        let (report, ()) = tokio::join!(tasks.shutdown(SECOND * 10), meanwhile);
        assert_eq!(report.cooperative, ["polite", "fails"]);
        assert_eq!(report.cancelled, ["handle"]);
        assert_eq!((report.replaced, report.finished), (1, 2));
        assert!(report.aborted.is_empty() && report.stuck.is_empty());
        let text = "2 tasks ended by themselves, polite, fails within the grace; replaced in their slots: 1; cancelled alone: handle";
        assert_eq!(report.to_string(), text);
    });
}

#[test]
fn bg_22_report_is_one_line() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        drop(tasks.spawn("a\nforged line\r\u{1b}[2J", pending::<()>()).unwrap());
        let report = tasks.shutdown(Duration::ZERO).await;
        assert!(!report.to_string().contains(char::is_control), "{report}");
        assert!(report.to_string().ends_with(r"aborted after the grace: a\nforged line\r\u{1b}[2J"), "{report}");
    });
}

#[test]
fn bg_22_release_of_a_periodic_run_that_hangs_is_named() {
    paused(async {
        let tasks = BackgroundTasks::new().settle_within(SECOND);
        let work = || async {
            let _owes = on_drop(|| hand_off(&Handle::current(), "a release that hangs", pending()));
            pending::<()>().await;
        };
        drop(tasks.periodic("periodic", Periodic::every(LONG).at_once(), work).unwrap());
        drop(tasks.periodic("quick", Periodic::every(LONG).at_once(), pending::<()>).unwrap());
        sleep(SECOND).await;
        let report = tasks.shutdown(SECOND).await;
        assert_eq!(report.stuck, ["periodic: a release that hangs"]);
        assert_eq!(report.aborted, ["periodic", "quick"]);
    });
}

#[test]
fn shutdown_without_timers_aborts_at_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let tasks = BackgroundTasks::new();
        drop(tasks.spawn("endless", pending::<()>()).unwrap());
        let report = tasks.shutdown(LONG).await;
        assert_eq!(report.aborted, ["endless"]);
        assert!(tasks.is_empty());
    });
}

#[test]
fn bg_21_panic_in_a_destructor_of_a_cancelled_run_has_the_name_of_the_task_and_counts() {
    paused(async {
        let tasks = BackgroundTasks::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        tasks.observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
        let mut first = true;
        let work = move || {
            let bomb = std::mem::take(&mut first).then(|| on_drop(|| panic!("in a destructor")));
            async move {
                let _bomb = bomb;
                pending::<()>().await;
            }
        };
        let periodic = tasks.periodic("poll", Periodic::every(SECOND).overlap(Overlap::Cancel), work).unwrap();
        sleep(SECOND * 3 + SECOND / 2).await;
        let counts = periodic.counts();
        assert_eq!((counts.runs, counts.failures, counts.cancelled), (3, 1, 2));
        assert_eq!(*heard.lock().unwrap(), ["poll panicked: in a destructor"]);
    });
}

#[test]
fn bg_25_panic_in_the_destructor_of_the_work_takes_no_outcome_away() {
    on_both(|| async {
        let tasks = BackgroundTasks::new();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        tasks.observe_failures(move |failure| {
            list.lock().unwrap().push((failure.origin().to_owned(), failure.downcast_ref::<GaveUp>().is_some()));
        });
        let bomb = on_drop(|| panic!("in a destructor"));
        let well = tasks.supervise("well", Restart::on_failure(), move || {
            let _bomb = &bomb;
            async { Ok::<_, ()>(7) }
        });
        assert_eq!(well.unwrap().await, Some(7));
        assert_eq!(std::mem::take(&mut *heard.lock().unwrap()), [("well".to_owned(), false)]);

        let bomb = on_drop(|| panic!("in a destructor"));
        let badly = tasks.supervise("badly", Restart::on_failure().at_most(0, LONG), move || {
            let _bomb = &bomb;
            async { Err::<(), _>("no route") }
        });
        assert_eq!(badly.unwrap().await, None);
        let heard = std::mem::take(&mut *heard.lock().unwrap());
        assert_eq!(heard.iter().filter(|(origin, gave_up)| origin == "badly" && *gave_up).count(), 1, "{heard:?}");
        assert_eq!(heard.len(), 3, "{heard:?}");
    });
}
