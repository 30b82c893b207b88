//! Cancelling a group: from inside, from outside, before, twice and after.

use std::{
    future::{pending, ready},
    time::Duration,
};

use bowline_concurrency::{Reason, ScopeError, Spawner, TaskGroup, is_cancelled, scope, settled, try_scope};
use bowline_testing::{DropLog, Polled};
use tokio::sync::{mpsc, oneshot};

use crate::support::{Census, SlowDrop, on_both};

/// No test waits for it: it ends with the last child.
const GRACE: Duration = Duration::from_secs(3600);

type Outcome<T> = Result<T, ScopeError<&'static str>>;

fn explicit<T: std::fmt::Debug>(result: Outcome<T>) -> String {
    match result.unwrap_err() {
        ScopeError::Cancelled(Reason::Explicit(message)) => message.into_owned(),
        error => panic!("it was cancelled by a message, and not: {error}"),
    }
}

#[test]
fn tg_07_body_and_each_child_are_dropped_once_and_told_nothing_twice() {
    on_both(|| async {
        let log = DropLog::default();
        let (up, mut are_up) = mpsc::channel(3);
        let mut work = Polled::new(scope(async |group| {
            let _body = log.probe("body");
            for name in ["a", "b", "c"] {
                let (log, up) = (log.clone(), up.clone());
                drop(group.spawn(async move {
                    let _child = log.probe(name);
                    up.send(()).await.unwrap();
                    pending::<()>().await;
                    unreachable!("nobody goes on");
                }));
            }
            pending::<()>().await;
            unreachable!("the body does not go on");
        }));
        work.assert_pending();
        for _ in 0..3 {
            are_up.recv().await.unwrap();
        }
        assert_eq!(log.live(), 4);
        drop(work);
        assert_eq!(log.count("body"), 1);
        settled().await;
        let mut drops = log.drops();
        drops.sort_unstable();
        assert_eq!(drops, ["a", "b", "body", "c"]);
    });
}

#[test]
fn tg_14_group_without_children_is_plainly_cancelled() {
    on_both(|| async {
        let (give, given) = oneshot::channel();
        let mut empty = Polled::new(try_scope(async |group: &TaskGroup<&'static str>| {
            let _ = give.send(group.spawner());
            pending::<Result<(), _>>().await
        }));
        empty.assert_pending();
        given.await.unwrap().cancel("nothing to do");
        assert!(empty.is_woken());
        assert_eq!(explicit(empty.assert_ready()), "nothing to do");
    });
}

// TG-35 to 37: elsewhere a cancelled group ends without an error, and without a value. Here it has a type that says so: `cancel` exists
// only on scopes that return a `Result`, and a body that ends without a value gives `Err(Cancelled)`.

#[test]
fn tg_35_cancel_from_the_body() {
    on_both(|| async {
        let census = Census::default();
        let result: Outcome<()> = try_scope(async |group| {
            let inside = SlowDrop::new(census.enter());
            drop(group.spawn(async move {
                let _inside = inside;
                pending::<()>().await;
            }));
            group.cancel("enough");
            assert!(matches!(group.cancellation(), Some(Reason::Explicit(_))));
            pending().await
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(explicit(result), "enough");
    });
}

#[test]
fn tg_35_cancel_from_a_child() {
    on_both(|| async {
        let census = Census::default();
        let result: Outcome<()> = try_scope(async |group| {
            let _body = census.enter();
            let (spawner, inside) = (group.spawner(), census.enter());
            drop(group.spawn(async move { spawner.cancel("from a child") }));
            group
                .spawn(async move {
                    let _inside = inside;
                    pending::<()>().await;
                })
                .await;
            Ok(())
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(explicit(result), "from a child");
    });
}

#[test]
fn tg_35_value_of_a_body_that_has_cancelled_its_group_is_kept() {
    on_both(|| async {
        let result: Outcome<u8> = try_scope(async |group| {
            drop(group.spawn(pending::<()>()));
            group.cancel("the children are not needed any more");
            Ok(7)
        })
        .await;
        assert_eq!(result.unwrap(), 7);
    });
}

#[test]
fn tg_36_cancelled_before_it_opens() {
    on_both(|| async {
        let census = Census::default();
        let result: Outcome<()> = TaskGroup::builder()
            .cancel_when(ready(()))
            .try_scope(async |group| {
                let inside = census.enter();
                drop(group.spawn(async move {
                    let _inside = inside;
                    pending::<()>().await;
                }));
                pending().await
            })
            .await;
        assert_eq!(census.alive(), 0);
        explicit(result);
    });
}

#[test]
fn tg_36_first_of_two_cancellations_stays_and_a_late_one_is_harmless() {
    on_both(|| async {
        let (give, given) = oneshot::channel();
        let result: Outcome<()> = try_scope(async |group| {
            let _ = give.send(group.spawner());
            group.cancel("first");
            group.cancel("second");
            pending().await
        })
        .await;
        assert_eq!(explicit(result), "first");
        let spawner: Spawner<_> = given.await.unwrap();
        spawner.cancel("after the end");
        spawner.cancel_and_wait("again").await;

        // The same after an end with a value: nobody is disturbed.
        let spawner = try_scope(async |group: &TaskGroup<&'static str>| Ok(group.spawner())).await.unwrap();
        spawner.cancel("after the end");
        spawner.cancel_and_wait("again").await;
        assert!(is_cancelled().is_none());
    });
}

#[test]
fn tg_37_error_of_the_body_after_cancel_is_reported() {
    on_both(|| async {
        let result: Outcome<()> = try_scope(async |group| {
            drop(group.spawn(pending::<()>()));
            group.cancel("enough");
            Err("the body")
        })
        .await;
        let ScopeError::Failed(errors) = result.unwrap_err() else { panic!("failed, not only cancelled") };
        assert_eq!(errors.to_string(), "the body: the body, while being cancelled: enough");
        assert!(matches!(errors.cancelled_by(), Some(Reason::Explicit(message)) if message == "enough"));
        assert_eq!(errors.into_vec(), ["the body"]);
    });
}

#[test]
fn tg_39_child_that_cancels_its_own_group_at_once_is_cancelled_too() {
    on_both(|| async {
        let census = Census::default();
        let inside = SlowDrop::new(census.enter());
        let result: Outcome<()> = try_scope(async |group| {
            let spawner = group.spawner();
            group
                .spawn(async move {
                    let _inside = inside;
                    spawner.cancel("myself");
                    pending::<()>().await;
                    unreachable!("its next await is its last");
                })
                .await;
            Ok(())
        })
        .await;
        assert_eq!(census.alive(), 0);
        assert_eq!(explicit(result), "myself");
    });
}

#[test]
fn tg_45_child_spawned_into_a_cancelled_group_never_runs() {
    // Decision D3. Trio lets it run to its first await; here it is dropped unpolled, and a spawner gives it back.
    on_both(|| async {
        for grace in [Duration::ZERO, GRACE] {
            let log = DropLog::default();
            let result: Outcome<()> = TaskGroup::builder()
                .grace(grace)
                .try_scope(async |group| {
                    group.cancel("enough");
                    let (inside, captured) = (log.clone(), log.probe("captured"));
                    let child = async move {
                        drop(inside.probe("polled"));
                        drop(captured);
                    };
                    let task = group.spawn(child);
                    assert_eq!(log.drops(), ["captured"], "its future is dropped at once");
                    assert!(task.is_finished());
                    let given_back = log.probe("given back");
                    let refused = group.spawner().spawn(async move { drop(given_back) }).unwrap_err();
                    assert_eq!(log.live(), 1);
                    refused.into_inner().await;
                    assert_eq!(log.live(), 0);
                    pending().await
                })
                .await;
            explicit(result);
            assert_eq!(log.count("polled"), 0);
        }
    });
}
