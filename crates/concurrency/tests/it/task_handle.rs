//! The handles of children: awaiting, dropping and cancelling them.

use std::{
    future::{pending, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    task::Poll,
    time::Duration,
};

use bowline_concurrency::{TaskGroup, cancelled, scope, try_scope};
use bowline_testing::Polled;
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{Census, Owes, finish, on_both, stays_pending};

#[test]
fn tg_56_handle_before_the_end_and_after_success() {
    on_both(|| async {
        scope(async |group| {
            let (end, gate) = oneshot::channel::<()>();
            let task = group.spawn(async move { gate.await.is_ok() });
            yield_now().await;
            assert!(!task.is_finished());
            end.send(()).unwrap();
            while !task.is_finished() {
                yield_now().await;
            }
            assert!(task.await);
        })
        .await;
    });
}

#[test]
fn tg_56_handle_of_a_failed_child_stays_pending_and_the_group_reports_the_failure_once() {
    // Elsewhere the handle gives an error. Here a body that awaits a failed child is dropped; one that may clean up sees no value.
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(Duration::from_secs(3600))
            .try_scope(async |group: &TaskGroup<&str>| {
                let mut task = group.try_spawn(async { Err::<u8, _>("boom") });
                cancelled().await;
                while !task.is_finished() {
                    yield_now().await;
                }
                tokio::select! {
                    biased;
                    _ = &mut task => unreachable!("there is no value"),
                    () = yield_now() => {}
                }
                assert!(task.cancel().await.is_none());
                Ok(())
            })
            .await;
        assert_eq!(result.unwrap_err().errors().unwrap().len(), 1);
    });
}

#[test]
fn tg_57_cancelled_child_gives_no_value_and_its_siblings_go_on() {
    on_both(|| async {
        let census = Census::default();
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let (end, gate) = oneshot::channel::<()>();
            let sibling = group.spawn(async move { gate.await.is_ok() });
            let (here, (up, is_up)) = (census.enter(), oneshot::channel());
            let endless = group.spawn(async move {
                let _here = here;
                let _ = up.send(());
                pending::<u8>().await
            });
            is_up.await.unwrap();
            assert_eq!(endless.cancel().await, None);
            assert_eq!(census.alive(), 0, "it is gone when the wait for it is over");
            assert!(group.cancellation().is_none());
            end.send(()).unwrap();
            Ok(sibling.await)
        })
        .await;
        assert!(result.unwrap(), "the group is none the worse for it");
    });
}

#[test]
fn tg_57_cancel_waits_for_what_the_child_leaves_behind() {
    on_both(|| async {
        let census = Census::default();
        let (open, gate) = oneshot::channel();
        scope(async |group| {
            let (owes, (up, is_up)) = (Owes::new(census.enter(), gate), oneshot::channel());
            let child = group.spawn(async move {
                let _owes = owes;
                let _ = up.send(());
                pending::<()>().await;
            });
            is_up.await.unwrap();
            let mut cancelling = Polled::new(child.cancel());
            stays_pending(&mut cancelling).await;
            assert_eq!(census.alive(), 1);
            open.send(()).unwrap();
            assert!(finish(&mut cancelling).await.is_none());
            assert_eq!(census.alive(), 0);
        })
        .await;
    });
}

#[test]
fn tg_57_value_that_was_there_before_the_cancellation_is_kept() {
    on_both(|| async {
        let value = scope(async |group| {
            let task = group.spawn(async { 7 });
            while !task.is_finished() {
                yield_now().await;
            }
            task.cancel().await
        });
        assert_eq!(value.await, Some(7));
    });
}

#[test]
fn tg_74_handle_that_gave_its_value_gives_it_no_second_time() {
    // `task.await` consumes the handle, so this needs a reference to it.
    on_both(|| async {
        scope(async |group| {
            let mut task = Polled::new(group.spawn(async { 7 }));
            assert_eq!(finish(&mut task).await, 7);
            assert!(catch_unwind(AssertUnwindSafe(|| task.poll())).is_err());
        })
        .await;
    });
}

#[test]
fn tg_75_children_that_nobody_joins_run_to_their_end() {
    // Elsewhere they are cancelled and the misuse is reported. Here the scope is what joins them; `#[must_use]` tells of lost values.
    on_both(|| async {
        let (end, gate) = oneshot::channel::<()>();
        let (tell, mut told) = oneshot::channel();
        let mut open = Polled::new(scope(async |group| {
            drop(group.spawn(async move {
                let _ = gate.await;
                yield_now().await;
                tell.send(()).unwrap();
            }));
        }));
        stays_pending(&mut open).await;
        end.send(()).unwrap();
        finish(&mut open).await;
        assert!(told.try_recv().is_ok());
    });
}

#[test]
fn tg_77_join_that_was_interrupted_is_taken_up_again() {
    on_both(|| async {
        let value = scope(async |group| {
            let (end, gate) = oneshot::channel();
            let mut task = group.spawn(async move { gate.await.unwrap() });
            for _ in 0..3 {
                tokio::select! {
                    biased;
                    _ = &mut task => unreachable!("the gate is shut"),
                    () = yield_now() => {}
                }
            }
            end.send(7).unwrap();
            task.await
        });
        assert_eq!(value.await, 7);
    });
}

#[test]
fn tg_87_values_come_in_the_order_of_the_handles() {
    on_both(|| async {
        let values = scope(async |group| {
            let (mut tasks, mut ends) = (Vec::new(), Vec::new());
            for n in 0..10 {
                let (end, gate) = oneshot::channel::<()>();
                tasks.push(group.spawn(async move {
                    let _ = gate.await;
                    n
                }));
                ends.push(end);
            }
            // They end in reverse order.
            while let Some(end) = ends.pop() {
                drop(end);
                while !tasks[ends.len()].is_finished() {
                    yield_now().await;
                }
            }
            let mut values = Vec::new();
            for task in tasks {
                values.push(task.await);
            }
            values
        });
        assert_eq!(values.await, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });
}

#[test]
fn release_of_a_value_that_nobody_takes_is_waited_for() {
    // The handle is dropped before the child ends, after it, and never: each time the value dies below the scope.
    for (case, name) in ["before", "after", "with the body"].into_iter().enumerate() {
        on_both(move || async move {
            let census = Census::default();
            let ((end, ended), (open, gate)) = (oneshot::channel::<()>(), oneshot::channel());
            let mut held = Polled::new(scope(async |group| {
                let value = Owes::new(census.enter(), gate);
                let task = group.spawn(async move {
                    let _ = ended.await;
                    value
                });
                if case == 0 {
                    drop(task);
                    let _ = end.send(());
                    return;
                }
                let _ = end.send(());
                while !task.is_finished() {
                    yield_now().await;
                }
                if case == 1 {
                    drop(task);
                    yield_now().await;
                }
            }));
            stays_pending(&mut held).await;
            assert_eq!(census.alive(), 1, "{name}");
            open.send(()).unwrap();
            finish(&mut held).await;
            assert_eq!(census.alive(), 0, "{name}");
        });
    }
}

#[test]
fn release_of_the_value_that_a_cancelled_task_had_is_waited_for() {
    on_both(|| async {
        let census = Census::default();
        let (open, gate) = oneshot::channel();
        let mut held = Polled::new(scope(async |group| {
            let value = Owes::new(census.enter(), gate);
            let task = group.spawn(ready(value));
            while !task.is_finished() {
                yield_now().await;
            }
            drop(task.cancel().await);
        }));
        loop {
            match held.poll() {
                Poll::Ready(()) => panic!("the release waits for the gate"),
                Poll::Pending if census.alive() == 1 => break,
                Poll::Pending => yield_now().await,
            }
        }
        stays_pending(&mut held).await;
        open.send(()).unwrap();
        finish(&mut held).await;
        assert_eq!(census.alive(), 0);
    });
}
