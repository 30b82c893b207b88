//! Traps of failing: panics, aborts that come too late, errors after the first.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind, panic_any},
    sync::{Arc, Mutex},
    time::Duration,
};

use bowline_concurrency::{Scope, ScopeError, TaskGroup, cancelled, scope, try_scope};
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{Census, SlowDrop, on_both, paused};

/// Catches the panic of a future.
async fn caught<F: Future>(future: F) -> Box<dyn std::any::Any + Send> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(|_| panic!("it was to panic")),
        Err(payload) => std::task::Poll::Ready(payload),
    })
    .await
}

/// Panics when it is dropped.
struct Bomb(u32);

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(self.0);
    }
}

#[test]
fn trap_06_panic_of_a_child_is_resumed_with_its_payload_after_the_siblings_are_gone() {
    on_both(|| async {
        let census = Census::default();
        let payload = caught(scope(async |group| {
            let mut running = Vec::new();
            for _ in 0..4 {
                let (up, ready) = oneshot::channel();
                let inside = SlowDrop::new(census.enter());
                drop(group.spawn(async move {
                    let _inside = inside;
                    up.send(()).unwrap();
                    pending::<()>().await;
                }));
                running.push(ready);
            }
            for ready in running {
                ready.await.unwrap();
            }
            group.spawn(async { panic_any(7_u32) }).await
        }))
        .await;
        assert_eq!(payload.downcast_ref(), Some(&7_u32));
        assert_eq!(census.alive(), 0, "the panic was resumed before the siblings were gone");
    });
}

#[test]
fn trap_06_panics_in_destructors_of_aborted_children_abort_nothing_and_are_not_lost() {
    on_both(|| async {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = heard.clone();
        let payload = caught(scope(async move |group| {
            Scope::current().observe_failures(move |failure| list.lock().unwrap().push(failure.is_panic()));
            let mut running = Vec::new();
            for number in 0..3 {
                let (up, ready) = oneshot::channel();
                drop(group.spawn(async move {
                    let _bomb = Bomb(number);
                    up.send(()).unwrap();
                    pending::<()>().await;
                }));
                running.push(ready);
            }
            for ready in running {
                ready.await.unwrap();
            }
            group.spawn(async { panic_any(7_u32) }).await
        }))
        .await;
        assert_eq!(payload.downcast_ref(), Some(&7_u32), "the first panic is resumed");
        assert_eq!(*heard.lock().unwrap(), [true; 3], "the others go to the observer");
    });
}

#[test]
fn trap_07_child_that_was_finished_when_it_was_aborted_keeps_its_value() {
    on_both(|| async {
        scope(async |group| {
            let finished = group.spawn(async { 7 });
            while !finished.is_finished() {
                yield_now().await;
            }
            assert_eq!(finished.cancel().await, Some(7));
            assert_eq!(group.spawn(pending::<u32>()).cancel().await, None);
        })
        .await;
    });
}

#[test]
fn trap_07_neither_a_value_during_the_cancellation_nor_an_abort_by_the_group_is_an_error() {
    on_both(|| async {
        let (tell, told) = oneshot::channel();
        let result = TaskGroup::builder().grace(Duration::from_secs(60)).try_scope(async |group: &TaskGroup<&str>| {
            drop(group.named("ends with a value").try_spawn(async move {
                cancelled().await;
                tell.send(()).unwrap();
                Ok(7)
            }));
            drop(group.named("fails").try_spawn(async { Err::<(), _>("the only one") }));
            pending::<Result<(), _>>().await
        });
        let ScopeError::Failed(errors) = result.await.unwrap_err() else { panic!("it failed") };
        assert_eq!(errors.named().collect::<Vec<_>>(), [(Some("fails"), &"the only one")]);
        assert_eq!(told.await, Ok(()));

        let aborted = try_scope(async |group: &TaskGroup<&str>| {
            drop(group.named("aborted").try_spawn(pending::<Result<(), _>>()));
            drop(group.named("fails").try_spawn(async { Err::<(), _>("the only one") }));
            pending::<Result<(), _>>().await
        });
        let ScopeError::Failed(errors) = aborted.await.unwrap_err() else { panic!("it failed") };
        assert_eq!(errors.into_vec(), ["the only one"]);
    });
}

#[test]
fn trap_20_errors_after_the_first_are_kept_with_names_in_the_order_of_time() {
    on_both(|| async {
        let group = TaskGroup::builder().grace(Duration::from_secs(60));
        let result = group.try_scope(async |group: &TaskGroup<usize>| {
            // Spawned in one order, failing in the other: each one when the future of the one before is dropped. What comes after the first
            // uses the grace.
            let (mut before, mut last) = (Vec::new(), None);
            for number in 0..3 {
                let (gone, told) = oneshot::channel::<()>();
                before.push((number, last.replace(told), gone));
            }
            for (number, before, gone) in before.into_iter().rev() {
                drop(group.named(format!("task {number}")).try_spawn(async move {
                    let _gone = gone;
                    if let Some(before) = before {
                        assert!(before.await.is_err());
                    }
                    Err::<(), _>(number)
                }));
            }
            pending::<Result<(), _>>().await
        });
        let ScopeError::Failed(errors) = result.await.unwrap_err() else { panic!("it failed") };
        assert_eq!(*errors.first(), 0, "the first in time");
        let named: Vec<_> = errors.named().map(|(name, error)| (name.unwrap(), *error)).collect();
        assert_eq!(named, [("task 0", 0), ("task 1", 1), ("task 2", 2)]);
    });
}

#[test]
fn trap_20_results_come_in_the_order_of_spawning() {
    paused(async {
        let results = scope(async |group| {
            let spawn = |n: u64| {
                group.spawn(async move {
                    tokio::time::sleep(Duration::from_secs(10 - n)).await;
                    n
                })
            };
            let tasks: Vec<_> = (0..10).map(spawn).collect();
            let mut results = Vec::new();
            for task in tasks {
                results.push(task.await);
            }
            results
        });
        assert_eq!(results.await, (0..10).collect::<Vec<_>>());
    });
}
