//! Roots: `run`, `root_scope`, signals. Signals concern a whole process, so those cases run in a child process.

use std::{
    future::pending,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{RunError, hand_off, root_scope, run, scope, shutdown_requested};
use tokio::{runtime::Handle, task::yield_now};

use crate::support::{ends, on_both};

#[test]
fn run_gives_the_value_and_waits_for_what_is_left() {
    ends("run", || {
        let released = Arc::new(AtomicBool::new(false));
        let flag = released.clone();
        let value = run(async move {
            hand_off(&Handle::current(), "release", async move {
                for _ in 0..10 {
                    yield_now().await;
                }
                flag.store(true, SeqCst);
            });
            7
        });
        assert_eq!(value.unwrap(), 7);
        assert!(released.load(SeqCst));
    });
}

#[test]
fn run_waits_for_what_a_plain_task_left_to_the_process_root() {
    ends("run", || {
        let released = Arc::new(AtomicBool::new(false));
        let flag = released.clone();
        run(async move {
            let (up, ready) = tokio::sync::oneshot::channel();
            let plain = tokio::spawn(async move {
                let _lease = scopeguard(move || {
                    hand_off(&Handle::current(), "release", async move {
                        yield_now().await;
                        flag.store(true, SeqCst);
                    });
                });
                let _ = up.send(());
                pending::<()>().await;
            });
            ready.await.unwrap();
            plain.abort();
            let _ = plain.await;
        })
        .unwrap();
        assert!(released.load(SeqCst));
    });
}

fn scopeguard(act: impl FnOnce()) -> impl Drop {
    struct Guard<F: FnOnce()>(Option<F>);
    impl<F: FnOnce()> Drop for Guard<F> {
        fn drop(&mut self) {
            if let Some(act) = self.0.take() {
                act();
            }
        }
    }
    Guard(Some(act))
}

#[test]
fn bg_15_run_inside_a_runtime_is_an_error_that_names_the_way_out() {
    on_both(|| async {
        let error = run(async {}).unwrap_err();
        assert!(matches!(error, RunError::InsideRuntime));
        assert!(error.to_string().contains("root_scope"), "{error}");
    });
}

#[test]
fn panic_of_main_is_resumed_after_the_runtime_is_gone() {
    ends("run", || {
        let panic = std::panic::catch_unwind(|| run(async { std::panic::panic_any(41_u8) })).unwrap_err();
        assert_eq!(panic.downcast_ref::<u8>(), Some(&41));
    });
}

#[test]
fn root_scope_in_a_runtime_of_somebody_elses() {
    on_both(|| async { assert_eq!(root_scope(scope(async |_| 7)).await.unwrap(), 7) });
}

/// Runs one of the `child_*` tests in a process of its own, sends it signals at its word, and gives what it printed.
fn in_child(test: &str, signals: &[&str]) -> (String, bool) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    for signal in signals {
        while !text.ends_with("ready\n") {
            assert_ne!(output.read_line(&mut text).unwrap(), 0, "the child ended early: {text}");
        }
        text.push_str("signal\n");
        assert!(Command::new("kill").args([*signal, &child.id().to_string()]).status().unwrap().success());
    }
    output.read_to_string(&mut text).unwrap();
    (text, child.wait().unwrap().success())
}

#[cfg(unix)]
#[test]
fn bg_16_first_signal_lets_code_that_asked_end_in_its_own_way() {
    for signal in ["-INT", "-TERM"] {
        let (text, ok) = in_child("root::child_asks", &[signal]);
        assert!(ok && text.contains("ended by itself: 7"), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn bg_16_first_signal_drops_main_at_once_where_nobody_asked_and_waits_for_its_releases() {
    let (text, ok) = in_child("root::child_is_deaf", &["-INT"]);
    assert!(ok && text.contains("released\ninterrupted by a signal\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn bg_16_second_signal_does_not_wait_for_code_that_asked() {
    let (text, ok) = in_child("root::child_asks_and_stays", &["-INT", "-INT"]);
    assert!(ok && text.contains("interrupted by a signal\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn bg_19_third_signal_does_not_wait_for_a_blocked_thread() {
    let began = std::time::Instant::now();
    let (text, ok) = in_child("root::child_blocks", &["-INT", "-INT", "-INT"]);
    assert!(ok && text.contains("interrupted by a signal"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(8), "it has waited: {:?}", began.elapsed());
}

#[test]
#[ignore = "the child process of bg_19"]
fn child_blocks() {
    let (up, running) = std::sync::mpsc::channel();
    let printer = std::thread::spawn(move || {
        running.recv().unwrap();
        for _ in 0..3 {
            println!("ready");
            std::thread::sleep(Duration::from_millis(300));
        }
    });
    let error = run(scope(async move |group| {
        drop(group.spawn(async move {
            up.send(()).unwrap();
            std::thread::sleep(Duration::from_secs(30));
        }));
        pending::<()>().await;
    }))
    .unwrap_err();
    println!("{error}");
    printer.join().unwrap();
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_asks() {
    let value = run(async {
        println!("ready");
        shutdown_requested().await;
        7
    });
    println!("ended by itself: {}", value.unwrap());
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_is_deaf() {
    let error = run(async {
        let _lease = scopeguard(|| hand_off(&Handle::current(), "release", async { println!("released") }));
        println!("ready");
        tokio::time::sleep(Duration::from_secs(60)).await;
    })
    .unwrap_err();
    println!("{error}");
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_asks_and_stays() {
    let error = run(async {
        println!("ready");
        shutdown_requested().await;
        println!("ready");
        pending::<()>().await;
    })
    .unwrap_err();
    println!("{error}");
}
