//! What is finished leaves no memory behind, and what is many is taken down without recursion. Memory is that of a whole process, so those cases run in
//! a child process.

use std::{
    future::pending,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use bowline_concurrency::{BackgroundTasks, Spawner, TaskGroup, scope, try_scope};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::yield_now,
};

use crate::support::{Census, on_both};

const AT_ONCE: usize = 1_000;
const ALLOWED_KB: usize = 8 * 1024;

#[cfg(target_os = "linux")]
fn resident_kb() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
}

/// Runs an ignored test of this binary in a process of its own.
#[cfg(target_os = "linux")]
fn alone(test: &str) {
    let arguments = ["--exact", test, "--ignored", "--nocapture", "--test-threads=1"];
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{}", text.lines().filter(|line| line.contains(" KB")).collect::<Vec<_>>().join("\n"));
    assert!(output.status.success() && text.contains(" KB"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Runs so many children, after a warm-up, and compares the memory.
#[cfg(target_os = "linux")]
async fn measured(what: &str, mut batch: impl AsyncFnMut()) {
    for _ in 0..20 {
        batch().await;
    }
    let before = resident_kb();
    for _ in 0..1_000_000 / AT_ONCE {
        batch().await;
    }
    let after = resident_kb();
    println!("{what}: {before} KB before, {after} KB after");
    assert!(after <= before + ALLOWED_KB, "finished children are kept");
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn million_finished_children_leave_no_memory_behind() {
    alone("memory::child_million_children");
}

#[cfg(target_os = "linux")]
#[test]
fn million_children_spawned_by_children_leave_no_memory_behind() {
    alone("memory::child_million_by_spawner");
}

#[cfg(target_os = "linux")]
#[test]
fn bg_01_million_finished_tasks_leave_no_memory_behind() {
    alone("memory::child_million_background");
}

#[cfg(target_os = "linux")]
#[test]
fn million_cancellations_of_ended_tasks_leave_no_memory_behind() {
    alone("memory::child_million_cancellations");
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a process of its own: see `alone`"]
fn child_million_cancellations() {
    multi_thread().block_on(scope(async |group| {
        measured("cancellations of what has ended", async || {
            let children: Vec<_> = (0..AT_ONCE).map(|_| group.spawn(async {})).collect();
            while !children.iter().all(|child| child.is_finished()) {
                yield_now().await;
            }
            children.into_iter().for_each(|child| drop(child.cancel()));
        })
        .await;
    }));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a process of its own: see `alone`"]
fn child_million_children() {
    multi_thread().block_on(scope(async |group| {
        measured("children", async || {
            let left = Arc::new(AtomicUsize::new(AT_ONCE));
            for _ in 0..AT_ONCE {
                let left = left.clone();
                drop(group.spawn(async move { left.fetch_sub(1, SeqCst) }));
            }
            while left.load(SeqCst) > 0 {
                yield_now().await;
            }
        })
        .await;
    }));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a process of its own: see `alone`"]
fn child_million_by_spawner() {
    fn chain(spawner: Spawner, left: Arc<AtomicUsize>) {
        let next = spawner.clone();
        let child = async move {
            // No more than so many chains, each one child long at a time.
            if left.fetch_sub(1, SeqCst) > AT_ONCE / 10 {
                chain(next, left);
            }
        };
        assert!(spawner.spawn(child).is_ok());
    }
    multi_thread().block_on(scope(async |group| {
        measured("children of children", async || {
            let left = Arc::new(AtomicUsize::new(AT_ONCE));
            for _ in 0..AT_ONCE / 10 {
                chain(group.spawner(), left.clone());
            }
            while left.load(SeqCst) > 0 {
                yield_now().await;
            }
        })
        .await;
    }));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "a process of its own: see `alone`"]
fn child_million_background() {
    multi_thread().block_on(async {
        let tasks = BackgroundTasks::new();
        measured("background tasks", async || {
            for _ in 0..AT_ONCE {
                drop(tasks.spawn("one", async {}));
            }
            while !tasks.is_empty() {
                yield_now().await;
            }
        })
        .await;
        tasks.finish().await;
    });
}

#[test]
fn hundred_thousand_live_children_are_cancelled_and_settled() {
    on_both(|| async {
        const MANY: usize = 100_000;
        let census = Census::default();
        let result = try_scope(async |group: &TaskGroup<&str>| -> Result<(), _> {
            for _ in 0..MANY {
                let here = census.enter();
                drop(group.spawn(async move {
                    let _here = here;
                    pending::<()>().await;
                }));
            }
            assert_eq!(census.alive(), MANY);
            group.cancel("enough");
            pending().await
        })
        .await;
        assert!(result.is_err());
        assert_eq!(census.alive(), 0);
    });
}

/// Scopes in scopes: in one task, or each in a child of the one around.
fn nested(depth: usize, census: Census, up: oneshot::Sender<()>, tasks: bool) -> BoxFuture {
    Box::pin(scope(async move |group| {
        let _here = census.enter();
        if depth == 0 {
            up.send(()).unwrap();
            return pending().await;
        }
        let inner = nested(depth - 1, census.clone(), up, tasks);
        if tasks { group.spawn(inner).await } else { inner.await }
    }))
}

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

const SMALL_STACK: usize = 256 * 1024;

/// In one task the compiler drops them by recursion, which takes less than 2 KB for each without optimisation.
#[test]
fn hundred_scopes_nested_in_one_task_are_dropped_on_a_small_stack() {
    drop_on_small_stack(99, false);
}

#[test]
fn thousand_scopes_nested_in_tasks_are_dropped_on_small_stacks() {
    drop_on_small_stack(999, true);
}

fn drop_on_small_stack(depth: usize, tasks: bool) {
    let small = || thread::Builder::new().stack_size(SMALL_STACK);
    let runtime =
        Builder::new_multi_thread().worker_threads(2).thread_stack_size(SMALL_STACK).enable_all().build().unwrap();
    let census = Census::default();
    let inside = census.clone();
    let (up, running) = oneshot::channel();
    runtime.block_on(scope(async |_| {
        let mut open = nested(depth, inside, up, tasks);
        tokio::select! { () = &mut open => unreachable!(), _ = running => {} }
        assert_eq!(census.alive(), depth + 1);
        // Dropped where no scope is current: it finds the one of its latest poll.
        small().spawn(move || drop(open)).unwrap().join().unwrap();
    }));
    assert_eq!(census.alive(), 0);
}
