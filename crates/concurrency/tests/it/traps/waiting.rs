//! Traps of waiting: for values, for groups, inside groups; and what the one who waits knows of those below.

use std::{
    future::{pending, poll_fn},
    rc::Rc,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, Reason, Scope, ScopeError, TaskGroup, effective_deadline, scope, timeout, try_scope,
};
use tokio::{
    runtime::Builder,
    sync::oneshot,
    task::{LocalSet, yield_now},
    time::{Instant, sleep},
};

use crate::support::{Census, ends, on_both, paused};

#[test]
fn trap_10_each_of_a_hundred_thousand_handles_is_polled_once_when_all_are_ready() {
    const HANDLES: usize = 100_000;
    on_both(|| async {
        let polls = scope(async |group| {
            let tasks: Vec<_> = (0..HANDLES).map(|n| group.spawn(async move { n })).collect();
            while !tasks.iter().all(|task| task.is_finished()) {
                yield_now().await;
            }
            // The simplest `join_all`: polls everything that is left whenever it is polled. Handles that are told to come again because the
            // budget of the task is used up, 128 a time, would be polled forty million times.
            let mut left: Vec<_> = tasks.into_iter().map(Some).collect();
            let mut polls = 0;
            poll_fn(|cx| {
                for slot in &mut left {
                    let Some(task) = slot else { continue };
                    polls += 1;
                    if std::pin::Pin::new(task).poll(cx).is_ready() {
                        *slot = None;
                    }
                }
                if left.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            polls
        });
        assert_eq!(polls.await, HANDLES);
    });
}

#[test]
fn trap_11_group_without_children_is_open_until_its_body_ends() {
    on_both(|| async {
        let census = Census::default();
        let values = scope(async |group| {
            let spawner = group.spawner();
            let mut values = vec![group.spawn(async { 1 }).await];
            for _ in 0..10 {
                yield_now().await; // Nothing is counted now, and nothing has ended for that.
            }
            values.push(group.spawn(async { 2 }).await);
            let inside = census.enter();
            spawner.spawn(async move { drop(inside) }).expect("the group is open");
            values
        });
        assert_eq!(values.await, [1, 2]);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn trap_12_group_counts_children_and_not_the_handles_that_could_spawn_more() {
    on_both(|| async {
        let kept = scope(async |group| {
            let spawner = group.spawner();
            // A child that keeps a handle for as long as it lives, and one that is kept by nobody who ends.
            let inside = spawner.clone();
            drop(group.spawn(async move {
                yield_now().await;
                inside.spawn(async {}).is_ok()
            }));
            spawner
        });
        let refused = kept.await.spawn(async { 7 }).unwrap_err();
        assert_eq!(refused.into_inner().await, 7);
    });
}

#[test]
fn trap_12_task_that_shuts_down_its_own_manager_ends_with_the_others() {
    on_both(|| async {
        let census = Census::default();
        let tasks = Arc::new(BackgroundTasks::new());
        let (own, inside) = (tasks.clone(), census.enter());
        let own_end = tasks.spawn("shuts down", async move {
            let _inside = inside;
            own.shutdown(Duration::ZERO).await
        });
        drop(tasks.spawn("other", pending::<()>()));
        assert_eq!(own_end.unwrap().await, None, "it waits for itself until it is aborted with the others");
        let report = tasks.shutdown(Duration::ZERO).await;
        assert!(report.stuck.is_empty() && tasks.is_empty());
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn trap_14_wait_for_a_value_that_is_dropped_loses_nothing() {
    on_both(|| async {
        let (value, given_up) = scope(async |group| {
            let (end, gate) = oneshot::channel::<()>();
            let mut end = Some(end);
            let mut task = group.spawn(async {
                let _ = gate.await;
                String::from("the value")
            });
            let mut given_up = 0;
            loop {
                tokio::select! {
                    biased;
                    value = &mut task => break (value, given_up),
                    () = yield_now() => given_up += 1,
                }
                if given_up == 3 {
                    drop(end.take()); // From here on the child may end at any moment.
                }
            }
        })
        .await;
        assert_eq!(value, "the value");
        assert!(given_up >= 3, "the wait was not given up");
    });
}

#[test]
fn trap_14_timeout_around_a_handle_gives_up_the_wait_only() {
    paused(async {
        let began = Instant::now();
        let (value, given_up) = scope(async |group| {
            let mut task = group.spawn(async {
                sleep(Duration::from_millis(3500)).await;
                7
            });
            let mut given_up = 0;
            loop {
                match timeout(Duration::from_secs(1), &mut task).await {
                    Ok(value) => break (value, given_up),
                    Err(_) => given_up += 1,
                }
            }
        })
        .await;
        assert_eq!((value, given_up), (7, 3));
        assert_eq!(began.elapsed(), Duration::from_millis(3500));
    });
}

#[test]
fn trap_17_children_that_are_not_send_run_in_a_local_set_on_both_runtimes() {
    on_both(|| async {
        let work = scope(async |group| {
            let shared = Rc::new(std::cell::Cell::new(0));
            let count = |_| {
                let shared = shared.clone();
                group.spawn_local(async move {
                    yield_now().await;
                    shared.set(shared.get() + 1);
                })
            };
            let tasks: Vec<_> = (0..10).map(count).collect();
            for task in tasks {
                task.await;
            }
            shared.get()
        });
        assert_eq!(LocalSet::new().run_until(work).await, 10);
    });
}

#[test]
fn trap_17_scope_whose_local_set_is_gone_does_not_wait_for_it() {
    ends("a local set that is gone", || {
        let census = Census::default();
        Builder::new_current_thread().build().unwrap().block_on(async {
            let (up, running) = oneshot::channel();
            let inside = census.enter();
            let mut open = Box::pin(try_scope(async |group: &TaskGroup<&str>| {
                let child = group.spawn_local(async move {
                    let _inside = (inside, Rc::new(()));
                    up.send(()).unwrap();
                    pending::<()>().await;
                });
                child.await;
                Ok(())
            }));
            let set = LocalSet::new();
            let polled = async {
                tokio::select! { biased; _ = &mut open => unreachable!(), _ = running => {} }
            };
            set.run_until(polled).await;
            drop(set);
            assert!(matches!(open.await, Err(ScopeError::Cancelled(Reason::RuntimeGone))));
        });
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn trap_18_children_inherit_their_place_in_the_tree_and_plain_tasks_do_not() {
    tokio::task_local! { static REQUEST: u32; }
    on_both(|| async {
        let limit = Duration::from_secs(600);
        let at = Instant::now() + limit;
        let below = bowline_concurrency::timeout_at(at, async {
            TaskGroup::builder()
                .name("outer")
                .scope(async |group| {
                    let child = group.spawn(async {
                        let own = (Scope::current().name(), effective_deadline());
                        let grandchild = scope(async |nested| nested.spawn(async { effective_deadline() }).await).await;
                        let plain = tokio::spawn(async { Scope::try_current().is_some() }).await.unwrap();
                        (own, grandchild, plain)
                    });
                    child.await
                })
                .await
        });
        let ((name, own), grandchild, plain) = below.await.unwrap();
        assert_eq!((name.as_str(), own, grandchild), ("outer", Some(at), Some(at)));
        assert!(!plain, "a task of plain `tokio::spawn` belongs to no scope; give it one with `in_scope`");
        // Values of Tokio's `task_local!` are Tokio's: a child has to be given them.
        let inherited = REQUEST.scope(7, scope(async |group| group.spawn(async { REQUEST.try_get().is_ok() }).await));
        assert!(!inherited.await);
        let given = async |group: &TaskGroup| group.spawn(REQUEST.scope(7, async { REQUEST.get() })).await;
        assert_eq!(scope(given).await, 7);
    });
}
