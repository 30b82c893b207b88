//! Signals. They concern a whole process, so each case runs in a child process.

use std::{
    future::pending,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    time::Duration,
};

use bowline_concurrency::{
    Reason, RunError, ScopeError, TaskGroup, cancelled, hand_off, root_scope, run, scope, shutdown_requested,
};
use tokio::runtime::Handle;

use crate::support::on_drop;

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
        for child in ["shutdown::child_asks", "shutdown::child_asks_on_one_thread"] {
            let (text, ok) = in_child(child, &[signal]);
            assert!(ok && text.contains("ended by itself: 7"), "{text}");
        }
    }
}

#[cfg(unix)]
#[test]
fn bg_16_signals_to_a_root_on_one_thread_are_graceful_first_and_immediate_second() {
    let (text, ok) = in_child("shutdown::child_asks_and_stays_on_one_thread", &["-INT", "-TERM"]);
    assert!(ok && text.contains("interrupted by a signal\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn bg_17_signal_does_not_relabel_what_was_cancelled_for_another_reason() {
    for child in ["shutdown::child_is_cancelled_already", "shutdown::child_is_cancelled_already_on_one_thread"] {
        let (text, ok) = in_child(child, &["-INT"]);
        let order = "told: enough\nready\nsignal\nstill: enough\nended by itself: cancelled: enough\n";
        assert!(ok && text.contains(order), "{text}");
    }
}

#[cfg(unix)]
#[test]
fn bg_16_first_signal_drops_main_at_once_where_nobody_asked_and_waits_for_its_releases() {
    let (text, ok) = in_child("shutdown::child_is_deaf", &["-INT"]);
    assert!(ok && text.contains("released\ninterrupted by a signal\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn bg_16_first_signal_after_the_end_of_main_cuts_no_release_short() {
    let (text, ok) = in_child("shutdown::child_drains", &["-INT"]);
    assert!(ok && text.contains("released\nended by itself: 7\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn bg_16_second_signal_does_not_wait_for_code_that_asked() {
    let (text, ok) = in_child("shutdown::child_asks_and_stays", &["-INT", "-INT"]);
    assert!(ok && text.contains("interrupted by a signal\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn bg_19_third_signal_does_not_wait_for_a_blocked_thread() {
    let began = std::time::Instant::now();
    let (text, ok) = in_child("shutdown::child_blocks", &["-INT", "-INT", "-INT"]);
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

/// Runs `main` below a root, in a runtime of the root's own or on one thread, and prints how it ended.
fn end_of<T: std::fmt::Display>(one_thread: bool, main: impl Future<Output = T>) {
    let end = if one_thread {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(root_scope(main)).map_err(RunError::Interrupted)
    } else {
        run(main)
    };
    match end {
        Ok(value) => println!("ended by itself: {value}"),
        Err(error) => println!("{error}"),
    }
}

async fn asks() -> u32 {
    println!("ready");
    shutdown_requested().await;
    7
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_asks() {
    end_of(false, asks());
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_asks_on_one_thread() {
    end_of(true, asks());
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_is_deaf() {
    end_of(false, async {
        let _lease = on_drop(|| hand_off(&Handle::current(), "release", async { println!("released") }));
        println!("ready");
        pending::<u32>().await
    });
}

#[cfg(unix)]
#[test]
#[ignore = "the child process of bg_16"]
fn child_drains() {
    end_of(false, async {
        hand_off(&Handle::current(), "release", async {
            let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).unwrap();
            println!("ready");
            signal.recv().await;
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            println!("released");
        });
        7
    });
}

async fn asks_and_stays() -> u32 {
    println!("ready");
    shutdown_requested().await;
    println!("ready");
    pending().await
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_asks_and_stays() {
    end_of(false, asks_and_stays());
}

#[test]
#[ignore = "the child process of bg_16"]
fn child_asks_and_stays_on_one_thread() {
    end_of(true, asks_and_stays());
}

/// A scope that was cancelled, with a child that sees the signal while it uses the grace.
async fn is_cancelled_already() -> String {
    let open = TaskGroup::builder().grace(Duration::from_secs(60)).try_scope(async |group: &TaskGroup<String>| {
        let stop = shutdown_requested();
        drop(group.spawn(async move {
            println!("told: {}", cancelled().await);
            println!("ready");
            stop.await;
            println!("still: {}", cancelled().await);
        }));
        group.cancel("enough");
        pending::<Result<(), _>>().await
    });
    match open.await {
        Err(error @ ScopeError::Cancelled(Reason::Explicit(_))) => error.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
#[ignore = "the child process of bg_17"]
fn child_is_cancelled_already() {
    end_of(false, is_cancelled_already());
}

#[test]
#[ignore = "the child process of bg_17"]
fn child_is_cancelled_already_on_one_thread() {
    end_of(true, is_cancelled_already());
}
