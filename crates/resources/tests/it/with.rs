//! `with`, awaited to its end and dropped anywhere.

use std::{future::pending, time::Duration};

use bowline_concurrency::{ScopeError, TaskGroup, root_scope, scope, settled, timeout, try_scope};
use bowline_resources::with;
use bowline_testing::{Polled, Probe, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::task::yield_now;

use crate::support::{Act, Door, Log, Stuck, awaits, observe};

#[test]
fn rs_01_acquire_body_and_release_run_in_order_and_the_value_is_passed() {
    on_both_runtimes(async || {
        let log = Log::default();
        let value = with(Door::new("a", &log), async |value| {
            log.add(format!("{value:?}").split(',').next().unwrap());
            awaits(2).await?;
            Ok::<_, Stuck>(7)
        })
        .await;
        assert_eq!(value, Ok(7));
        assert_eq!(log.entries(), ["open a", "Probe { name: \"a\"", "closing a", "closed a: completed"]);
        log.assert_balanced();
    });
}

#[test]
fn rs_02_a_failed_body_is_released_before_its_error_is_returned() {
    on_both_runtimes(async || {
        let log = Log::default();
        let outcome = with(Door::new("a", &log), async |_| Err::<(), _>(Stuck("body"))).await;
        assert_eq!(outcome, Err(Stuck("body")));
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: failed"]);
    });
}

// Python would replace the error of the body by that of the release; here the first one is returned and both are kept.
#[test]
fn rs_04_rs_07_an_error_of_the_release_goes_to_the_observer_beside_the_error_of_the_body() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let door = Door::new("a", &log).release(1, Act::Fails);
            let outcome = with(door, async |_| Err::<(), _>(Stuck("body"))).await;
            assert_eq!(outcome, Err(Stuck("body")));
        })
        .await;
        assert_eq!(log.all("observed "), ["error of the release"]);
    });
}

#[test]
fn rs_07_an_error_of_the_release_alone_is_returned() {
    on_both_runtimes(async || {
        let log = Log::default();
        observe(&log);
        let outcome = with(Door::new("a", &log).release(1, Act::Fails), async |_| Ok(())).await;
        assert_eq!(outcome, Err(Stuck("release")));
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: completed"]);
    });
}

#[test]
fn rs_06_after_a_failed_acquisition_neither_body_nor_release_run() {
    on_both_runtimes(async || {
        let log = Log::default();
        let outcome = with(Door::new("a", &log).acquire(2, Act::Fails), async |_| {
            log.add("body");
            Ok(())
        })
        .await;
        assert_eq!(outcome, Err(Stuck("acquire")));
        assert!(log.entries().is_empty());
    });
}

#[test]
fn dropped_at_any_await_point_it_releases_once_and_says_how_the_body_ended() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let door = Door::new("a", &log).acquire(3, Act::Works).release(3, Act::Works);
            let body = log.clone();
            let future = with(door, async move |_| {
                body.add("begun");
                awaits(3).await?;
                body.add("done");
                Ok::<_, Stuck>(())
            });
            (future, log)
        },
        async |log: Log| {
            log.assert_balanced();
            let done = log.entries().contains(&"done".into());
            let expected = if done { "a: completed" } else { "a: dropped" };
            assert!(log.all("closed ").iter().all(|exit| exit == expected), "{:?}", log.entries());
        },
    )
    .at_least(9);
}

#[test]
fn dropped_at_any_await_point_of_a_failing_use_nothing_is_left() {
    for (acquire, release) in [(Act::Fails, Act::Works), (Act::Works, Act::Fails)] {
        assert_cancel_safe(
            async || {
                let log = Log::default();
                observe(&log);
                let door = Door::new("a", &log).acquire(2, acquire).release(2, release);
                (with(door, async |_| awaits(1).await), log)
            },
            async |log: Log| log.assert_balanced(),
        )
        .at_least(2);
    }
}

#[test]
fn rs_14_an_acquisition_whose_caller_has_gone_is_finished_and_released_without_a_body() {
    on_both_runtimes(async || {
        let log = Log::default();
        let door = Door::new("a", &log).acquire(5, Act::Works);
        let body = async |_: &mut Probe| {
            log.add("body");
            awaits(0).await
        };
        Polled::new(with(door, body)).assert_pending();
        settled().await;
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: dropped"]);
    });
}

#[test]
fn rs_14_an_acquisition_that_fails_after_its_caller_has_gone_is_observed_and_not_released() {
    for (act, expected) in [(Act::Fails, "error of the acquisition"), (Act::Panics, "panic of the acquisition")] {
        on_both_runtimes(async || {
            let log = Log::default();
            scope(async |_| {
                observe(&log);
                let door = Door::new("a", &log).acquire(5, act);
                Polled::new(with(door, async |_| awaits(0).await)).assert_pending();
            })
            .await;
            assert_eq!(log.entries(), [format!("observed {expected}")]);
        });
    }
}

#[test]
fn rs_15_a_timeout_returns_after_the_release_and_gives_it_its_reason() {
    on_both_runtimes(async || {
        let log = Log::default();
        let door = Door::new("a", &log).release(5, Act::Works);
        let body = with(door, async |_| pending::<Result<(), Stuck>>().await);
        let elapsed = timeout(Duration::from_millis(1), body).named("page 7").await.unwrap_err();
        assert!(elapsed.stragglers().is_empty());
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: deadline page 7"]);
    });
}

#[test]
fn rs_15_a_deadline_in_the_acquisition_is_the_reason_too() {
    on_current_thread(async || {
        let log = Log::default();
        let door = Door::new("a", &log).acquire(9, Act::Works);
        let body = with(door, async |_| pending::<Result<(), Stuck>>().await);
        assert!(timeout(Duration::ZERO, body).named("page 7").await.is_err());
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: deadline page 7"]);
    });
}

#[test]
fn rs_15_a_failed_group_returns_after_the_releases_of_its_children() {
    on_both_runtimes(async || {
        let log = Log::default();
        let outcome = try_scope(async |group: &TaskGroup<Stuck>| {
            for name in ["a", "b"] {
                let door = Door::new(name, &log).release(5, Act::Works);
                drop(group.try_spawn(with(door, async |_| pending::<Result<(), Stuck>>().await)));
            }
            while log.opened().len() < 2 {
                yield_now().await;
            }
            Err::<(), _>(Stuck("body"))
        })
        .await;
        assert!(matches!(outcome, Err(ScopeError::Failed(errors)) if *errors.first() == Stuck("body")));
        let mut closed = log.all("closed ");
        closed.sort();
        assert_eq!(closed, ["a: another task of the group failed", "b: another task of the group failed"]);
    });
}

#[test]
fn rs_15_a_root_waits_for_the_release_of_a_lost_branch() {
    on_both_runtimes(async || {
        let log = Log::default();
        let outcome = root_scope(async {
            tokio::select! {
                biased;
                _ = with(Door::new("a", &log).release(9, Act::Works), async |_| {
                    pending::<Result<(), Stuck>>().await
                }) => unreachable!(),
                () = async { while log.opened().is_empty() { yield_now().await } } => {}
            }
        })
        .await;
        assert!(outcome.is_ok());
        assert_eq!(log.all("closed "), ["a: dropped"]);
    });
}

#[test]
fn rs_19_of_two_acquired_in_parallel_one_fails_and_the_other_is_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let slow = Door::new("slow", &log).acquire(9, Act::Works);
            let outcome = tokio::try_join!(
                with(slow, async |_| pending::<Result<(), Stuck>>().await),
                with(Door::new("bad", &log).acquire(2, Act::Fails), async |_| awaits(0).await),
            );
            assert_eq!(outcome, Err(Stuck("acquire")));
        })
        .await;
        assert_eq!(log.entries(), ["open slow", "closing slow", "closed slow: dropped"]);
    });
}

#[test]
fn rs_20_the_loser_of_a_race_is_released_and_the_winner_kept() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            tokio::select! {
                biased;
                _ = with(Door::new("loser", &log).acquire(5, Act::Works), async |_| awaits(0).await) => unreachable!(),
                outcome = with(Door::new("winner", &log), async |_| awaits(1).await) => assert_eq!(outcome, Ok(())),
            }
            assert!(log.closed().contains(&"winner".into()));
        })
        .await;
        let mut closed = log.all("closed ");
        closed.sort();
        assert_eq!(closed, ["loser: dropped", "winner: completed"]);
    });
}

#[test]
fn bodies_borrow_and_change_what_is_around_them() {
    on_both_runtimes(async || {
        let log = Log::default();
        let (text, mut count) = (String::from("borrowed"), 0);
        with(Door::new("a", &log), async |_| {
            count += text.len();
            yield_now().await;
            count += text.len();
            Ok::<_, Stuck>(())
        })
        .await
        .unwrap();
        assert_eq!(count, 16);
    });
}

#[test]
fn what_the_body_left_behind_has_settled_before_the_release_begins() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let body = log.clone();
            let future = with(Door::new("outer", &log), async move |_| {
                tokio::select! {
                    biased;
                    _ = with(Door::new("lost", &body).release(5, Act::Works), async |_| {
                        pending::<Result<(), Stuck>>().await
                    }) => unreachable!(),
                    // Polled after the branch, which has opened its door in the same poll.
                    () = async { while body.opened().len() < 2 { yield_now().await } } => {}
                }
                body.add("done");
                Ok::<_, Stuck>(())
            });
            (future, log)
        },
        async |log: Log| {
            log.assert_balanced();
            if log.entries().contains(&"done".into()) {
                // Decided when the body ended, also for a caller that went while the lost branch settled.
                assert_eq!(log.all("closed "), ["lost: dropped", "outer: completed"]);
            }
        },
    )
    .at_least(4);
}

#[test]
fn a_timeout_inside_the_body_leaves_the_lease_alone() {
    on_both_runtimes(async || {
        let log = Log::default();
        let outcome = with(Door::new("a", &log), async |_| {
            assert!(timeout(Duration::from_millis(1), pending::<()>()).await.is_err());
            Ok::<_, Stuck>(())
        })
        .await;
        assert_eq!(outcome, Ok(()));
        assert_eq!(log.all("closed "), ["a: completed"]);
    });
}

#[test]
fn an_error_of_the_body_is_observed_if_the_caller_goes_before_it_gets_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let door = Door::new("a", &log).acquire(0, Act::Works).release(3, Act::Works);
            let mut used = Polled::new(with(door, async |_| Err::<(), _>(Stuck("body"))));
            used.assert_pending(); // In the release.
            drop(used);
        })
        .await;
        // In either order: the release goes on while the error is reported.
        for entry in ["closed a: failed", "observed error of the body"] {
            assert!(log.entries().contains(&entry.to_owned()), "{:?}", log.entries());
        }
    });
}
