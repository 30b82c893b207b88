//! Hints: who hangs, and why.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use bowline_concurrency::{
    TaskGroup, Tree, inspect,
    inspect::{Hint, HintKind, Resource},
    scope, tree, try_scope,
};
use bowline_testing::{Polled, all_blocked};
use tokio::{runtime::Builder, sync::Mutex, time::advance};

use crate::{
    inspect::{node, task},
    support::{ends, on_both, paused},
};

const LIMIT: Duration = Duration::from_secs(1);

fn about(tree: &Tree, kind: HintKind, id: u64) -> Option<Hint> {
    tree.hints(LIMIT).into_iter().find(|hint| hint.kind == kind && hint.about.first() == Some(&id))
}

#[test]
fn task_that_runs_for_long_is_said_to_block_its_thread() {
    // Real threads, and a limit of zero: the clock cannot be paused for a task that blocks.
    ends("a task that blocks", || {
        inspect(true);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let seen = stop.clone();
        let blocks = runtime.spawn(scope(async move |group| {
            let blocks = async move {
                while !seen.load(SeqCst) {
                    thread::yield_now();
                }
            };
            group.named("blocks its thread").spawn(blocks).await;
        }));
        loop {
            let tree = tree();
            let hint = tree.hints(Duration::ZERO).into_iter().find(|hint| hint.text.contains("blocks its thread` "));
            if let Some(hint) = hint.filter(|hint| hint.kind == HintKind::Busy) {
                assert_eq!(hint.about, [task(&tree, "blocks its thread").id]);
                assert!(
                    hint.text.contains("inside one poll") && hint.text.contains("unless that is in `block_in_place`"),
                    "{hint}"
                );
                break;
            }
            thread::yield_now();
        }
        stop.store(true, SeqCst);
        runtime.block_on(blocks).unwrap();
    });
}

#[test]
fn task_that_was_woken_and_is_not_polled_is_starved() {
    paused(async {
        inspect(true);
        scope(async |group| {
            let (wake, woken) = tokio::sync::oneshot::channel::<()>();
            let child = group.named("starved").spawn(woken);
            let id = task(&tree(), "starved").id;
            assert!(about(&tree(), HintKind::Starved, id).is_none(), "it is new, and no second has passed");
            all_blocked().await;
            wake.send(()).unwrap();
            // A task that blocks the only thread, for a while.
            for _ in 0..3 {
                assert!(about(&tree(), HintKind::Starved, id).is_none());
                block_for(Duration::from_millis(400));
            }
            let hint = about(&tree(), HintKind::Starved, id).unwrap();
            assert!(hint.text.contains("was woken 1.2 s ago"), "{hint}");
            child.await.unwrap();
        })
        .await;
    });
}

/// Lets the paused clock go on without a turn for anybody.
fn block_for(time: Duration) {
    let mut advance = Box::pin(advance(time));
    let _ = advance.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
}

#[test]
fn permit_that_was_granted_and_is_not_polled_is_a_futurelock() {
    paused(async {
        inspect(true);
        let builder = TaskGroup::builder().name("futurelocked").limit(NonZeroUsize::MIN);
        builder
            .scope(async |group| {
                let first = group.permit().await;
                let mut kept = Box::pin(group.permit());
                Polled::new(&mut kept).assert_pending();
                drop(group.named("also waits").spawn(async {}));
                all_blocked().await;
                drop(first); // Granted to the one that is kept, and nobody polls it.
                advance(Duration::from_millis(900)).await;
                let id = node(&tree(), "futurelocked").id;
                assert!(about(&tree(), HintKind::Futurelock, id).is_none(), "not yet");
                advance(Duration::from_millis(200)).await;
                let seen = tree();
                let hint = about(&seen, HintKind::Futurelock, id).unwrap_or_else(|| panic!("{seen:#}"));
                assert!(hint.about.contains(&task(&seen, "also waits").id), "{hint}");
                assert!(hint.text.contains("without polling it") && hint.text.contains("also waits"), "{hint}");
                assert!(seen.to_string().starts_with("! "), "{seen}");
                drop(kept.await);
                assert!(about(&tree(), HintKind::Futurelock, id).is_none());
            })
            .await;
    });
}

#[test]
fn lock_of_another_crate_that_was_granted_to_a_kept_future_is_a_futurelock() {
    paused(async {
        inspect(true);
        let lock = Arc::new(Mutex::new(()));
        let resource = Arc::new(Resource::new("mutex").named("accounts"));
        let ended = try_scope(async |group: &TaskGroup<String>| {
            let (held, resource, other) = (lock.clone().lock_owned().await, resource.clone(), lock.clone());
            drop(group.named("keeps a future").spawn(async move {
                let (mut waiting, mut future) = (resource.waiting(), Box::pin(other.clone().lock_owned()));
                let mut first = Box::pin(std::future::poll_fn(|cx| waiting.poll(cx, |cx| future.as_mut().poll(cx))));
                std::future::poll_fn(|cx| {
                    // With the task's own waker, as a `select!` does.
                    assert!(first.as_mut().poll(cx).is_pending());
                    std::task::Poll::Ready(())
                })
                .await;
                // Another branch goes on, and asks for the same lock.
                let (mut waiting, mut future) = (resource.waiting(), Box::pin(other.lock_owned()));
                drop(std::future::poll_fn(|cx| waiting.poll(cx, |cx| future.as_mut().poll(cx))).await);
                drop(first);
            }));
            all_blocked().await;
            drop(held);
            all_blocked().await;
            advance(Duration::from_secs(2)).await;
            let seen = tree();
            let id = task(&seen, "keeps a future").id;
            let hint = about(&seen, HintKind::Futurelock, id).unwrap_or_else(|| panic!("{seen:#}"));
            assert!(hint.text.contains("the mutex `accounts`"), "{hint}");
            assert!(about(&seen, HintKind::Starved, id).is_none(), "it is not its runtime's fault");
            group.cancel("it would sit there for ever");
            Ok(())
        });
        ended.await.unwrap();
    });
}

#[test]
fn program_that_runs_well_has_no_hints() {
    on_both(|| async {
        inspect(true);
        scope(async |group| {
            let (open, gate) = tokio::sync::oneshot::channel::<()>();
            drop(group.named("runs well").spawn(gate));
            let seen = tree();
            let id = task(&seen, "runs well").id;
            assert!(seen.hints(LIMIT).iter().all(|hint| !hint.about.contains(&id)));
            drop(open);
        })
        .await;
    });
}
