//! Shields and threads under a cancellation: what it does not reach, and when it is seen again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use bowline_concurrency::{
    Reason, RunBlocking, ScopeError, SpawnBlocking, TaskGroup, cancelled, is_cancelled, scope, shield, timeout,
    try_scope,
};
use tokio::{sync::oneshot, task::yield_now, time::Instant};

use crate::support::{LONG, forever, on_both, timed};

type Group = TaskGroup<String>;

async fn steps(done: Arc<AtomicUsize>) {
    for _ in 0..3 {
        yield_now().await;
        assert!(is_cancelled().is_none(), "the shield hides it");
    }
    done.fetch_add(1, SeqCst);
}

#[test]
fn cs_07_shielded_scope_does_not_notice_that_the_outer_one_is_cancelled() {
    on_both(|| async {
        let done = Arc::new(AtomicUsize::new(0));
        let count = done.clone();
        let result = try_scope(async move |group: &Group| -> Result<(), _> {
            let spawner = group.spawner();
            shield(LONG, async move {
                scope(async |inner| {
                    let work = inner.spawn(steps(count));
                    spawner.cancel("outer");
                    yield_now().await; // The body around goes, and the rest of this is handed off.
                    work.await;
                })
                .await;
            })
            .await;
            unreachable!("the outer body is dropped")
        })
        .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(_))));
        assert_eq!(done.load(SeqCst), 1, "the scope has not waited for the shielded one");
    });
}

#[test]
fn cs_07_cancellations_inside_a_shield_still_work() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |outer: &Group| {
                assert!(is_cancelled().is_none());
                outer.cancel("outer");
                let shielded = shield(LONG, async {
                    try_scope(async |group: &Group| -> Result<(), _> {
                        assert!(is_cancelled().is_none());
                        group.cancel("own");
                        forever().await
                    })
                    .await
                });
                let Err(ScopeError::Cancelled(Reason::Explicit(why))) = shielded.await else { panic!("cancelled") };
                Ok(why)
            })
            .await;
        assert_eq!(result.unwrap(), "own");
    });
}

#[test]
fn cs_09_cancellation_is_visible_again_after_a_shielded_cleanup() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| {
                assert!(is_cancelled().is_none());
                group.cancel("stop");
                cancelled().await;
                let done = Arc::new(AtomicUsize::new(0));
                shield(LONG, steps(done.clone())).await;
                assert!(is_cancelled().is_some());
                cancelled().await;
                Ok(done.load(SeqCst))
            })
            .await;
        assert_eq!(result.unwrap(), 1);
    });
}

#[test]
fn cs_10_deadline_inside_a_shield_still_ends_it() {
    timed(|scale| async move {
        let began = Instant::now();
        let (tell, told) = oneshot::channel();
        let result = try_scope(async move |group: &Group| -> Result<(), _> {
            let spawner = group.spawner();
            let own = async move {
                spawner.cancel("outer");
                tell.send(timeout(scale.units(2), forever::<()>()).named("own").await).unwrap();
            };
            shield(LONG, own).await;
            forever().await
        })
        .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(_))));
        scale.assert_took(began, 2);
        assert_eq!(told.await.unwrap().unwrap_err().deadline().name(), Some("own"));
    });
}

#[test]
fn cs_11_children_outside_the_shield_of_their_owner_are_cancelled() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| {
                let (tell, told) = oneshot::channel();
                drop(group.spawn(async move { tell.send(cancelled().await).unwrap() }));
                assert!(is_cancelled().is_none());
                let spawner = group.spawner();
                let owner = shield(LONG, async move {
                    spawner.cancel("stop");
                    let child = told.await.unwrap();
                    (child, is_cancelled())
                });
                Ok(owner.await)
            })
            .await;
        let (child, owner) = result.unwrap();
        assert!(matches!(child, Reason::Explicit(_)) && owner.is_none(), "{child:?}, {owner:?}");
    });
}

#[test]
fn cs_12_thread_is_waited_for_and_told_at_its_next_check() {
    on_both(|| async {
        let ended = Arc::new(AtomicUsize::new(0));
        let count = ended.clone();
        let result = try_scope(async move |group: &Group| -> Result<(), _> {
            let (up, ready) = oneshot::channel();
            drop(group.spawn(async move {
                let call = SpawnBlocking.run_blocking(move || {
                    up.send(()).unwrap();
                    let reason = loop {
                        match is_cancelled() {
                            Some(reason) => break reason,
                            None => thread::yield_now(),
                        }
                    };
                    assert_eq!(reason.to_string(), "stop");
                    count.fetch_add(1, SeqCst);
                });
                call.await.unwrap();
            }));
            ready.await.unwrap();
            group.cancel("stop");
            forever().await
        })
        .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(_))));
        assert_eq!(ended.load(SeqCst), 1, "the scope has not waited for the thread");
    });
}

#[test]
fn cs_24_two_shielded_sections_in_a_row_both_complete_and_nothing_runs_after_them() {
    timed(|scale| async move {
        let done = Arc::new(AtomicUsize::new(0));
        let count = done.clone();
        let result = TaskGroup::builder()
            .grace(scale.units(50))
            .try_scope(async move |group: &Group| -> Result<(), _> {
                // Only a body that listens comes to the second section; another one is dropped in the first.
                assert!(is_cancelled().is_none());
                group.cancel("stop");
                shield(LONG, steps(count.clone())).await;
                shield(LONG, async move {
                    tokio::time::sleep(scale.units(60)).await; // The grace ends in here.
                    steps(count).await;
                })
                .await;
                unreachable!("the body has no time left")
            })
            .await;
        assert!(matches!(result, Err(ScopeError::Cancelled(_))));
        assert_eq!(done.load(SeqCst), 2);
    });
}
