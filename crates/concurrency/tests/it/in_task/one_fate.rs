//! The scope ends after all of its children, and what they leave behind.

use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use bowline_concurrency::{hand_off, in_task_scope, scope};
use tokio::{
    runtime::Handle,
    sync::{Notify, oneshot},
    task::yield_now,
};

use super::length;
use crate::support::{Census, SlowDrop, on_both};

#[test]
fn tg_01_scope_waits_for_children_after_the_body_has_returned() {
    on_both(|| async {
        let done = AtomicUsize::new(0);
        let value = in_task_scope(async |group| {
            for _ in 0..3 {
                drop(group.spawn(async {
                    yield_now().await;
                    done.fetch_add(1, SeqCst);
                }));
            }
            "returned first"
        })
        .await;
        assert_eq!((value, done.load(SeqCst)), ("returned first", 3));
    });
}

#[test]
fn body_is_gone_when_it_has_returned_and_not_when_the_children_have() {
    /// A body that keeps what it captured until it is dropped.
    struct Returns(#[expect(dead_code, reason = "held for its drop")] oneshot::Sender<()>);
    impl Future for Returns {
        type Output = ();
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }
    on_both(|| async {
        in_task_scope(|group| {
            let (sender, receiver) = oneshot::channel();
            // Ends when the sender is gone.
            drop(group.spawn(receiver));
            Returns(sender)
        })
        .await;
    });
}

#[test]
fn children_go_on_while_the_body_awaits_something_else() {
    on_both(|| async {
        let bell = Notify::new();
        in_task_scope(async |group| {
            drop(group.spawn(async {
                yield_now().await;
                bell.notify_one();
            }));
            bell.notified().await;
        })
        .await;
    });
}

#[test]
fn tg_02_child_spawned_after_the_body_has_suspended() {
    on_both(|| async {
        let sum = in_task_scope(async |group| {
            let first = group.spawn(length("abc"));
            yield_now().await;
            let second = group.spawn(length("de"));
            first.await + second.await
        });
        assert_eq!(sum.await, 5);
    });
}

#[test]
fn tg_20_scope_waits_for_siblings_spawned_by_a_child() {
    on_both(|| async {
        let done = AtomicUsize::new(0);
        let done = &done;
        in_task_scope(async |group| {
            let inner = group.clone();
            drop(group.spawn(async move {
                let sibling = inner.spawn(async move {
                    yield_now().await;
                    done.fetch_add(1, SeqCst);
                    7
                });
                assert_eq!(sibling.await, 7);
                let last = inner.clone();
                drop(inner.spawn(async move {
                    drop(last.spawn(async move { done.fetch_add(1, SeqCst) }));
                }));
            }));
        })
        .await;
        assert_eq!(done.load(SeqCst), 2);
    });
}

#[test]
fn what_a_child_leaves_behind_is_gone_before_the_scope_returns() {
    on_both(|| async {
        let (census, released) = (Census::default(), Arc::new(AtomicUsize::new(0)));
        in_task_scope(async |group| {
            let nested = census.clone();
            drop(group.spawn(async move {
                tokio::select! {
                    biased;
                    () = scope(async |inner| {
                        let here = SlowDrop::new(nested.enter());
                        inner.spawn(async move { let _here = here; pending().await }).await
                    }) => {}
                    () = yield_now() => {} // The scope that lost is dropped half-way, and its child is still there.
                }
            }));
            let released = released.clone();
            drop(group.spawn(async move {
                hand_off(&Handle::current(), "release", async move {
                    yield_now().await;
                    released.fetch_add(1, SeqCst);
                });
            }));
        })
        .await;
        assert_eq!((census.alive(), released.load(SeqCst)), (0, 1));
    });
}
