//! Traps of cancelling: tasks that do not listen, threads that cannot, and wake-ups that come too early.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{
    RunBlocking, Scope, ScopeError, SpawnBlocking, TaskGroup, cancelled, deadline, is_cancelled, try_scope,
};
use bowline_testing::Polled;
use tokio::{
    runtime::{Builder, Handle, RuntimeFlavor},
    sync::oneshot,
    task::{unconstrained, yield_now},
    time::{Instant, sleep},
};

use crate::support::{Census, ends, on_both, paused};

#[test]
fn trap_08_grace_of_a_child_that_does_not_listen_ends_by_the_timer_of_the_group() {
    paused(async {
        let census = Census::default();
        let began = Instant::now();
        let group = TaskGroup::builder().grace(Duration::from_secs(1));
        let result = group.try_scope(async |group: &TaskGroup<&str>| {
            let inside = census.enter();
            drop(group.spawn(unconstrained(async move {
                let _inside = inside;
                loop {
                    sleep(Duration::from_millis(1)).await;
                }
            })));
            group.cancel("enough");
            pending::<Result<(), _>>().await
        });
        assert!(matches!(result.await, Err(ScopeError::Cancelled(_))));
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn trap_08_scope_does_not_wait_for_ever_for_a_child_that_never_waits() {
    // On one thread nothing else would run until such a child ends: nobody can help there.
    ends("a child that never waits", || {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(Mutex::new(Vec::new()));
        runtime.block_on(async {
            let short = Duration::from_millis(1);
            let group = TaskGroup::builder().name("busy").grace(short).settle_within(short);
            let result = group.try_scope(async |group: &TaskGroup<&str>| {
                let list = heard.clone();
                Scope::current().observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
                let (stop, (up, running)) = (stop.clone(), oneshot::channel());
                drop(group.spawn(unconstrained(async move {
                    up.send(()).unwrap();
                    let always = tokio::sync::Semaphore::new(1);
                    while !stop.load(SeqCst) {
                        drop(always.acquire().await);
                    }
                })));
                running.await.unwrap();
                group.cancel("enough");
                pending::<Result<(), _>>().await
            });
            assert!(matches!(result.await, Err(ScopeError::Cancelled(_))));
        });
        assert!(!stop.swap(true, SeqCst), "it has returned before the child");
        let expected = "the cleanup of busy was not done within its budget; still running: 1 task";
        assert_eq!(*heard.lock().unwrap(), [expected]);
    });
}

#[test]
fn trap_09_thread_that_ignores_everything_is_given_up_after_the_budget_and_named() {
    on_both(|| async {
        let (unblock, blocked) = std::sync::mpsc::channel::<()>();
        let (up, running) = oneshot::channel();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let group = TaskGroup::builder().name("hashing").settle_within(Duration::from_millis(1));
        let result = group.try_scope(async |group: &TaskGroup<&str>| {
            let list = heard.clone();
            Scope::current().observe_failures(move |failure| list.lock().unwrap().push(failure.to_string()));
            let child = group.spawn(SpawnBlocking.run_blocking(move || {
                up.send(()).unwrap();
                let _ = blocked.recv();
            }));
            running.await.unwrap();
            group.cancel("enough");
            child.await.unwrap();
            Ok(())
        });
        assert!(matches!(result.await, Err(ScopeError::Cancelled(_))));
        let heard = heard.lock().unwrap();
        let named = "the cleanup of hashing was not done within its budget; still running: a blocking call";
        // Another thread may not have come to drop the child that waited for the call; then that is what is left.
        let one_thread = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
        assert!(
            heard.len() == 1 && (heard[0].starts_with(named) || !one_thread && heard[0].contains("1 task")),
            "{heard:?}"
        );
        drop(unblock);
    });
}

#[test]
fn trap_09_elapsed_names_the_thread_that_a_body_waited_for() {
    on_both(|| async {
        let (unblock, blocked) = std::sync::mpsc::channel::<()>();
        let (up, running) = oneshot::channel();
        let work = deadline(Duration::from_secs(600), async |deadline| {
            let call = SpawnBlocking.run_blocking(move || {
                up.send(()).unwrap();
                let _ = blocked.recv();
            });
            running.await.unwrap();
            deadline.reschedule(Instant::now()).unwrap();
            call.await
        });
        let elapsed = work.settle_within(Duration::from_millis(1)).await.unwrap_err();
        let left = elapsed.stragglers();
        assert!(left.len() == 1 && left[0].starts_with("a blocking call"), "{left:?}");
        drop(unblock);
    });
}

#[test]
fn trap_09_closure_that_asks_is_told_on_its_thread() {
    on_both(|| async {
        let reason = Arc::new(Mutex::new(None));
        let told = reason.clone();
        let (up, running) = oneshot::channel();
        let result = try_scope(async move |group: &TaskGroup<&str>| {
            drop(group.spawn(SpawnBlocking.run_blocking(move || {
                up.send(()).unwrap();
                let why = loop {
                    match is_cancelled() {
                        Some(reason) => break reason,
                        None => std::thread::yield_now(),
                    }
                };
                *told.lock().unwrap() = Some(why.to_string());
            })));
            running.await.unwrap();
            Err::<(), _>("enough")
        });
        assert!(result.await.is_err());
        // The scope has waited for the thread.
        assert_eq!(reason.lock().unwrap().as_deref(), Some("another task of the group failed"));
    });
}

#[test]
fn trap_15_cancellation_wakes_who_waits_and_is_seen_by_who_comes_later() {
    on_both(|| async {
        let (early, late) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        let (first, second) = (early.clone(), late.clone());
        let result = try_scope(async move |group: &TaskGroup<&str>| {
            let mut waiting = Polled::new(cancelled());
            let mut made_before = Polled::new(cancelled());
            waiting.assert_pending();
            group.cancel("enough");
            assert!(waiting.is_woken());
            *first.lock().unwrap() = Some(waiting.assert_ready().to_string());
            *second.lock().unwrap() = Some(made_before.assert_ready().to_string());
            pending::<Result<(), _>>().await
        });
        assert!(matches!(result.await, Err(ScopeError::Cancelled(_))));
        assert_eq!(early.lock().unwrap().as_deref(), Some("enough"));
        assert_eq!(late.lock().unwrap().as_deref(), Some("enough"));
    });
}

#[test]
fn trap_15_cancellation_that_races_the_wait_is_never_missed() {
    on_both(|| async {
        for round in 0..500 {
            // The grace never ends here: a wake-up that was missed is a hang.
            let group = TaskGroup::builder().grace(Duration::from_secs(600));
            let result = group.try_scope(async |group: &TaskGroup<String>| {
                for _ in 0..3 {
                    drop(group.spawn(async {
                        let reason = cancelled().await;
                        // The reason is there as soon as the cancellation is.
                        assert_eq!(reason.to_string(), is_cancelled().unwrap().to_string());
                    }));
                }
                for _ in 0..round % 4 {
                    yield_now().await;
                }
                group.cancel("enough");
                pending::<Result<(), _>>().await
            });
            assert!(matches!(result.await, Err(ScopeError::Cancelled(_))));
        }
    });
}
