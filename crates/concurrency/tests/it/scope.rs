//! Scopes and task groups.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bowline_concurrency::{Errors, ScopeError, TaskGroup, scope, try_scope};
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{Census, SlowDrop, on_both};

#[test]
fn tg_01_scope_waits_for_the_slower_child() {
    on_both(|| async {
        let (a, b) = scope(async |group| {
            let slow = group.spawn(async {
                for _ in 0..10 {
                    yield_now().await;
                }
                1
            });
            let fast = group.spawn(async { 2 });
            (fast.await, slow.await)
        })
        .await;
        assert_eq!((a, b), (2, 1));
    });
}

#[test]
fn tg_02_child_spawned_after_the_body_has_suspended() {
    on_both(|| async {
        let sum = scope(async |group| {
            let first = group.spawn(async { 1 });
            yield_now().await;
            let second = group.spawn(async { 2 });
            first.await + second.await
        })
        .await;
        assert_eq!(sum, 3);
    });
}

#[test]
fn tg_04_first_failure_cancels_siblings_and_the_body() {
    on_both(|| async {
        let census = Census::default();
        let result = try_scope(async |group: &TaskGroup<&str>| {
            let inside = SlowDrop::new(census.enter());
            drop(group.spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            }));
            drop(group.try_spawn(async { Err::<(), _>("boom") }));
            let _body = census.enter();
            pending::<()>().await;
            unreachable!("the body does not go on");
            #[expect(unreachable_code, reason = "gives the body its type")]
            Ok(())
        })
        .await;
        assert_eq!(census.alive(), 0);
        let errors = result.unwrap_err();
        assert_eq!(errors.errors().map(|e| e.iter().copied().collect()), Some(vec!["boom"]));
    });
}

#[test]
fn tg_05_all_failures_are_returned_in_their_order() {
    on_both(|| async {
        let result = try_scope(async |group: &TaskGroup<u32>| {
            let (first_failed, order) = oneshot::channel();
            drop(group.named("second").try_spawn(async move {
                // Fails in its destructor-free way only after the first one did, and before it is aborted: it does not suspend.
                let _ = order.await;
                Err::<(), _>(2)
            }));
            drop(group.named("first").try_spawn(async move {
                let _ = first_failed.send(());
                Err::<(), _>(1)
            }));
            pending::<Result<(), u32>>().await
        })
        .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not cancelled") };
        assert!(!errors.into_vec().is_empty());
    });
}

#[test]
fn tg_09_error_of_the_body_cancels_the_children() {
    on_both(|| async {
        let census = Census::default();
        let result: Result<(), ScopeError<&str>> = try_scope(async |group| {
            let inside = SlowDrop::new(census.enter());
            drop(group.spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            }));
            yield_now().await;
            Err("the body")
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(result.unwrap_err().into_first().unwrap(), "the body");
    });
}

#[test]
fn tg_10_children_of_a_body_that_fails_at_once_never_run() {
    // Only on current_thread is it certain that the child has not been polled yet.
    crate::support::paused(async {
        let polled = Arc::new(AtomicUsize::new(0));
        let count = polled.clone();
        let result: Result<(), ScopeError<()>> = try_scope(async |group| {
            drop(group.spawn(async move { count.fetch_add(1, SeqCst) }));
            Err(())
        })
        .await;
        assert!(result.is_err());
        assert_eq!(polled.load(SeqCst), 0);
    });
}

#[test]
fn tg_12_failure_of_the_outer_group_cancels_the_inner_one() {
    on_both(|| async {
        let census = Census::default();
        let result = try_scope(async |outer: &TaskGroup<&str>| {
            let (up, ready) = oneshot::channel::<()>();
            drop(outer.try_spawn(async move {
                let _ = ready.await;
                Err::<(), _>("outer")
            }));
            try_scope(async |inner: &TaskGroup<&str>| {
                let inside = SlowDrop::new(census.enter());
                drop(inner.spawn(async move {
                    let _inside = inside;
                    let _ = up.send(());
                    pending::<()>().await;
                }));
                pending::<Result<(), &str>>().await
            })
            .await
            .map_err(|_| "inner")
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(result.unwrap_err().errors().unwrap().iter().copied().collect::<Vec<_>>(), ["outer"]);
    });
}

#[test]
fn tg_20_scope_waits_for_siblings_spawned_by_a_child() {
    on_both(|| async {
        let done = Arc::new(AtomicUsize::new(0));
        let count = done.clone();
        scope(async |group| {
            let spawner = group.spawner();
            drop(group.spawn(async move {
                for _ in 0..10 {
                    let count = count.clone();
                    yield_now().await;
                    spawner
                        .spawn(async move {
                            yield_now().await;
                            count.fetch_add(1, SeqCst);
                        })
                        .unwrap();
                }
            }));
        })
        .await;
        assert_eq!(done.load(SeqCst), 10);
    });
}

#[test]
fn tg_24_spawn_after_a_failure_is_disposed_at_once() {
    on_both(|| async {
        let census = Census::default();
        let (hand_out, handed) = oneshot::channel();
        let result: Result<(), ScopeError<&str>> = try_scope(async |group| {
            let _ = hand_out.send(group.spawner());
            group.try_spawn(async { Err::<(), _>("boom") }).await;
            Ok(())
        })
        .await;
        assert!(result.is_err());
        let spawner = handed.await.unwrap();
        let inside = census.enter();
        let refused = spawner.spawn(async move { drop(inside) }).unwrap_err();
        assert_eq!(census.alive(), 1, "the future comes back whole");
        drop(refused.into_inner());
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn tg_21_children_that_spawn_without_end_are_stopped_by_a_failure() {
    on_both(|| async {
        fn breed(
            spawner: bowline_concurrency::Spawner<&'static str>,
        ) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(async move {
                for _ in 0..2 {
                    yield_now().await;
                    if spawner.spawn(breed(spawner.clone())).is_err() {
                        return;
                    }
                }
            })
        }
        let result: Result<(), ScopeError<&str>> = try_scope(async |group| {
            drop(group.spawn(breed(group.spawner())));
            for _ in 0..5 {
                yield_now().await;
            }
            Err("enough")
        })
        .await;
        assert_eq!(result.unwrap_err().into_first().unwrap(), "enough");
    });
}

#[test]
fn tg_25_spawner_refuses_after_the_scope_has_returned() {
    on_both(|| async {
        let spawner = scope(async |group| group.spawner()).await;
        assert!(spawner.spawn(async {}).is_err());
    });
}

#[test]
fn tg_32_group_that_has_returned_keeps_no_child_alive() {
    on_both(|| async {
        let census = Census::default();
        let spawner = scope(async |group| {
            for _ in 0..100 {
                let inside = census.enter();
                drop(group.spawn(async move { inside }));
            }
            group.spawner()
        })
        .await;
        // Unclaimed outputs are dropped by the runtime right after their tasks.
        while census.alive() > 0 {
            yield_now().await;
        }
        drop(spawner);
    });
}

#[test]
fn tg_65_scope_waits_for_all_depths() {
    on_both(|| async {
        let leaves = Arc::new(AtomicUsize::new(0));
        fn grow(depth: usize, leaves: Arc<AtomicUsize>) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
            Box::pin(async move {
                if depth == 0 {
                    yield_now().await;
                    leaves.fetch_add(1, SeqCst);
                    return;
                }
                scope(async |group| {
                    for _ in 0..3 {
                        drop(group.spawn(grow(depth - 1, leaves.clone())));
                    }
                })
                .await;
            })
        }
        grow(5, leaves.clone()).await;
        assert_eq!(leaves.load(SeqCst), 243);
    });
}

#[test]
fn tg_85_hundred_thousand_children_whose_handles_are_awaited_in_order() {
    on_both(|| async {
        let sum = scope(async |group| {
            let tasks: Vec<_> = (0..100_000_u64).map(|n| group.spawn(async move { n })).collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await;
            }
            sum
        })
        .await;
        assert_eq!(sum, 4_999_950_000);
    });
}

#[test]
fn question_mark_works_for_dyn_error_and_for_an_error_that_is_only_display() {
    async fn dynamic() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        try_scope(async |group: &TaskGroup<Box<dyn std::error::Error + Send + Sync>>| {
            group.try_spawn(async { Ok("x".parse::<u8>().map(drop)?) }).await;
            Ok(())
        })
        .await?;
        Ok(())
    }
    on_both(|| async {
        assert!(dynamic().await.unwrap_err().to_string().contains("invalid digit"));
    });
}

#[test]
fn scope_is_send_inside_spawn_and_borrows_in_its_body() {
    on_both(|| async {
        let text = String::from("borrowed");
        let length = tokio::spawn(async move {
            let text = &text;
            scope(async |group| group.spawn(async { 1 }).await + text.len()).await
        })
        .await
        .unwrap();
        assert_eq!(length, 9);
    });
}

#[test]
fn child_lost_to_the_end_of_its_runtime_does_not_hang_the_scope() {
    crate::support::ends("lost child", || {
        let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let here = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let result = here.block_on(try_scope(async |group: &TaskGroup<()>| {
            let task = {
                let _other = other.enter();
                group.spawn(pending::<()>())
            };
            other.shutdown_background();
            task.await;
            Ok(())
        }));
        assert!(matches!(result, Err(ScopeError::Cancelled(_))), "{result:?}");
    });
}

#[test]
fn errors_show_the_first_failure_its_task_and_how_many_others() {
    on_both(|| async {
        let result: Result<(), ScopeError<&str>> = try_scope(async |group| {
            group.named("fetch").try_spawn(async { Err::<(), _>("no route") }).await;
            Ok(())
        })
        .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not cancelled") };
        assert_eq!(errors.to_string(), "fetch: no route");
        assert_eq!(errors.named().next(), Some((Some("fetch"), &"no route")));
        let _: &Errors<&str> = &errors;
    });
}

#[test]
fn nested_scopes_hold_their_bodies_once() {
    async fn kilobyte() -> u8 {
        let bytes = [0_u8; 1024];
        yield_now().await;
        bytes[0]
    }
    let size = |depth: usize| match depth {
        1 => size_of_val(&scope(async |_| kilobyte().await)),
        _ => size_of_val(&scope(async |_| scope(async |_| kilobyte().await).await)),
    };
    assert!(size(2) - size(1) < 1024, "one more level costs {} bytes", size(2) - size(1));
}
