//! Stacks around a body.

use std::{future::pending, time::Duration};

use bowline_concurrency::{scope, timeout};
use bowline_resources::{CloseError, ExitStack, exit_stack, with};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::time::Instant;

use crate::support::{Act, BUDGET, Door, Log, Stuck, awaits, observe, panic_of};

#[derive(Debug)]
enum Failed {
    Body(Stuck),
    Close(CloseError),
}

impl From<Stuck> for Failed {
    fn from(error: Stuck) -> Self {
        Failed::Body(error)
    }
}

impl From<CloseError> for Failed {
    fn from(error: CloseError) -> Self {
        Failed::Close(error)
    }
}

async fn enter(stack: &mut ExitStack, log: &Log, acts: &[(&'static str, Act)]) -> Result<(), Failed> {
    for (name, act) in acts {
        drop(stack.enter(Door::new(name, log).release(1, *act)).await?);
    }
    Ok(())
}

const TWO: [(&str, Act); 2] = [("a", Act::Works), ("b", Act::Works)];

#[test]
fn rs_16_the_body_decides_the_exit_of_all() {
    on_both_runtimes(async || {
        for expected in ["completed", "failed", "panicked", "deadline d"] {
            let log = Log::default();
            let used = exit_stack(async |stack: &mut ExitStack| {
                enter(stack, &log, &TWO).await?;
                match expected {
                    "completed" => Ok(()),
                    "failed" => Err(Stuck("body").into()),
                    "panicked" => panic!("it panics"),
                    _ => pending::<Result<_, Failed>>().await,
                }
            });
            match expected {
                "completed" => used.await.unwrap(),
                "failed" => assert!(matches!(used.await, Err(Failed::Body(Stuck("body"))))),
                "panicked" => assert_eq!(panic_of(used).await, "it panics"),
                _ => assert!(timeout(Duration::from_millis(1), used).named("d").await.is_err()),
            }
            assert_eq!(log.all("closed "), [format!("b: {expected}"), format!("a: {expected}")]);
        }
    });
}

#[test]
fn rs_07_the_error_of_the_body_comes_first_and_the_others_go_to_the_observer() {
    on_both_runtimes(async || {
        let log = Log::default();
        observe(&log);
        let acts = [("a", Act::Fails), ("b", Act::Fails)];
        let outcome = exit_stack(async |stack| {
            enter(stack, &log, &acts).await?;
            Err::<(), Failed>(Stuck("body").into())
        });
        assert!(matches!(outcome.await, Err(Failed::Body(Stuck("body")))));
        assert_eq!(log.all("observed "), ["error of the release"], "one, with both in it");

        let outcome = exit_stack(async |stack| enter(stack, &log, &acts).await).await;
        assert!(matches!(outcome, Err(Failed::Close(error)) if error.iter().count() == 2));
    });
}

#[test]
fn a_panic_of_a_release_goes_on_after_the_others() {
    on_both_runtimes(async || {
        let log = Log::default();
        observe(&log);
        let acts = [("a", Act::Works), ("b", Act::Panics), ("c", Act::Fails)];
        let used = exit_stack(async |stack| enter(stack, &log, &acts).await);
        assert_eq!(panic_of(used).await, "release panics");
        assert_eq!(log.closed(), ["c", "a"]);
        assert_eq!(log.all("observed "), ["error of the release"]);
    });
}

#[test]
fn dropped_at_any_await_point_all_are_released_from_the_last_to_the_first() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let inside = log.clone();
            let future = async move {
                exit_stack(async |stack: &mut ExitStack| {
                    let _a = stack.enter(Door::new("a", &inside)).await?;
                    let _b = stack.enter(Door::new("b", &inside).release(4, Act::Works)).await?;
                    with(Door::new("inside", &inside).release(4, Act::Works), async |_| awaits(1).await).await?;
                    let _c = stack.enter(Door::new("c", &inside).release(2, Act::Works)).await?;
                    inside.add("done");
                    Ok::<_, Failed>(())
                })
                .await
                .unwrap();
            };
            (future, log)
        },
        async |log: Log| {
            let (opened, closed) = (log.opened(), log.closed());
            assert_eq!(opened.len(), closed.len());
            assert_eq!(log.values.live(), 0);
            let members = |names: Vec<String>| names.into_iter().filter(|name| name != "inside").collect::<Vec<_>>();
            let mut opened = members(opened);
            opened.reverse();
            assert_eq!(members(closed.clone()), opened, "{:?}", log.entries());
            // What the body left behind comes before all members.
            assert!(closed.iter().position(|name| name == "inside").is_none_or(|at| at == 0), "{closed:?}");
            if !log.all("done").is_empty() {
                assert_eq!(log.all("closed ")[1..], ["c: completed", "b: completed", "a: completed"]);
            }
        },
    )
    .at_least(15);
}

#[test]
fn each_release_has_a_limit_when_the_caller_has_gone() {
    on_current_thread(async || {
        for goes_in_the_body in [true, false] {
            let (log, start) = (Log::default(), Instant::now());
            scope(async |_| {
                observe(&log);
                let mut used = Polled::new(exit_stack(async |stack: &mut ExitStack| {
                    for (name, act) in [("a", Act::Works), ("b", Act::Hangs), ("c", Act::Hangs)] {
                        drop(stack.enter(Door::new(name, &log).acquire(0, Act::Works).release(0, act)).await?);
                    }
                    if goes_in_the_body {
                        pending::<()>().await;
                    }
                    Ok::<_, Failed>(())
                }));
                used.assert_pending();
            })
            .await;
            assert_eq!(start.elapsed().as_secs(), 2 * BUDGET.as_secs());
            assert_eq!(log.all("observed "), ["overdue of the release"; 2]);
            let exit = if goes_in_the_body { "dropped" } else { "completed" };
            assert_eq!(log.all("closed "), [format!("a: {exit}")]);
        }
    });
}

#[test]
fn a_loan_that_leaves_the_body_is_an_error_that_names_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let outcome =
                exit_stack(async |stack: &mut ExitStack| Ok::<_, Failed>(stack.enter(Door::new("a", &log)).await?));
            let Err(Failed::Close(error)) = outcome.await else { panic!("the value is on loan") };
            assert!(error.first().is_on_loan());
        })
        .await;
        assert_eq!(log.all("closed "), ["a: completed"]);
    });
}

#[test]
fn rs_11_members_taken_out_of_the_body_live_on() {
    on_both_runtimes(async || {
        let log = Log::default();
        let taken = exit_stack(async |stack: &mut ExitStack| {
            enter(stack, &log, &TWO).await?;
            Ok::<_, Failed>(stack.take())
        });
        let taken = taken.await.unwrap();
        assert!(log.closed().is_empty());
        taken.close().await.unwrap();
        log.assert_balanced();
    });
}
