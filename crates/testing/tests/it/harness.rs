//! Cases: what fails, what is reported, what is not mistaken for a leftover.

use std::{
    cell::Cell,
    future::pending,
    io,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, hand_off, scope};
use bowline_testing::{DropLog, Harness, on_both_runtimes, on_current_thread, on_multi_thread};
use tokio::{
    runtime::{Handle, RuntimeFlavor},
    time::{Instant, sleep},
};

use crate::{assert_contains, panic_of};

#[test]
fn a_body_runs_once_on_each_runtime_and_may_borrow_and_be_local() {
    let mut flavours = Vec::new();
    let text = Rc::new(String::from("not Send"));
    on_both_runtimes(async || {
        tokio::task::yield_now().await;
        flavours.push(Handle::current().runtime_flavor());
        assert_eq!(*text, "not Send");
    });
    assert_eq!(flavours, [RuntimeFlavor::CurrentThread, RuntimeFlavor::MultiThread]);
    on_both_runtimes(|| async {});
}

#[test]
fn dx_09_hours_take_no_time_where_the_clock_is_paused() {
    let real = std::time::Instant::now();
    on_current_thread(async || {
        let start = Instant::now();
        sleep(Duration::from_secs(3600)).await;
        assert!(start.elapsed() >= Duration::from_secs(3600));
    });
    assert!(real.elapsed() < Duration::from_secs(60));
}

#[test]
fn the_error_of_a_body_fails_the_test() {
    let text = panic_of(|| on_both_runtimes(async || Err::<(), _>(io::Error::other("broken"))));
    assert_eq!(text, "on current_thread: the test returned an error");
}

#[test]
#[should_panic(expected = "the body's own words")]
fn the_panic_of_a_body_is_resumed() {
    on_multi_thread(async || panic!("the body's own words"));
}

#[test]
fn handed_off_work_is_awaited_before_the_case_ends() {
    let log = DropLog::default();
    on_both_runtimes(async || {
        let probe = log.probe("release");
        hand_off(&Handle::current(), "release", async move {
            sleep(Duration::from_millis(1)).await;
            drop(probe);
        });
    });
    assert_eq!(log.count("release"), 2);
}

#[test]
fn dx_17_a_leaked_task_is_cancelled_and_reported_by_name() {
    let log = DropLog::default();
    let text = panic_of(|| {
        on_current_thread(async || {
            static TASKS: BackgroundTasks = BackgroundTasks::new();
            let probe = log.probe("leaked");
            TASKS
                .spawn("refresh-cache", async move {
                    let _probe = probe;
                    pending::<()>().await;
                })
                .unwrap();
            drop(tokio::spawn(pending::<()>()));
        });
    });
    assert_contains(&text, "on current_thread: the test has ended, but not all of its tasks; 2 tasks are alive");
    assert_contains(&text, "\n  - refresh-cache in background tasks, spawned at ");
    assert_contains(&text, "harness.rs:");
    assert_contains(&text, "\n  - 1 without a name or a place");
    assert_eq!(log.drops(), ["leaked"]);
}

#[test]
fn dx_17_a_leak_is_seen_on_the_multi_threaded_runtime() {
    let log = DropLog::default();
    let text = panic_of(|| {
        on_multi_thread(async || {
            let probe = log.probe("leaked");
            drop(tokio::spawn(async move {
                let _probe = probe;
                pending::<()>().await;
            }));
        });
    });
    assert_contains(&text, "on multi_thread: the test has ended, but not all of its tasks; 1 task is alive");
    assert_eq!(log.drops(), ["leaked"]);
}

#[test]
#[should_panic(expected = "the body failed")]
fn dx_17_leftovers_do_not_hide_the_panic_of_the_body() {
    on_current_thread(async || {
        drop(tokio::spawn(pending::<()>()));
        panic!("the body failed");
    });
}

#[test]
fn dx_17_tasks_of_a_failed_body_are_cancelled() {
    let log = DropLog::default();
    let probe = Cell::new(Some(log.probe("child")));
    panic_of(|| {
        on_current_thread(async || {
            let probe = probe.take();
            drop(tokio::spawn(async move {
                let _probe = probe;
                pending::<()>().await;
            }));
            tokio::task::yield_now().await;
            panic!("the body failed");
        });
    });
    assert_eq!(log.drops(), ["child"]);
}

#[test]
fn dx_14_the_limit_lists_the_live_named_tasks() {
    let text = panic_of(|| {
        Harness::default().time_limit(Duration::from_millis(100)).on_multi_thread(async || {
            scope(async |group| {
                drop(group.named("waits for ever").spawn(pending::<()>()));
                group.named("too").spawn(pending::<()>()).await;
            })
            .await;
        });
    });
    assert_contains(&text, "on multi_thread: not done within 100ms; 2 tasks are alive\n");
    assert_contains(&text, "\n  - waits for ever in a scope, spawned at ");
    assert_contains(&text, "\n  - too in a scope, spawned at ");
}

#[test]
fn dx_14_the_list_has_no_tasks_of_other_tests() {
    // Another test of this process, which runs at the same time and has a task of its own.
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let (started, has_started) = std::sync::mpsc::channel();
    let other = std::thread::spawn(move || {
        on_multi_thread(async || {
            scope(async |group| {
                let task = group.named("of the other test").spawn(async move { stopped.await.is_ok() });
                started.send(()).unwrap();
                task.await;
            })
            .await;
        });
    });
    has_started.recv().unwrap();
    let text = panic_of(|| {
        on_current_thread(async || {
            scope(async |group| group.named("mine").spawn(pending::<()>()).await).await;
        });
    });
    stop.send(()).unwrap();
    other.join().unwrap();
    assert_contains(&text, "1 task is alive\n  - mine in a scope");
    assert!(!text.contains("of the other test"), "{text}");
}

#[test]
fn dx_14_a_stuck_blocking_thread_meets_the_limit_although_it_holds_the_clock() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let text = panic_of(|| {
        Harness::default().time_limit(Duration::from_millis(100)).on_current_thread(async || {
            tokio::task::spawn_blocking(move || stopped.recv().is_err()).await.unwrap();
        });
    });
    drop(stop);
    assert_contains(&text, "on current_thread: not done within 100ms");
}

#[test]
fn dx_17_a_busy_thread_is_a_leftover() {
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let text = panic_of(|| {
        on_current_thread(async || drop(tokio::task::spawn_blocking(move || stopped.recv().is_err())));
    });
    drop(stop);
    assert_contains(&text, "a thread of its runtime is still busy");
}

#[test]
fn the_scope_of_the_body_is_not_the_process_root() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    on_both_runtimes(async || {
        let seen = seen.clone();
        let here = bowline_concurrency::Scope::current();
        here.observe_failures(move |failure| seen.lock().unwrap().push(failure.origin().to_owned()));
        hand_off(&Handle::current(), "release", async { panic!("in a release") });
    });
    assert_eq!(*seen.lock().unwrap(), ["release", "release"]);
}
