//! Scopes whose future is dropped half-way: who waits for what they leave behind.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{InScope, Scope, hand_off, scope, settled, timeout};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use crate::support::{Census, SlowDrop, on_both};

/// Spawns a tree of children, each in a scope of its own, and never returns.
fn tree(depth: usize, census: Census, rooted: oneshot::Sender<()>) -> BoxFuture {
    Box::pin(async move {
        let _here = SlowDrop::new(census.enter());
        if depth == 0 {
            let _ = rooted.send(());
            return pending().await;
        }
        scope(async |group| group.spawn(tree(depth - 1, census, rooted)).await).await;
    })
}

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

#[test]
fn tg_46_timeout_over_nested_scopes_returns_after_the_last_descendant_is_gone() {
    on_both(|| async {
        for _ in 0..200 {
            let census = Census::default();
            let (rooted, alive) = oneshot::channel();
            let mut work = std::pin::pin!(timeout(Duration::from_millis(1), tree(5, census.clone(), rooted)));
            // The tree stands before the deadline can pass: the timer is real, so wait for both.
            let mut alive = std::pin::pin!(alive);
            let first = tokio::select! { biased; _ = &mut alive => None, out = &mut work => Some(out) };
            let out = match first {
                Some(out) => out,
                None => work.await,
            };
            assert!(out.is_err());
            assert_eq!(census.alive(), 0, "the timeout returned before its descendants were dropped");
        }
    });
}

#[test]
fn scope_waits_for_the_scope_that_lost_a_select() {
    on_both(|| async {
        let census = Census::default();
        scope(async |_| {
            let (rooted, alive) = oneshot::channel();
            tokio::select! {
                () = tree(3, census.clone(), rooted) => unreachable!(),
                _ = alive => {}
            }
        })
        .await;
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn settled_waits_for_orphans_and_not_for_live_children() {
    on_both(|| async {
        let census = Census::default();
        scope(async |group| {
            let (stop, stopped) = oneshot::channel::<()>();
            let child = group.spawn(stopped);
            for _ in 0..3 {
                let (rooted, alive) = oneshot::channel();
                tokio::select! {
                    () = tree(2, census.clone(), rooted) => unreachable!(),
                    _ = alive => {}
                }
                settled().await;
                assert_eq!(census.alive(), 0);
            }
            drop(stop);
            let _ = child.await;
        })
        .await;
    });
}

#[test]
fn handle_to_a_dropped_scope_waits_for_the_children_it_left_behind() {
    on_both(|| async {
        let census = Census::default();
        scope(async |_| {
            let (rooted, alive) = oneshot::channel();
            let mut place = None;
            tokio::select! {
                () = scope(async |group| {
                    place = Some(Scope::current());
                    group.spawn(tree(2, census.clone(), rooted)).await;
                }) => unreachable!(),
                _ = alive => {}
            }
            place.expect("the scope began").settled().await;
            assert_eq!(census.alive(), 0);
        })
        .await;
    });
}

#[test]
fn aborted_plain_task_leaves_its_scope_to_the_process_root() {
    on_both(|| async {
        let census = Census::default();
        let (rooted, alive) = oneshot::channel();
        let plain = tokio::spawn(tree(3, census.clone(), rooted));
        alive.await.unwrap();
        plain.abort();
        let _ = plain.await;
        settled().await; // Outside every scope: the process root's.
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn plain_task_run_in_a_scope_leaves_its_orphans_there() {
    on_both(|| async {
        let census = Census::default();
        scope(async |_| {
            let (rooted, alive) = oneshot::channel();
            let plain = tokio::spawn(tree(3, census.clone(), rooted).in_scope(&Scope::current()));
            alive.await.unwrap();
            plain.abort();
            let _ = plain.await;
        })
        .await;
        assert_eq!(census.alive(), 0);
    });
}

/// Hands its end off when it is dropped.
struct Lease {
    released: Arc<AtomicBool>,
    gate: Option<oneshot::Receiver<()>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (released, gate) = (self.released.clone(), self.gate.take());
        hand_off(&Handle::current(), "lease", async move {
            if let Some(gate) = gate {
                let _ = gate.await;
            }
            yield_now().await;
            released.store(true, SeqCst);
        });
    }
}

#[test]
fn destructor_of_an_aborted_child_finds_its_node() {
    on_both(|| async {
        let released = Arc::new(AtomicBool::new(false));
        let lease = Lease { released: released.clone(), gate: None };
        let result = bowline_concurrency::try_scope(async |group| -> Result<(), &str> {
            drop(group.spawn(async move {
                let _lease = lease;
                pending::<()>().await;
            }));
            yield_now().await;
            Err("the body fails")
        })
        .await;
        assert!(result.is_err());
        assert!(released.load(SeqCst), "the scope returned before the release of its child had run");
    });
}

#[test]
fn release_over_budget_is_named_and_moves_to_the_enclosing_scope() {
    on_both(|| async {
        let released = Arc::new(AtomicBool::new(false));
        let (open, gate) = oneshot::channel();
        scope(async |_| {
            let lease = Lease { released: released.clone(), gate: Some(gate) };
            let elapsed = timeout(Duration::from_millis(1), async move {
                let _lease = lease;
                pending::<()>().await;
            })
            .settle_within(Duration::ZERO)
            .await
            .unwrap_err();
            assert_eq!(elapsed.stragglers(), ["lease"]);
            assert!(!released.load(SeqCst));
            drop(open);
        })
        .await;
        assert!(released.load(SeqCst), "the enclosing scope has not waited for the straggler");
    });
}

#[test]
fn hold_keeps_its_scope_waiting_from_another_thread() {
    on_both(|| async {
        let released = Arc::new(AtomicBool::new(false));
        let flag = released.clone();
        scope(async move |_| {
            let hold = Scope::current().hold("a thread");
            std::thread::spawn(move || {
                std::thread::yield_now();
                flag.store(true, SeqCst);
                drop(hold);
            });
        })
        .await;
        assert!(released.load(SeqCst));
    });
}

#[test]
fn hundred_thousand_nested_orphans_are_released_without_recursion() {
    on_both(|| async {
        // Each child opens the next scope: a chain of tasks, not of stack frames.
        fn chain(depth: usize, bottom: oneshot::Sender<()>) -> BoxFuture {
            Box::pin(async move {
                if depth == 0 {
                    let _ = bottom.send(());
                    return pending().await;
                }
                scope(async |group| group.spawn(chain(depth - 1, bottom)).await).await;
            })
        }
        let (bottom, reached) = oneshot::channel();
        scope(async |_| {
            tokio::select! {
                () = chain(100_000, bottom) => unreachable!(),
                _ = reached => {}
            }
        })
        .await;
    });
}

#[test]
fn scope_that_is_polled_from_below_itself_closes_no_circle() {
    on_both(|| async {
        let slot: Arc<std::sync::Mutex<Option<BoxFuture>>> = Arc::default();
        let given = slot.clone();
        let (tell, told) = oneshot::channel();
        let mut open: BoxFuture = Box::pin(scope(async move |group| {
            group
                .spawn(async move {
                    let mut mine = loop {
                        let taken = given.lock().unwrap().take();
                        match taken {
                            Some(open) => break open,
                            None => yield_now().await,
                        }
                    };
                    // Two timeouts: the inner one is not the parent that the scope had.
                    let polled = timeout(Duration::from_secs(60), async {
                        let _ = timeout(Duration::from_millis(1), &mut mine).await;
                        // Often enough that walks around a circle, bounded as they are, would hang the test.
                        (0..5_000).all(|_| bowline_concurrency::is_cancelled().is_none())
                    });
                    let _ = tell.send(polled.await.unwrap());
                    drop(mine);
                })
                .await;
        }));
        let _ = timeout(Duration::from_millis(1), &mut open).await;
        *slot.lock().unwrap() = Some(open);
        assert!(told.await.unwrap());
    });
}
