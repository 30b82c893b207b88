//! Bodies and children that have asked whether they are cancelled: what they may still do, and which of two endings counts.

use bowline_concurrency::{
    Errors, Reason, ScopeError, TaskGroup, cancelled, deadline, is_cancelled, timeout, try_scope,
};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::{LONG, forever, on_both, timed};

type Group = TaskGroup<&'static str>;

#[track_caller]
fn failures<T: std::fmt::Debug>(result: Result<T, ScopeError<&'static str>>) -> Errors<&'static str> {
    match result {
        Err(ScopeError::Failed(errors)) => errors,
        other => panic!("nothing failed: {other:?}"),
    }
}

#[track_caller]
fn assert_said<T: std::fmt::Debug>(result: Result<T, ScopeError<&'static str>>, what: &str) {
    let Err(ScopeError::Cancelled(Reason::Explicit(message))) = result else { panic!("not by hand: {result:?}") };
    assert_eq!(message, what);
}

#[test]
fn to_11_failure_of_the_cleanup_wins_over_the_expiry_and_records_it() {
    timed(|scale| async move {
        let began = Instant::now();
        let result = TaskGroup::builder()
            .name("import")
            .deadline(scale.units(2))
            .grace(LONG)
            .try_scope(async |_: &Group| -> Result<(), _> {
                cancelled().await;
                sleep(scale.units(1)).await;
                Err("cleanup")
            })
            .await;
        scale.assert_took(began, 3);
        let errors = failures(result);
        let Some(Reason::DeadlineElapsed(which)) = errors.cancelled_by() else { panic!("{:?}", errors.cancelled_by()) };
        assert_eq!((which.name(), which.limit()), (Some("import"), scale.units(2)));
        let text = errors.to_string();
        assert!(text.contains("cleanup, while being cancelled: the deadline of"), "{text}");
    });
}

#[test]
fn to_19_timeout_after_a_caught_cancellation_works_as_any_other() {
    timed(|scale| async move {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| {
                assert!(is_cancelled().is_none());
                group.cancel("caught");
                cancelled().await;
                let began = Instant::now();
                let elapsed = timeout(scale.units(2), forever::<()>()).named("later").await.unwrap_err();
                scale.assert_took(began, 2);
                assert_eq!(elapsed.deadline().name(), Some("later"));
                assert_eq!(timeout(scale.units(2), async { yield_now().await }).await.unwrap(), ());
                // A fresh cancellation inside is still one, and no timeout.
                let fresh = timeout(
                    LONG,
                    try_scope(async |inner: &Group| -> Result<(), _> {
                        inner.cancel("fresh");
                        forever().await
                    }),
                );
                assert_said(fresh.await.expect("no deadline has passed"), "fresh");
                Ok(7)
            })
            .await;
        assert_eq!(result.unwrap(), 7);
    });
}

#[test]
fn to_20_cancellation_survives_a_timeout_of_zero() {
    on_both(|| async {
        let result = TaskGroup::builder()
            .grace(LONG)
            .try_scope(async |group: &Group| -> Result<(), _> {
                assert!(is_cancelled().is_none());
                group.cancel("before");
                assert!(timeout(std::time::Duration::ZERO, forever::<()>()).await.is_err());
                assert_eq!(is_cancelled().unwrap().to_string(), "before");
                assert_eq!(cancelled().await.to_string(), "before");
                Err("the cleanup")
            })
            .await;
        assert_eq!(failures(result).cancelled_by().unwrap().to_string(), "before");
    });
}

#[test]
fn to_21_failure_of_a_child_in_its_cleanup_and_the_deadline_are_in_the_error() {
    timed(|scale| async move {
        let within = TaskGroup::builder().name("pages").deadline(scale.units(1)).grace(LONG);
        let result = within.try_scope(async |group: &Group| -> Result<(), _> {
            drop(group.named("page 7").try_spawn(async {
                cancelled().await;
                Err::<(), _>("cleanup")
            }));
            forever().await
        });
        let errors = failures(result.await);
        assert_eq!(errors.named().collect::<Vec<_>>(), [(Some("page 7"), &"cleanup")]);
        assert!(matches!(errors.cancelled_by(), Some(Reason::DeadlineElapsed(which)) if which.name() == Some("pages")));
    });
}

#[test]
fn to_21_failure_in_a_group_below_a_timeout_records_the_timeout() {
    timed(|scale| async move {
        let group = try_scope(async |group: &Group| -> Result<(), _> {
            drop(group.named("page 7").try_spawn(async {
                cancelled().await;
                Err::<(), _>("cleanup")
            }));
            assert!(is_cancelled().is_none(), "the body listens, so that the grace is its too");
            forever().await
        });
        let result = timeout(scale.units(1), group).named("import").grace(LONG).await;
        let errors = failures(result.expect("it has ended in its grace"));
        assert_eq!(errors.first(), &"cleanup");
        let Some(Reason::DeadlineElapsed(which)) = errors.cancelled_by() else { panic!("{:?}", errors.cancelled_by()) };
        assert_eq!(which.name(), Some("import"));
    });
}

#[test]
fn to_24_one_who_waits_for_a_body_that_resists_can_leave() {
    timed(|scale| async move {
        let began = Instant::now();
        let resists = timeout(scale.units(1), async {
            loop {
                cancelled().await;
                sleep(scale.units(1)).await;
            }
        });
        let outer = timeout(scale.units(3), resists.named("resists").grace(LONG)).named("outer").await;
        assert_eq!(outer.map(|_: Result<(), _>| ()).unwrap_err().deadline().name(), Some("outer"));
        scale.assert_took(began, 3);
    });
}

#[test]
fn to_25_value_that_comes_late_in_the_grace_is_the_value() {
    // Peers differ (decision D4): ours is asyncio's, Trio's and Swift's. A value that is there is never lost, and the flag is readable.
    timed(|scale| async move {
        let began = Instant::now();
        let mut handle = None;
        let late = deadline(scale.units(1), |deadline| {
            handle = Some(deadline);
            async {
                cancelled().await;
                sleep(scale.units(2)).await;
                7
            }
        });
        assert_eq!(late.grace(LONG).await.unwrap(), 7);
        scale.assert_took(began, 3);
        assert!(handle.unwrap().expired());
    });
}

#[test]
fn to_25_grace_ends_and_is_only_for_a_body_that_has_asked() {
    timed(|scale| async move {
        let began = Instant::now();
        let resists = timeout(scale.units(1), async {
            cancelled().await;
            forever::<()>().await
        });
        assert!(resists.grace(scale.units(2)).await.is_err());
        scale.assert_took(began, 3);
        let began = Instant::now();
        assert!(timeout(scale.units(1), forever::<()>()).grace(LONG).await.is_err());
        scale.assert_took(began, 1);
    });
}

#[test]
fn to_26_body_that_ends_in_the_step_in_which_the_scope_is_cancelled_swallows_nothing() {
    on_both(|| async {
        let result = try_scope(async |group: &Group| -> Result<(), _> {
            let guarded = timeout(LONG, async {
                yield_now().await;
                group.cancel("stop");
                7
            });
            assert_eq!(guarded.await.unwrap(), 7);
            yield_now().await;
            unreachable!("the cancellation has been swallowed")
        })
        .await;
        assert_said(result, "stop");
    });
}

#[test]
fn to_34_scope_cancelled_by_hand_before_its_deadline_has_not_elapsed() {
    timed(|scale| async move {
        let result = TaskGroup::builder()
            .deadline(scale.units(1))
            .grace(scale.units(4))
            .try_scope(async |group: &Group| -> Result<(), _> {
                assert!(is_cancelled().is_none());
                group.cancel("by hand");
                sleep(scale.units(3)).await; // The deadline passes in here.
                assert_eq!(is_cancelled().unwrap().to_string(), "by hand");
                forever().await
            })
            .await;
        assert_said(result, "by hand");
    });
}

#[test]
fn to_34_deadline_that_passes_before_the_next_await_comes_too_late() {
    on_both(|| async {
        let unit = std::time::Duration::from_millis(2);
        let result = TaskGroup::builder()
            .deadline(unit)
            .try_scope(async |group: &Group| -> Result<(), _> {
                group.cancel("by hand");
                let end = Instant::now() + unit * 2;
                while Instant::now() < end {
                    std::thread::yield_now();
                }
                forever().await
            })
            .await;
        assert_said(result, "by hand");
    });
}

#[test]
fn body_that_has_asked_is_woken_when_a_child_on_another_thread_fails() {
    on_both(|| async {
        for _ in 0..2_000 {
            let result = try_scope(async |group: &Group| -> Result<(), _> {
                drop(group.try_spawn(async { Err::<(), _>("boom") }));
                is_cancelled();
                forever().await
            })
            .await;
            assert_eq!(failures(result).first(), &"boom");
        }
    });
}

#[test]
fn to_40_timeout_works_inside_and_after_a_cancelled_scope() {
    timed(|scale| async move {
        let result = try_scope(async |group: &Group| -> Result<(), _> {
            group.cancel("stop");
            forever().await
        })
        .await;
        assert_said(result, "stop");
        let began = Instant::now();
        assert!(timeout(scale.units(1), forever::<()>()).await.is_err());
        scale.assert_took(began, 1);
        let value = timeout(LONG, async {
            yield_now().await;
            assert!(is_cancelled().is_none());
            7
        });
        assert_eq!(value.await.unwrap(), 7);
    });
}
