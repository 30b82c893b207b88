//! The leak check for runtimes of one's own.

use std::{future::pending, time::Duration};

use bowline_concurrency::{hand_off, settled};
use bowline_testing::{assert_no_leaks, on_both_runtimes, on_current_thread};
use tokio::{runtime::Handle, time::sleep};

use crate::{assert_contains, panic_of};

#[tokio::test(start_paused = true)]
async fn no_leaks_waits_for_what_is_about_to_end() {
    drop(tokio::spawn(sleep(Duration::from_secs(3))));
    // Longer than a task may take that nobody is known to wait for.
    hand_off(&Handle::current(), "release", sleep(Duration::from_secs(60)));
    assert_no_leaks().await;
    settled().await;
    assert_eq!(Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_leaks_does_not_count_the_task_that_asks() {
    tokio::spawn(assert_no_leaks()).await.expect("nothing is left but the task itself");
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "tasks are left: 1 task is alive\n  - 1 without a name or a place")]
async fn no_leaks_fails_on_a_task_that_never_ends() {
    drop(tokio::spawn(pending::<()>()));
    assert_no_leaks().await;
}

#[test]
fn no_leaks_fails_below_a_task_too() {
    let text = panic_of(|| {
        on_current_thread(async || {
            drop(tokio::spawn(pending::<()>()));
            tokio::spawn(assert_no_leaks()).await.unwrap();
        });
    });
    assert_contains(&text, "tasks are left: 2 tasks are alive");
}

#[test]
fn handed_off_work_is_not_a_leak() {
    on_both_runtimes(async || {
        hand_off(&Handle::current(), "release", async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        });
    });
}
