//! A deadlock is found at once, and nothing else is taken for one.

use std::{
    future::pending,
    thread,
    time::{Duration, Instant},
};

use bowline_concurrency::{hand_off, scope};
use bowline_testing::{hold_clock, on_current_thread};
use tokio::{
    runtime::Handle,
    sync::{Mutex, mpsc, oneshot},
    time::{sleep, timeout},
};

use crate::{assert_contains, panic_of};

#[test]
fn dx_15_a_deadlock_is_found_at_once_and_names_its_tasks() {
    let real = Instant::now();
    let text = panic_of(|| {
        on_current_thread(async || {
            let (a, b) = (Mutex::new(()), Mutex::new(()));
            let (a, b) = (std::sync::Arc::new(a), std::sync::Arc::new(b));
            scope(async |group| {
                for (name, first, second) in [("a then b", a.clone(), b.clone()), ("b then a", b, a)] {
                    drop(group.named(name).spawn(async move {
                        let _first = first.lock().await;
                        sleep(Duration::from_secs(1)).await;
                        let _second = second.lock().await;
                    }));
                }
            })
            .await;
        });
    });
    assert_contains(
        &text,
        "on current_thread: nothing can progress; 2 tasks are alive\n  - a then b in a scope, spawned at ",
    );
    assert_contains(&text, "\n  - b then a in a scope, spawned at ");
    assert!(real.elapsed() < Duration::from_secs(10), "far from the limit of 30 s");
}

#[test]
fn dx_15_handed_off_work_that_cannot_end_is_told_from_the_body() {
    let text = panic_of(|| {
        on_current_thread(async || hand_off(&Handle::current(), "release", pending()));
    });
    assert_contains(&text, "nothing can progress: the test has ended, but not what it handed off; 1 task is alive");
    assert_contains(&text, "\n  - release in ");
}

#[test]
#[should_panic(expected = "the body failed")]
fn dx_15_a_deadlock_after_a_panic_does_not_hide_it() {
    on_current_thread(async || {
        hand_off(&Handle::current(), "release", pending());
        panic!("the body failed");
    });
}

#[test]
fn dx_15_timers_are_progress() {
    on_current_thread(async || {
        for _ in 0..100 {
            sleep(Duration::from_secs(24 * 60 * 60)).await;
        }
        assert!(timeout(Duration::from_secs(60), pending::<()>()).await.is_err());
    });
}

#[test]
fn dx_15_a_short_wait_for_a_foreign_thread_is_no_deadlock() {
    on_current_thread(async || {
        // Together longer than the patience.
        for _ in 0..40 {
            let (sender, receiver) = oneshot::channel();
            // A real sleep, since the patience with foreign threads is real.
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(10));
                sender.send(())
            });
            receiver.await.unwrap();
        }
    });
}

#[test]
fn dx_15_tasks_that_end_one_by_one_are_progress() {
    on_current_thread(async || {
        let (senders, receivers): (Vec<_>, Vec<_>) = (0..25).map(|_| oneshot::channel()).unzip();
        thread::spawn(move || {
            for sender in senders {
                thread::sleep(Duration::from_millis(20));
                sender.send(()).unwrap();
            }
        });
        scope(async |group| {
            // The scope is woken by the last of them only.
            for receiver in receivers {
                drop(group.spawn(receiver));
            }
        })
        .await;
    });
}

#[test]
fn dx_15_a_task_that_sets_a_timer_after_a_foreign_wake_is_no_deadlock() {
    on_current_thread(async || {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(10));
            sender.send(())
        });
        // The body is not woken by the thread, and the task's timer is longer than the patience.
        let task = tokio::spawn(async move {
            receiver.recv().await.unwrap();
            sleep(Duration::from_secs(3600)).await;
        });
        task.await.unwrap();
    });
}

#[test]
fn dx_10_a_held_clock_does_not_jump() {
    on_current_thread(async || {
        let (sender, receiver) = oneshot::channel();
        let hold = hold_clock();
        thread::spawn(move || {
            // Longer than the patience, and than the timeout would last without the hold.
            thread::sleep(Duration::from_millis(500));
            sender.send(7)
        });
        let answer = timeout(Duration::from_millis(10), receiver).await;
        drop(hold);
        assert_eq!(answer.expect("the clock stood still").unwrap(), 7);
    });
}

#[test]
#[should_panic(expected = "nothing can progress")]
fn dx_15_a_released_clock_finds_deadlocks_again() {
    on_current_thread(async || {
        drop(hold_clock());
        pending::<()>().await;
    });
}
