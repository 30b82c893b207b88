//! The driver visits every point, and finds what is lost, leaked or left undone there.

use std::{
    future::{pending, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bowline_concurrency::{hand_off, scope};
use bowline_testing::{DropLog, Harness, assert_cancel_safe};
use tokio::{
    runtime::Handle,
    sync::{Mutex, mpsc},
    task::yield_now,
    time::sleep,
};

use crate::{assert_contains, panic_of};

#[test]
fn visited_points_are_exact() {
    for points in [0, 1, 2, 7] {
        let visited = assert_cancel_safe(
            async || {
                let future = async move {
                    for _ in 0..points {
                        yield_now().await;
                    }
                };
                (future, ())
            },
            async |()| {},
        );
        assert_eq!((visited.current_thread, visited.multi_thread), (points, points));
    }
}

#[test]
fn a_foreign_wake_is_not_a_point() {
    let visited = assert_cancel_safe(
        async || {
            // Something else in the task of the future, such as a sibling in a `join!`, is woken all the time.
            let sibling = poll_fn(|cx| Poll::Ready(cx.waker().clone())).await;
            let noise = tokio::spawn(async move {
                loop {
                    sibling.wake_by_ref();
                    sleep(Duration::from_millis(1)).await;
                }
            });
            let future = async {
                yield_now().await;
                sleep(Duration::from_millis(20)).await;
                tokio::join!(yield_now(), yield_now());
            };
            (future, noise)
        },
        async |noise| noise.abort(),
    );
    assert_eq!((visited.current_thread, visited.multi_thread), (3, 3));
}

#[test]
fn each_point_is_visited_before_and_after_its_wake() {
    let attempts = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let _ = assert_cancel_safe(
        async || {
            attempts.fetch_add(1, Ordering::Relaxed);
            let future = async {
                yield_now().await;
                yield_now().await;
                finished.fetch_add(1, Ordering::Relaxed);
            };
            (future, ())
        },
        async |()| {},
    );
    // On each runtime: to the end, before the first poll, two points twice, and one that finds the end.
    assert_eq!(attempts.into_inner(), 2 * (1 + 1 + 2 * 2 + 1));
    assert_eq!(finished.into_inner(), 2 * 2);
}

type Queue = Arc<Mutex<Vec<u32>>>;

/// Loses the value when it is dropped at its second await.
async fn move_one(from: Queue, to: Queue) {
    let value = from.lock().await.pop();
    yield_now().await;
    yield_now().await;
    to.lock().await.extend(value);
}

#[test]
fn a_lost_value_is_found_with_its_point_and_runtime() {
    let text = panic_of(|| {
        let _ = assert_cancel_safe(
            async || {
                let (a, b) = (Arc::new(Mutex::new(vec![1])), Queue::default());
                let future = {
                    let (a, b) = (a.clone(), b.clone());
                    async move {
                        yield_now().await;
                        move_one(a, b).await;
                    }
                };
                (future, (a, b))
            },
            async |(a, b)| assert_eq!(a.lock().await.len() + b.lock().await.len(), 1, "a value was lost"),
        );
    });
    assert_contains(&text, "on current_thread, dropped at await point 2: ");
    assert_contains(&text, "a value was lost");
}

#[test]
fn what_is_on_its_way_to_a_woken_future_is_found() {
    // The message is taken off the queue by the sender's wake: nothing is lost while the future waits, only when it was woken.
    struct Mailbox {
        handed: AtomicUsize,
        bell: tokio::sync::Notify,
    }
    let text = panic_of(|| {
        let _ = assert_cancel_safe(
            async || {
                let mailbox = Arc::new(Mailbox { handed: AtomicUsize::new(0), bell: tokio::sync::Notify::new() });
                let ringer = mailbox.clone();
                let task = tokio::spawn(async move {
                    yield_now().await;
                    if Arc::strong_count(&ringer) > 2 {
                        ringer.handed.fetch_add(1, Ordering::SeqCst);
                        ringer.bell.notify_waiters();
                    }
                });
                let reader = mailbox.clone();
                let future = async move {
                    reader.bell.notified().await;
                    reader.handed.fetch_sub(1, Ordering::SeqCst);
                };
                (future, (mailbox, task))
            },
            async |(mailbox, task)| {
                task.await.unwrap();
                assert_eq!(mailbox.handed.load(Ordering::SeqCst), 0, "a message was lost");
            },
        );
    });
    assert_contains(&text, "on current_thread, dropped at await point 1 after its wake-up: ");
}

#[test]
fn a_wrong_check_is_told_from_a_cancellation() {
    let text = panic_of(|| {
        let _ = assert_cancel_safe(async || (yield_now(), ()), async |()| panic!("never right"));
    });
    assert_eq!(text, "on current_thread, run to its end: never right");
}

#[test]
fn a_bug_on_one_runtime_only_names_it() {
    let text = panic_of(|| {
        let _ = assert_cancel_safe(
            async || (yield_now(), ()),
            async |()| assert!(Handle::current().metrics().num_workers() == 1, "not there"),
        );
    });
    assert_eq!(text, "on multi_thread, run to its end: not there");
}

#[test]
fn a_leak_is_found_at_its_point() {
    struct Undo(Option<tokio::task::AbortHandle>);
    impl Drop for Undo {
        fn drop(&mut self) {
            self.0.take().inspect(tokio::task::AbortHandle::abort);
        }
    }
    let text = panic_of(|| {
        let _ = assert_cancel_safe(
            async || {
                let future = async {
                    yield_now().await;
                    let child = tokio::spawn(pending::<()>());
                    yield_now().await; // Nobody aborts the child when it is dropped here.
                    drop(Undo(Some(child.abort_handle())));
                };
                (future, ())
            },
            async |()| {},
        );
    });
    assert_contains(&text, "on current_thread, dropped at await point 2: the test has ended, but not all of its tasks");
}

#[test]
fn handed_off_work_is_awaited_before_the_check() {
    struct Lease(Handle, mpsc::UnboundedSender<()>);
    impl Drop for Lease {
        fn drop(&mut self) {
            let returned = self.1.clone();
            hand_off(&self.0, "release", async move {
                sleep(Duration::from_millis(1)).await;
                returned.send(()).unwrap();
            });
        }
    }
    assert_cancel_safe(
        async || {
            let (sender, receiver) = mpsc::unbounded_channel();
            let lease = Lease(Handle::current(), sender);
            let future = async move {
                let _lease = lease;
                yield_now().await;
                yield_now().await;
            };
            (future, receiver)
        },
        async |mut receiver| assert!(receiver.try_recv().is_ok(), "the lease was not released"),
    )
    .at_least(2);
}

#[test]
fn aborted_tasks_have_ended_before_the_check() {
    assert_cancel_safe(
        async || {
            let log = DropLog::default();
            let probe = log.probe("child");
            let future = async move {
                scope(async |group| {
                    drop(group.spawn(async move {
                        let _probe = probe;
                        yield_now().await;
                        yield_now().await;
                    }));
                })
                .await;
            };
            (future, log)
        },
        async |log| assert_eq!(log.drops(), ["child"]),
    )
    .at_least(1);
}

#[test]
fn aborted_tasks_of_code_without_scopes_have_ended_too() {
    struct AbortOnDrop(tokio::task::JoinHandle<()>);
    impl Drop for AbortOnDrop {
        fn drop(&mut self) {
            self.0.abort(); // The task is dropped when its runtime gets to it.
        }
    }
    assert_cancel_safe(
        async || {
            let log = DropLog::default();
            let probe = log.probe("child");
            let future = async move {
                let _child = AbortOnDrop(tokio::spawn(async move {
                    let _probe = probe;
                    pending::<()>().await;
                }));
                yield_now().await;
                yield_now().await;
            };
            (future, log)
        },
        async |log| assert_eq!(log.drops(), ["child"]),
    )
    .at_least(2);
}

#[test]
fn tasks_of_the_state_may_live_as_long_as_the_state() {
    assert_cancel_safe(
        async || {
            let (sender, mut receiver) = mpsc::channel::<u32>(1);
            let actor = tokio::spawn(async move {
                let mut sum = 0;
                while let Some(value) = receiver.recv().await {
                    sum += value;
                }
                sum
            });
            let client = sender.clone();
            let future = async move {
                for value in 0..5 {
                    client.send(value).await.unwrap();
                }
            };
            (future, (sender, actor))
        },
        async |(sender, actor)| {
            drop(sender);
            assert!([0, 1, 3, 6, 10].contains(&actor.await.unwrap()));
        },
    )
    .at_least(2);
}

#[test]
fn a_future_that_never_ends_is_an_error() {
    let text = panic_of(|| {
        let _ = assert_cancel_safe(async || (pending::<()>(), ()), async |()| {});
    });
    assert_contains(&text, "on current_thread, run to its end: nothing can progress; no task is alive");

    let endless = async || {
        let future = async {
            loop {
                yield_now().await;
            }
        };
        (future, ())
    };
    let text = panic_of(|| {
        let _ = assert_cancel_safe(endless, async |()| {});
    });
    assert_contains(&text, "on current_thread: the future suspended more than 10000 times");
    let text = panic_of(|| {
        let _ = Harness::default().max_points(3).assert_cancel_safe(endless, async |()| {});
    });
    assert_contains(&text, "on current_thread: the future suspended more than 3 times");
}

#[test]
fn as_many_points_as_allowed_are_allowed() {
    let visited = Harness::default().max_points(3).assert_cancel_safe(
        async || {
            let future = async {
                for _ in 0..3 {
                    yield_now().await;
                }
            };
            (future, ())
        },
        async |()| {},
    );
    assert_eq!(visited.current_thread, 3);
}

#[test]
fn a_panic_of_the_future_or_of_its_drop_has_its_point() {
    let text = panic_of(|| {
        let _ = assert_cancel_safe(async || (async { panic!("in the future") }, ()), async |()| {});
    });
    assert_eq!(text, "on current_thread, run to its end: in the future");

    struct Bomb(bool);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "in the drop");
        }
    }
    let text = panic_of(|| {
        let _ = assert_cancel_safe(
            async || {
                let future = async {
                    let mut bomb = Bomb(true);
                    yield_now().await;
                    bomb.0 = false;
                };
                (future, ())
            },
            async |()| {},
        );
    });
    assert_eq!(text, "on current_thread, dropped at await point 1: in the drop");
}

#[test]
#[should_panic(expected = "expected 1 await points or more, but visited 0 on current_thread, 0 on multi_thread")]
fn a_test_that_visits_nothing_fails() {
    assert_cancel_safe(async || (async {}, ()), async |()| {}).at_least(1);
}

#[test]
fn timers_are_points_on_both_clocks() {
    let visited = assert_cancel_safe(
        async || {
            let future = async {
                sleep(Duration::from_millis(2)).await;
                sleep(Duration::from_millis(2)).await;
            };
            (future, ())
        },
        async |()| {},
    );
    assert_eq!((visited.current_thread, visited.multi_thread), (2, 2));
}
