//! Values on loan: used, put back, released early, and kept too long.

use std::{error::Error, mem::forget};

use bowline_concurrency::scope;
use bowline_resources::{ExitStack, Loan};
use bowline_testing::{Polled, Probe, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::{task::yield_now, time::Instant};

use crate::support::{Act, BUDGET, Door, Log, awaits, observe, panic_of};

/// One at home, and one on loan that is entered after it.
async fn lent(log: &Log) -> (ExitStack, Loan<Probe>) {
    let mut stack = ExitStack::new();
    drop(stack.enter(Door::new("a", log).acquire(0, Act::Works)).await.expect("it opens"));
    let loan = stack.enter(Door::new("b", log).acquire(0, Act::Works).release(3, Act::Works)).await.expect("it opens");
    (stack, loan)
}

#[test]
fn a_value_is_used_and_changed_through_its_loan() {
    on_both_runtimes(async || {
        let log = Log::default();
        let (stack, mut loan) = lent(&log).await;
        let before = std::mem::replace(&mut *loan, log.values.probe("changed"));
        assert!(format!("{loan:?}").starts_with("Loan(Probe"));
        drop((before, loan));
        stack.close().await.unwrap();
        assert_eq!(log.values.drops(), ["b", "changed", "a"]);
    });
}

#[test]
fn rs_25_one_that_was_released_early_is_not_released_again() {
    on_both_runtimes(async || {
        let log = Log::default();
        let (stack, loan) = lent(&log).await;
        loan.release().await.unwrap();
        assert_eq!(log.all("closed "), ["b: completed"]);
        assert_eq!(stack.len(), 1);
        stack.close().await.unwrap();
        assert_eq!(log.all("closed "), ["b: completed", "a: completed"]);
    });
}

#[test]
fn rs_25_dropped_at_any_await_point_of_an_early_release_it_is_released_once_and_first() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let (stack, loan) = lent(&log).await;
            let future = async move {
                let stack = stack; // Dropped after the release that was half-way.
                loan.release().await.unwrap();
                stack.close().await.unwrap();
            };
            (future, log)
        },
        async |log: Log| log.assert_balanced(),
    )
    .at_least(4);
}

#[test]
fn rs_25_an_early_release_that_fails_or_panics_is_its_callers() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut stack = ExitStack::new();
        let loan = stack.enter(Door::new("a", &log).release(1, Act::Fails)).await.unwrap();
        let error = loan.release().await.unwrap_err();
        assert_eq!(error.source().unwrap().to_string(), "release");
        let loan = stack.enter(Door::new("b", &log).release(1, Act::Panics)).await.unwrap();
        assert_eq!(panic_of(loan.release()).await, "release panics");
        stack.close().await.unwrap();
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn rs_25_an_early_release_that_hangs_without_its_caller_is_given_up() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        observe(&log);
        let mut stack = ExitStack::new();
        drop(stack.enter(Door::new("a", &log)).await.unwrap());
        let loan = stack.enter(Door::new("b", &log).release(0, Act::Hangs)).await.unwrap();
        Polled::new(loan.release()).assert_pending();
        assert_eq!(stack.len(), 1);
        stack.close().await.unwrap(); // Waits for it.
        assert_eq!(start.elapsed().as_secs(), BUDGET.as_secs());
        assert_eq!(
            log.entries()[2..],
            ["closing b", "observed overdue of the release", "closing a", "closed a: completed"]
        );
    });
}

#[test]
fn one_still_on_loan_is_an_error_of_the_close_and_is_released_when_its_loan_is_dropped() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let (stack, loan) = lent(&log).await;
            let error = stack.close().await.unwrap_err();
            assert!(error.first().is_on_loan() && error.source().is_none());
            let text = "it::support::Door is still on loan: drop its loan before its stack is closed";
            assert_eq!(error.to_string(), text);
            assert_eq!(error.into_iter().count(), 1);
            assert_eq!(log.all("closed "), ["a: completed"]);
            drop(loan);
        })
        .await;
        assert_eq!(log.all("closed "), ["a: completed", "b: completed"]);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn one_still_on_loan_can_be_released_by_hand_after_the_close() {
    on_both_runtimes(async || {
        let log = Log::default();
        let (stack, loan) = lent(&log).await;
        assert!(stack.close().await.is_err());
        loan.release().await.unwrap();
        assert_eq!(log.all("closed "), ["a: completed", "b: completed"]);
    });
}

#[test]
fn a_dropped_stack_waits_for_its_loans_and_keeps_the_order() {
    on_both_runtimes(async || {
        let (log, start) = (Log::default(), Instant::now());
        let body = log.clone();
        scope(async move |_| {
            let (stack, loan) = lent(&body).await;
            drop(stack);
            for _ in 0..20 {
                yield_now().await;
            }
            assert!(body.closed().is_empty());
            drop(loan);
        })
        .await;
        log.assert_balanced();
        assert_eq!(log.all("closed "), ["b: dropped", "a: dropped"]);
        assert!(start.elapsed() < BUDGET, "the loan wakes who waits for it");
    });
}

#[test]
fn a_dropped_stack_does_not_wait_for_a_loan_that_is_released_by_hand() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let (stack, loan) = lent(&log).await;
            drop(stack);
            yield_now().await;
            loan.release().await.unwrap();
        })
        .await;
        assert_eq!(log.values.live(), 0);
        assert_eq!(log.closed().len(), 2);
    });
}

#[test]
fn a_dropped_stack_does_not_wait_for_a_loan_for_ever() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        observe(&log);
        let (stack, loan) = lent(&log).await;
        scope(async |_| drop(stack)).await;
        assert_eq!(start.elapsed().as_secs(), BUDGET.as_secs());
        assert_eq!(log.entries()[2..], ["observed overdue of the loan", "closing a", "closed a: dropped"]);
        scope(async |_| drop(loan)).await;
        assert_eq!(log.all("closed "), ["a: dropped", "b: dropped"]);
    });
}

#[test]
fn a_loan_that_is_leaked_is_never_released_and_delays_nobody_at_a_close() {
    on_both_runtimes(async || {
        let log = Log::default();
        let (stack, loan) = lent(&log).await;
        forget(loan);
        assert!(stack.close().await.is_err());
        assert_eq!(log.closed(), ["a"]);
    });
}

#[test]
fn loans_and_their_stack_dropped_together_in_any_order_are_released_in_order() {
    for first in ["stack", "loan"] {
        assert_cancel_safe(
            async || {
                let log = Log::default();
                let (stack, loan) = lent(&log).await;
                let future = async move {
                    // The one declared last is dropped first.
                    if first == "stack" {
                        let (_loan, _stack) = (loan, stack);
                        awaits(2).await.unwrap();
                    } else {
                        let (_stack, _loan) = (stack, loan);
                        awaits(2).await.unwrap();
                    }
                };
                (future, log)
            },
            async |log: Log| log.assert_balanced(),
        )
        .at_least(2);
    }
}

#[test]
fn loans_are_used_in_other_tasks_while_the_stack_goes() {
    on_both_runtimes(async || {
        let log = Log::default();
        let body = log.clone();
        scope(async move |group| {
            for _ in 0..50 {
                let (stack, loan) = lent(&body).await;
                drop(group.spawn(async move {
                    yield_now().await;
                    drop(loan);
                }));
                drop(group.spawn(async move {
                    yield_now().await;
                    drop(stack);
                }));
            }
        })
        .await;
        assert_eq!(log.closed().len(), 100);
        assert_eq!(log.values.live(), 0);
    });
}
