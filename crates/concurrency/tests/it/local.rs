//! Children that need not be `Send`, and groups under every kind of scheduler.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
};

use bowline_concurrency::{ScopeError, TaskGroup, scope, try_scope};
use bowline_testing::{Polled, poll_once};
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{Census, SlowDrop, finish, on_both, on_local_set, stays_pending};

/// The life of a group in one case: values, a failure, siblings that are dropped, orphans that are waited for.
async fn whole_life() {
    let census = Census::default();
    let sum = scope(async |group| {
        let tasks: Vec<_> = (1..=4).map(|n| group.spawn(async move { (yield_now().await, n).1 })).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await;
        }
        sum
    });
    assert_eq!(sum.await, 10);

    let result: Result<(), ScopeError<&str>> = try_scope(async |group| {
        let inside = SlowDrop::new(census.enter());
        drop(group.spawn(async move {
            let _inside = inside;
            scope(async |inner| inner.spawn(pending::<()>()).await).await;
        }));
        yield_now().await;
        group.try_spawn(async { Err::<(), _>("boom") }).await;
        Ok(())
    })
    .await;
    assert_eq!(census.alive(), 0);
    assert_eq!(result.unwrap_err().into_first().unwrap(), "boom");

    scope(async |_| {
        let inside = SlowDrop::new(census.enter());
        let (up, is_up) = oneshot::channel();
        tokio::select! {
            () = scope(async |group| group.spawn(async move {
                let _inside = inside;
                let _ = up.send(());
                pending::<()>().await;
            }).await) => unreachable!(),
            _ = is_up => {}
        }
    })
    .await;
    assert_eq!(census.alive(), 0);
}

#[test]
fn tg_34_groups_work_under_every_scheduler() {
    on_both(whole_life);
    on_local_set(whole_life);
}

#[test]
fn tg_34_children_on_the_current_thread_live_and_fail_like_others() {
    on_local_set(|| async {
        let seen = Rc::new(RefCell::new(Vec::new()));
        let census = Census::default();
        let result: Result<(), ScopeError<&str>> = try_scope(async |group| {
            for n in 0..3 {
                let seen = seen.clone();
                drop(group.spawn_local(async move {
                    yield_now().await;
                    seen.borrow_mut().push(n);
                }));
            }
            assert_eq!(*group.spawn_local(async { Rc::new(7) }).await, 7);
            let inside = SlowDrop::new(census.enter());
            drop(group.named("endless").spawn_local(async move {
                let _inside = (Rc::new(()), inside);
                pending::<()>().await;
            }));
            yield_now().await;
            group.try_spawn_local(async { *Rc::new(Err::<(), _>("boom")) }).await;
            Ok(())
        })
        .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "boom");
        seen.borrow_mut().sort_unstable();
        assert_eq!(*seen.borrow(), [0, 1, 2]);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn scope_waits_for_a_local_child() {
    on_local_set(|| async {
        let done = Rc::new(Cell::new(false));
        let (end, gate) = oneshot::channel::<()>();
        let mut open = Polled::new(scope(async |group| {
            let flag = done.clone();
            drop(group.spawn_local(async move {
                let _ = gate.await;
                flag.set(true);
            }));
        }));
        stays_pending(&mut open).await;
        drop(end);
        finish(&mut open).await;
        assert!(done.get());
    });
}

#[test]
fn dropped_scope_leaves_its_local_children_to_the_scope_around() {
    on_local_set(|| async {
        let census = Census::default();
        scope(async |_| {
            let inside = SlowDrop::new(census.enter());
            let mut lost = Box::pin(scope(async |group| {
                group
                    .spawn_local(async move {
                        let _inside = (Rc::new(()), inside);
                        pending::<()>().await;
                    })
                    .await;
            }));
            assert!(poll_once(lost.as_mut()).is_pending());
            yield_now().await;
        })
        .await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn panic_of_a_local_child_is_resumed_at_the_owner() {
    on_local_set(|| async {
        let owner = tokio::task::spawn_local(scope(async |group| {
            group.spawn_local(async { std::panic::panic_any(41_u8) }).await;
        }));
        assert_eq!(owner.await.unwrap_err().into_panic().downcast_ref::<u8>(), Some(&41));
    });
}

#[test]
fn local_children_keep_to_a_limit() {
    on_local_set(|| async {
        let running = Rc::new(Cell::new(0));
        TaskGroup::builder()
            .limit(std::num::NonZeroUsize::MIN)
            .scope(async |group| {
                for _ in 0..5 {
                    let running = running.clone();
                    drop(group.spawn_local(async move {
                        assert_eq!(running.replace(running.get() + 1), 0);
                        yield_now().await;
                        running.set(running.get() - 1);
                    }));
                }
            })
            .await;
    });
}
