//! Roots: `run`, `root_scope`, and what is left below them.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, Root, RunBlocking, RunError, Scope, SpawnBlocking, hand_off, root_scope, run, scope,
};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use crate::support::{ends, on_both, on_drop};

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
                let _lease = on_drop(move || {
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
        let _lease = on_drop(move || {
            hand_off(&Handle::current(), "release", async move {
                for _ in 0..10 {
                    yield_now().await;
                }
                released.store(true, SeqCst);
            });
        });
        let _fails = on_drop(|| panic!("while closing"));
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
        assert_eq!(*heard.lock().unwrap(), ["leftover panicked: while closing"]);
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
            let _ = blocked.recv();
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
        assert!(list.len() == 1 && list[0].contains("the root") && list[0].contains("a blocking call"), "{list:?}");
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
