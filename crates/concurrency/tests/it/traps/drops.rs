//! Traps of dropping: what is dropped when, where, and who waits for it.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{
    BackgroundTasks, Reason, Scope, ScopeError, Spawner, TaskGroup, cancelled, hand_off, scope, try_scope,
};
use bowline_testing::Polled;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
    task::yield_now,
};

use crate::support::{Census, SlowDrop, ends, on_both, on_drop};

fn runtimes() -> [Runtime; 2] {
    [
        Builder::new_current_thread().enable_all().build().unwrap(),
        Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap(),
    ]
}

#[test]
fn trap_01_drop_of_a_scope_cannot_wait_so_the_scope_around_does() {
    on_both(|| async {
        for _ in 0..50 {
            let census = Census::default();
            scope(async |_| {
                let (up, running) = oneshot::channel();
                let inside = SlowDrop::new(census.enter());
                let mut inner = Box::pin(scope(async move |group| {
                    let task = group.spawn(async move {
                        let _inside = inside;
                        up.send(()).unwrap();
                        pending::<()>().await;
                    });
                    task.await;
                }));
                tokio::select! { biased; () = &mut inner => unreachable!(), _ = running => {} }
                drop(inner); // Returns at once; the child may still be on its way out.
            })
            .await;
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn trap_03_never_polled_child_reports_after_its_destructors() {
    ends("never polled", || {
        let seen = Arc::new(Mutex::new(String::new()));
        // One thread and no await in between: the child cannot have been polled.
        Builder::new_current_thread().build().unwrap().block_on(async {
            let result = try_scope(async |group: &TaskGroup<&str>| {
                let (node, seen) = (Scope::current(), seen.clone());
                let captured = on_drop(move || *seen.lock().unwrap() = format!("{node:?}"));
                drop(group.spawn(async move {
                    let _captured = captured;
                    unreachable!("it is aborted before its first poll");
                }));
                Err::<(), _>("at once")
            });
            let ScopeError::Failed(errors) = result.await.unwrap_err() else { panic!("it failed") };
            assert_eq!(errors.into_vec(), ["at once"]);
        });
        let seen = seen.lock().unwrap();
        assert!(seen.contains("children: 1"), "it was reported as gone before its destructors ran: {seen}");
    });
}

/// A destructor that uses the group and the manager that its task is being spawned into.
fn meddles(spawner: Spawner<&'static str>, tasks: &'static BackgroundTasks) -> impl Drop + Send {
    on_drop(move || {
        drop(spawner.spawn(async {}));
        spawner.cancel("from a destructor");
        let _ = (tasks.len(), tasks.is_closed(), tasks.spawn("from a destructor", async {}));
    })
}

#[test]
fn trap_04_spawn_that_drops_the_future_inside_holds_no_lock() {
    static TASKS: BackgroundTasks = BackgroundTasks::new();
    ends("spawn on a runtime that is gone", || {
        for runtime in runtimes() {
            let census = Census::default();
            let gone = runtime.handle().clone();
            runtime.shutdown_timeout(Duration::from_secs(10)); // Waits for its threads, which would take tasks until they go.
            let _inside = gone.enter();
            let mut open = Polled::new(try_scope(async |group: &TaskGroup<&'static str>| {
                let (meddles, inside) = (meddles(group.spawner(), &TASKS), census.enter());
                let task = group.spawn(async move {
                    let _inside = (meddles, inside);
                });
                assert_eq!(census.alive(), 0, "Tokio drops it inside `spawn`");
                let inside = census.enter();
                assert_eq!(TASKS.spawn("background", async move { drop(inside) }).unwrap().await, None);
                task.await;
                Ok(())
            }));
            assert!(matches!(
                open.assert_ready(),
                Err(ScopeError::Cancelled(Reason::RuntimeGone | Reason::Explicit(_)))
            ));
            assert_eq!(census.alive(), 0);
            assert!(TASKS.is_empty());
        }
    });
}

#[test]
fn trap_04_spawn_that_panics_outside_a_runtime_leaves_the_group_countable() {
    let census = Census::default();
    let mut open = Polled::new(scope(async |group| {
        let inside = census.enter();
        drop(group.spawn(async move { drop(inside) }));
    }));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| open.poll())).unwrap_err();
    let text = bowline_concurrency::Failure::panic("the body", panic).to_string();
    assert!(text.contains("no reactor running"), "{text}");
    assert_eq!(census.alive(), 0);
}

#[test]
fn trap_05_scope_dropped_outside_every_runtime_cancels_its_children() {
    ends("dropped outside", || {
        for (runtime, grace) in runtimes().into_iter().zip([Duration::ZERO, Duration::from_secs(60)]) {
            let census = Census::default();
            let (up, running) = oneshot::channel();
            let inside = census.enter();
            let mut open = Box::pin(TaskGroup::builder().grace(grace).scope(async move |group| {
                let task = group.spawn(async move {
                    let _inside = on_drop(move || {
                        let _ = (&inside, Scope::current().reason_for_drop());
                    });
                    up.send(()).unwrap();
                    pending::<()>().await;
                });
                task.await;
            }));
            runtime.block_on(async {
                tokio::select! { biased; () = &mut open => unreachable!(), _ = running => {} }
            });
            assert!(Handle::try_current().is_err());
            drop(open); // No panic, although there is no runtime to time the grace.
            runtime.block_on(async {
                while census.alive() > 0 {
                    yield_now().await;
                }
            });
        }
    });
}

#[test]
fn trap_05_shutdown_of_the_runtime_may_drop_parents_and_children_in_any_order() {
    ends("shutdown of the runtime", || {
        for runtime in runtimes() {
            let census = Census::default();
            let (up, running) = oneshot::channel();
            let (outer, inner) = (census.enter(), census.enter());
            runtime.block_on(async {
                drop(tokio::spawn(scope(async move |group| {
                    let _outer = outer;
                    let task = group.spawn(scope(async move |nested| {
                        let task = nested.spawn(async move {
                            let _inner = on_drop(move || {
                                let _ = (&inner, Scope::current().reason_for_drop());
                            });
                            up.send(()).unwrap();
                            pending::<()>().await;
                        });
                        task.await;
                    }));
                    task.await;
                })));
                running.await.unwrap();
            });
            drop(runtime);
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn trap_13_grandchildren_of_a_cancelled_child_are_waited_for() {
    on_both(|| async {
        for _ in 0..50 {
            let census = Census::default();
            let (up, running) = oneshot::channel();
            let inside = SlowDrop::new(census.enter());
            let result = try_scope(async |group: &TaskGroup<&str>| {
                // The child is aborted; the scope inside is dropped with it and can only ask.
                drop(group.spawn(scope(async move |nested| {
                    let grandchild = nested.spawn(async move {
                        let _inside = inside;
                        up.send(()).unwrap();
                        pending::<()>().await;
                    });
                    grandchild.await;
                })));
                running.await.unwrap();
                Err::<(), _>("enough")
            });
            assert!(result.await.is_err());
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn trap_16_group_and_its_parked_children_do_not_keep_each_other() {
    /// A scope whose node owns `observes`, with a child that is parked in a list of that node.
    async fn parked(observes: impl Send + Sync + 'static, inside: impl Send + 'static, up: oneshot::Sender<()>) {
        scope(async move |group| {
            Scope::current().observe_failures(move |_| {
                let _ = &observes;
            });
            let task = group.spawn(async move {
                let _inside = inside;
                let mut told = std::pin::pin!(cancelled());
                tokio::select! { biased; _ = &mut told => {}, () = yield_now() => {} }
                up.send(()).unwrap();
                told.await;
            });
            task.await;
        })
        .await;
    }
    ends("parked children", || {
        for runtime in runtimes() {
            let census = Census::default();
            let (up, running) = oneshot::channel();
            let mut open = Box::pin(parked(Mutex::new(census.enter()), census.enter(), up));
            runtime.block_on(async {
                tokio::select! { biased; () = &mut open => unreachable!(), _ = running => {} }
            });
            drop(open);
            runtime.block_on(async {
                // The node goes with its last child.
                while census.alive() > 0 {
                    yield_now().await;
                }
            });
            // And with the runtime, although nobody has dropped the scope by hand.
            let (up, running) = oneshot::channel();
            let open = parked(Mutex::new(census.enter()), census.enter(), up);
            runtime.block_on(async {
                drop(tokio::spawn(open));
                running.await.unwrap();
            });
            drop(runtime);
            assert_eq!(census.alive(), 0);
        }
    });
}

#[test]
fn trap_04_wake_and_drop_of_a_value_that_use_the_group_meet_no_lock() {
    on_both(|| async {
        let released = Arc::new(Mutex::new(0));
        scope(async |group| {
            let spawner = group.spawner();
            let count = released.clone();
            // The value is dropped by the runtime, since nobody takes it; its destructor spawns and hands off.
            let task = group.spawn(async move {
                on_drop(move || {
                    let (in_child, in_release) = (count.clone(), count.clone());
                    if spawner.spawn(async move { *in_child.lock().unwrap() += 1 }).is_err() {
                        *count.lock().unwrap() += 1;
                    }
                    hand_off(&Handle::current(), "release", async move {
                        for _ in 0..10 {
                            yield_now().await;
                        }
                        *in_release.lock().unwrap() += 1;
                    });
                })
            });
            drop(task);
        })
        .await;
        assert_eq!(*released.lock().unwrap(), 2);
    });
}
