//! Scopes and handles that are dropped half-way.

use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bowline_concurrency::{InTaskGroup, hand_off, in_task_scope, scope, try_in_task_scope};
use bowline_testing::{Polled, assert_cancel_safe};
use tokio::{runtime::Handle, sync::oneshot, task::yield_now};

use super::OnDrop;
use crate::support::{Census, SlowDrop};

async fn work(census: &Census) -> usize {
    let _here = SlowDrop::new(census.enter());
    for _ in 0..3 {
        yield_now().await;
    }
    1
}

#[test]
fn tg_06_dropped_anywhere_it_leaves_nothing() {
    let visited = assert_cancel_safe(
        async || {
            let (census, released) = (Census::default(), Arc::new(AtomicUsize::new(0)));
            let state = (census.clone(), released.clone());
            let future = async move {
                in_task_scope(async |group| {
                    let first = group.spawn(work(&census));
                    let inner = group.clone();
                    let nested = census.clone();
                    drop(group.spawn(async move {
                        let released = released.clone();
                        let _release = OnDrop(move || {
                            let released = released.clone();
                            hand_off(&Handle::current(), "release", async move {
                                yield_now().await;
                                released.fetch_add(1, SeqCst);
                            });
                        });
                        let here = SlowDrop::new(nested.enter());
                        scope(async |g| {
                            g.spawn(async move {
                                let _here = here;
                                yield_now().await
                            })
                            .await
                        })
                        .await;
                        drop(inner.spawn(async { yield_now().await }));
                        yield_now().await;
                    }));
                    first.await + work(&census).await
                })
                .await
            };
            (future, state)
        },
        async |(census, released)| {
            assert_eq!(census.alive(), 0, "something outlived its scope");
            assert!(released.load(SeqCst) <= 1, "released twice");
        },
    );
    println!("in-task scope: {visited}");
    visited.at_least(4);
}

#[test]
fn tg_07_failing_scope_dropped_anywhere_leaves_nothing() {
    let visited = assert_cancel_safe(
        async || {
            let census = Census::default();
            let inside = census.clone();
            let future = async move {
                let failed = try_in_task_scope(async |group: InTaskGroup<'_, &str>| {
                    drop(group.spawn(work(&inside)));
                    let nested = inside.clone();
                    drop(group.spawn(scope(async move |g| {
                        let here = SlowDrop::new(nested.enter());
                        g.spawn(async move {
                            let _here = here;
                            pending::<()>().await
                        })
                        .await
                    })));
                    work(&inside).await;
                    group.try_spawn(ready(Err::<(), _>("boom"))).await;
                    Ok(())
                });
                assert!(failed.await.is_err());
            };
            (future, census)
        },
        async |census: Census| assert_eq!(census.alive(), 0, "something outlived its scope"),
    );
    println!("failing in-task scope: {visited}");
    visited.at_least(4);
}

#[test]
fn children_are_gone_when_the_drop_of_the_scope_returns() {
    let census = Census::default();
    let mut dropped = Polled::new(in_task_scope(async |group| {
        let _here = census.enter();
        drop(group.spawn(async {
            let _here = census.enter();
            pending::<()>().await;
        }));
        pending::<()>().await;
    }));
    dropped.assert_pending();
    assert_eq!(census.alive(), 2);
    drop(dropped);
    assert_eq!(census.alive(), 0);
    // Never polled: the body has not run, and what a plain closure has spawned is dropped too.
    let spawned = in_task_scope(|group| {
        let here = census.enter();
        drop(group.spawn(async move { drop(here) }));
        pending::<()>()
    });
    assert_eq!(census.alive(), 1);
    drop(spawned);
    assert_eq!(census.alive(), 0);
}

#[test]
fn handle_that_is_dropped_loses_the_value_and_nothing_else() {
    let census = Census::default();
    let (give, given) = oneshot::channel::<()>();
    let mut waiting = Polled::new(in_task_scope(async |group| {
        let child = group.spawn(async {
            drop(given.await);
            census.enter()
        });
        let ended = group.spawn(async { census.enter() });
        yield_now().await;
        assert_eq!((child.is_finished(), ended.is_finished()), (false, true));
        drop(ended);
        assert_eq!(census.alive(), 0, "the value was kept");
        let mut child = Polled::new(child);
        child.assert_pending(); // A place in the line, given up.
        drop(child);
    }));
    waiting.assert_pending();
    waiting.assert_pending();
    give.send(()).unwrap();
    waiting.assert_ready();
    assert_eq!(census.alive(), 0);
}
