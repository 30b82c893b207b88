//! What a timeout waits for, and what it does not.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::Duration,
};

use bowline_concurrency::{RunBlocking, Scope, ScopeError, SpawnBlocking, TaskGroup, deadline, scope, shield, timeout};
use tokio::{
    sync::oneshot,
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{Census, LONG, SlowDrop, forever, on_both, timed};

#[test]
fn to_29_task_goes_on_after_a_timeout_that_waited_for_it() {
    // Our rule: only what a live value does not own is waited for. The handle lives on, and so does the task.
    timed(|scale| async move {
        scope(async |group| {
            let (go, gone) = oneshot::channel();
            let mut task = group.spawn(async move { gone.await.unwrap() });
            let began = Instant::now();
            assert!(timeout(scale.units(1), &mut task).await.is_err());
            scale.assert_took(began, 1);
            assert!(!task.is_finished());
            go.send(7).unwrap();
            assert_eq!(task.await, 7);
        })
        .await;
    });
}

#[test]
fn to_29_shielded_work_goes_on_after_a_timeout_that_waited_for_it() {
    timed(|scale| async move {
        let (go, gone) = oneshot::channel();
        let began = Instant::now();
        let mut work = shield(LONG, async move { gone.await.unwrap() });
        assert!(timeout(scale.units(1), &mut work).await.is_err());
        scale.assert_took(began, 1);
        go.send(7).unwrap();
        assert_eq!(work.await, 7);

        // A shield that the timeout owns is dropped with it: its rest is waited for, within the budget.
        let done = Arc::new(AtomicUsize::new(0));
        let (count, began) = (done.clone(), Instant::now());
        let owned = shield(LONG, async move {
            while began.elapsed() < scale.units(2) {
                sleep(scale.units(1)).await;
            }
            count.fetch_add(1, SeqCst);
        });
        let _ = timeout(scale.units(1), owned).await; // Late, or a value that beats a timer that is late.
        assert_eq!(done.load(SeqCst), 1);
    });
}

#[test]
fn to_30_timed_block_waits_for_the_children_that_it_launched() {
    on_both(|| async {
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let ended = Arc::new(AtomicUsize::new(0));
        let count = ended.clone();
        let value = timeout(
            LONG,
            scope(async |group| {
                drop(group.spawn(async move {
                    let _inside = inside;
                    yield_now().await;
                    count.fetch_add(1, SeqCst);
                }));
                7
            }),
        );
        assert_eq!(value.await.unwrap(), 7);
        assert_eq!((ended.load(SeqCst), census.alive()), (1, 0));
    });
}

#[test]
fn to_30_child_that_outlasts_the_body_is_cancelled_by_the_deadline_of_the_scope() {
    timed(|scale| async move {
        let began = Instant::now();
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let result = TaskGroup::builder()
            .deadline(scale.units(2))
            .try_scope(async |group: &TaskGroup<&str>| {
                drop(group.spawn(async move {
                    let _inside = inside;
                    forever::<()>().await;
                }));
                Ok(7)
            })
            .await;
        assert_eq!(result.unwrap(), 7, "the body had its value in time");
        scale.assert_took(began, 2);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn to_39_thread_that_cannot_be_stopped_does_not_hold_the_timeout_longer_than_its_budget() {
    // Our rule: a deadline always cancels on time, waits for settlement at most `settle_within`, and names what is left.
    on_both(|| async {
        let (unblock, blocked) = mpsc::channel::<()>();
        let ended = Arc::new(AtomicUsize::new(0));
        let count = ended.clone();
        scope(async move |_| {
            let (up, ready) = oneshot::channel();
            let elapsed = deadline(LONG, |deadline| async move {
                let call = SpawnBlocking.run_blocking(move || {
                    up.send(()).unwrap();
                    let _ = blocked.recv();
                    count.fetch_add(1, SeqCst);
                });
                ready.await.unwrap();
                deadline.reschedule(Instant::now()).unwrap();
                call.await
            })
            .settle_within(Duration::from_millis(2))
            .await
            .unwrap_err();
            let [left] = elapsed.stragglers() else { panic!("{:?}", elapsed.stragglers()) };
            assert!(left.contains("a blocking call") && left.contains("a thread"), "{left}");
            unblock.send(()).unwrap();
        })
        .await;
        assert_eq!(ended.load(SeqCst), 1, "the scope around waits for what the timeout gave up");
    });
}

#[test]
fn to_39_scope_with_a_deadline_returns_within_its_budget_and_names_what_is_left() {
    timed(|scale| async move {
        let held = Mutex::new(None);
        scope(async |_| {
            let began = Instant::now();
            let within = TaskGroup::builder().name("stubborn").deadline(scale.units(2)).settle_within(scale.units(1));
            let result = within.try_scope(async |_: &TaskGroup<&str>| -> Result<(), _> {
                *held.lock().unwrap() = Some(Scope::current().hold("an upload"));
                forever().await
            });
            let result = result.await;
            scale.assert_took(began, 3);
            let Err(ScopeError::Elapsed(elapsed)) = result else { panic!("{result:?}") };
            assert_eq!(
                (elapsed.deadline().name(), elapsed.stragglers()),
                (Some("stubborn"), &["an upload".into()][..])
            );
            drop(held.lock().unwrap().take()); // The scope around has waited for it otherwise.
        })
        .await;
    });
}

#[test]
fn hand_off_of_a_timeout_dropped_while_it_settles_goes_to_the_scope_around() {
    on_both(|| async {
        let (release, released) = oneshot::channel::<()>();
        let done = Arc::new(AtomicUsize::new(0));
        let count = done.clone();
        scope(async move |_| {
            let mut guarded = Box::pin(timeout(LONG, async move {
                Scope::current().hand_off(&tokio::runtime::Handle::current(), "release", async move {
                    let _ = released.await;
                    count.fetch_add(1, SeqCst);
                });
                7
            }));
            tokio::select! { biased; _ = &mut guarded => unreachable!("it settles"), () = async {} => {} }
            drop(guarded);
            release.send(()).unwrap();
        })
        .await;
        assert_eq!(done.load(SeqCst), 1);
    });
}
