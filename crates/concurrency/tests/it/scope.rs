//! Scopes and task groups.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bowline_concurrency::{Scope, ScopeError, TaskGroup, scope, try_scope};
use bowline_testing::Polled;
use tokio::{sync::oneshot, task::yield_now};

use crate::support::{Census, SlowDrop, finish, on_both, stays_pending};

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
fn tg_01_scope_itself_waits_when_the_body_has_ended() {
    on_both(|| async {
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let (end, gate) = oneshot::channel::<()>();
        let mut open = Polled::new(scope(async |group| {
            drop(group.spawn(async move {
                let _inside = inside;
                let _ = gate.await;
            }));
            7
        }));
        stays_pending(&mut open).await;
        assert_eq!(census.alive(), 1);
        end.send(()).unwrap();
        assert_eq!(finish(&mut open).await, 7);
        assert_eq!(census.alive(), 0);
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
fn tg_32_group_that_has_failed_keeps_neither_errors_nor_children_nor_owner() {
    on_both(|| async {
        let (error, child, owner) = (Arc::new("boom"), Arc::new(()), Arc::new(()));
        let (in_error, in_child, in_owner) = (error.clone(), child.clone(), owner.clone());
        let (give, given) = oneshot::channel();
        let failing = try_scope(async move |group: &TaskGroup<Arc<&'static str>>| {
            let _ = give.send((group.spawner(), Scope::current()));
            let _owner = in_owner;
            drop(group.spawn(async move {
                let _child = in_child;
                pending::<()>().await;
            }));
            group.try_spawn(async move { Err::<(), _>(in_error) }).await;
            Ok(())
        });
        let result = failing.await;
        let _handles = given.await.unwrap();
        assert_eq!((Arc::strong_count(&child), Arc::strong_count(&owner)), (1, 1));
        assert_eq!(Arc::strong_count(&error), 2, "the returned one, and ours");
        drop(result);
        assert_eq!(Arc::strong_count(&error), 1);
    });
}

#[test]
fn tg_59_scope_without_anything_to_wait_for_is_ready_at_once() {
    // Elsewhere it yields once to the scheduler. Here a scope costs no wake-up that nobody needs; a loop of them that must be fair says
    // `yield_now().await`.
    on_both(|| async {
        let mut empty = Polled::new(scope(async |_| 7));
        assert_eq!(empty.assert_ready(), 7);
        let mut failing = Polled::new(try_scope(async |_: &TaskGroup<&str>| Err::<(), _>("boom")));
        assert!(failing.assert_ready().is_err());
        assert_eq!((empty.wakes(), failing.wakes()), (0, 0));
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
fn tg_85_failure_among_a_hundred_thousand_children_cancels_the_rest() {
    on_both(|| async {
        let census = Census::default();
        let result: Result<(), ScopeError<u32>> = try_scope(async |group| {
            for n in 0..100_000 {
                let inside = census.enter();
                drop(group.try_spawn(async move {
                    let _inside = inside;
                    if n == 50_000 {
                        return Err(n);
                    }
                    pending::<Result<(), u32>>().await
                }));
            }
            pending().await
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(result.unwrap_err().into_first().unwrap(), 50_000);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn tg_85_memory_of_children_that_have_ended_is_given_back() {
    // In a process of its own: other tests need memory, too.
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "scope::child_spawns_many", "--ignored", "--nocapture", "--test-threads=1"])
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "the child process of tg_85_memory_of_children_that_have_ended_is_given_back"]
fn child_spawns_many() {
    /// What the process has in memory, in pages.
    fn pages() -> usize {
        std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').nth(1).unwrap().parse().unwrap()
    }
    on_both(|| async {
        scope(async |group| {
            for round in 0..110 {
                for _ in 0..1000 {
                    drop(group.spawn(async {}));
                }
                // The last of them is behind the others.
                group.spawn(yield_now()).await;
                if round == 9 {
                    WARM.store(pages(), SeqCst);
                }
            }
            let grown = pages().saturating_sub(WARM.load(SeqCst));
            assert!(grown < 1024, "100,000 children that have ended hold {grown} pages");
        })
        .await;
    });
    static WARM: AtomicUsize = AtomicUsize::new(0);
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
