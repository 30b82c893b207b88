//! Roots: `run`, `root_scope`, signals. Signals concern a whole process, so those cases run in a child process.

use std::{
    future::pending,
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, Reason, Root, RunBlocking, RunError, Scope, ScopeError, SpawnBlocking, TaskGroup, cancelled,
    hand_off, root_scope, run, scope, shutdown_requested,
};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

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

/// A main that fails, or panics, and leaves behind a task whose release fails while the root closes, and one whose release does not.
async fn fails_and_leaves(
    heard: Arc<Mutex<Vec<String>>>,
    released: Arc<AtomicBool>,
    panics: bool,
) -> Result<(), String> {
    Scope::current().observe_failures(move |failure| heard.lock().unwrap().push(failure.to_string()));
    let tasks = BackgroundTasks::new();
    let (up, running) = oneshot::channel();
    let leftover = async move {
        let _lease = scopeguard(move || {
            hand_off(&Handle::current(), "release", async move {
                for _ in 0..10 {
                    yield_now().await;
                }
                released.store(true, SeqCst);
            });
        });
        let _fails = scopeguard(|| panic!("while closing"));
        let _ = up.send(());
        pending::<()>().await;
    };
    drop(tasks.spawn("leftover", leftover).unwrap());
    running.await.unwrap();
    assert!(!panics, "the error of main");
    Err("the error of main".to_owned())
}

#[test]
fn bg_14_error_of_main_is_returned_that_of_a_leftover_is_reported_and_the_release_is_awaited() {
    let case = |root: fn(Arc<Mutex<Vec<String>>>, Arc<AtomicBool>)| {
        let (heard, released) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        root(heard.clone(), released.clone());
        assert_eq!(*heard.lock().unwrap(), ["leftover panicked and nobody was left to be told: while closing"]);
        assert!(released.load(SeqCst), "the root has not waited for the release");
    };
    case(|heard, released| {
        let error = run(fails_and_leaves(heard, released, false)).unwrap().unwrap_err();
        assert_eq!(error, "the error of main");
    });
    case(|heard, released| {
        let panic = std::panic::catch_unwind(|| run(fails_and_leaves(heard, released, true))).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&"the error of main"));
    });
    case(|heard, released| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(root_scope(fails_and_leaves(heard, released, false))).unwrap().unwrap_err();
        assert_eq!(error, "the error of main");
    });
}

/// Begins a call on a thread, which blocks until the sender is dropped, and gives the call up.
async fn blocks_a_thread() -> std::sync::mpsc::Sender<()> {
    let (unblock, blocked) = std::sync::mpsc::channel::<()>();
    let (up, running) = oneshot::channel();
    tokio::select! {
        biased;
        _ = SpawnBlocking.run_blocking(move || {
            up.send(()).unwrap();
            drop(blocked.recv());
        }) => unreachable!("it blocks"),
        _ = running => unblock,
    }
}

#[test]
fn bg_19_root_goes_on_without_a_thread_that_outlasts_its_budget_and_names_it() {
    let in_time = Root::new().drain_within(Duration::ZERO);
    let heard = || Arc::new(Mutex::new(Vec::new()));
    let observe = |list: &Arc<Mutex<Vec<String>>>| {
        let list = list.clone();
        Scope::current().observe_failures(move |failure| {
            assert!(failure.is_overdue());
            list.lock().unwrap().push(failure.to_string());
        });
    };
    let check = |list: &Arc<Mutex<Vec<String>>>| {
        let list = list.lock().unwrap();
        assert!(list.len() == 1 && list[0].contains("the root") && list[0].contains("a thread"), "{list:?}");
    };
    ends("run", move || {
        let list = heard();
        let sink = list.clone();
        let unblock = in_time.run(async move {
            observe(&sink);
            blocks_a_thread().await
        });
        check(&list);
        drop(unblock.unwrap());
    });
    on_both(move || async move {
        let list = heard();
        let unblock = in_time.scope(async {
            observe(&list);
            blocks_a_thread().await
        });
        let unblock = unblock.await.unwrap();
        check(&list);
        drop(unblock);
    });
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
        for child in ["root::child_asks", "root::child_asks_on_one_thread"] {
            let (text, ok) = in_child(child, &[signal]);
            assert!(ok && text.contains("ended by itself: 7"), "{text}");
        }
    }
}

#[cfg(unix)]
#[test]
fn bg_16_signals_to_a_root_on_one_thread_are_graceful_first_and_immediate_second() {
    let (text, ok) = in_child("root::child_asks_and_stays_on_one_thread", &["-INT", "-TERM"]);
    assert!(ok && text.contains("interrupted by a signal\n"), "{text}");
}

#[cfg(unix)]
#[test]
fn bg_17_signal_does_not_relabel_what_was_cancelled_for_another_reason() {
    for child in ["root::child_is_cancelled_already", "root::child_is_cancelled_already_on_one_thread"] {
        let (text, ok) = in_child(child, &["-INT"]);
        let order = "told: enough\nready\nsignal\nstill: enough\nended by itself: cancelled: enough\n";
        assert!(ok && text.contains(order), "{text}");
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
        let _lease = scopeguard(|| hand_off(&Handle::current(), "release", async { println!("released") }));
        println!("ready");
        pending::<u32>().await
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
