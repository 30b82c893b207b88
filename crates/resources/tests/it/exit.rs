//! What a release is told.

use std::{
    future::pending,
    panic::panic_any,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bowline_concurrency::{Reason, scope, timeout};
use bowline_resources::{Exit, with};
use bowline_testing::{Polled, Probe, assert_cancel_safe, on_both_runtimes};

use crate::support::{Act, Door, Log, Stuck, awaits, observe, panic_of};

#[test]
fn only_completed_is_completed() {
    assert!(Exit::Completed.is_completed());
    for exit in [Exit::Failed, Exit::Panicked, Exit::Cancelled(Reason::Shutdown)] {
        assert!(!exit.is_completed(), "{exit:?}");
    }
}

#[test]
fn rs_16_a_release_is_told_how_the_use_ended() {
    on_both_runtimes(async || {
        let log = Log::default();
        let door = |name| Door::new(name, &log);
        let _ = with(door("ok"), async |_| Ok::<_, Stuck>(())).await;
        let _ = with(door("error"), async |_| Err::<(), _>(Stuck("body"))).await;
        panic_of(with(door("panic"), async |_| -> Result<(), Stuck> { panic_any("panics") })).await;
        let late = with(door("late"), async |_| pending::<Result<(), Stuck>>().await);
        let _ = timeout(Duration::from_millis(1), late).named("d").await;
        scope(async |_| {
            tokio::select! {
                biased;
                _ = with(door("lost").acquire(0, Act::Works), async |_| pending::<Result<(), Stuck>>().await) => {}
                () = async {} => {}
            }
        })
        .await;
        assert_eq!(
            log.all("closed "),
            ["ok: completed", "error: failed", "panic: panicked", "late: deadline d", "lost: dropped"]
        );
    });
}

/// Of the deadlines around it, the one that drops it.
#[test]
fn rs_16_the_reason_names_the_deadline_that_passed() {
    on_both_runtimes(async || {
        let log = Log::default();
        let inner = timeout(
            Duration::from_secs(60),
            with(Door::new("a", &log), async |_| pending::<Result<(), Stuck>>().await),
        );
        let _ = timeout(Duration::from_millis(1), inner.named("inner")).named("outer").await;
        assert_eq!(log.all("closed "), ["a: deadline outer"]);
    });
}

/// The body did not panic: a neighbour in its task did.
#[test]
fn a_body_that_is_dropped_by_the_panic_of_another_future_was_cancelled() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let neighbours = async {
                tokio::join!(with(Door::new("a", &log), async |_| pending::<Result<(), Stuck>>().await), async {
                    awaits(2).await.unwrap();
                    assert!(log.opened().is_empty(), "the neighbour panics");
                })
            };
            assert_eq!(panic_of(neighbours).await, "the neighbour panics");
        })
        .await;
        assert_eq!(log.all("closed "), ["a: dropped"]);
    });
}

/// A future that is ready, and whose destructor panics.
struct Bomb;

impl Future for Bomb {
    type Output = Result<(), Stuck>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

#[test]
fn a_body_whose_destructor_panics_after_it_returned_has_panicked() {
    on_both_runtimes(async || {
        let log = Log::default();
        assert_eq!(panic_of(with(Door::new("a", &log), |_: &mut Probe| Bomb)).await, "a destructor panics");
        assert_eq!(log.all("closed "), ["a: panicked"]);
    });
}

#[test]
fn a_body_that_panicked_has_panicked_even_if_its_caller_goes_while_the_rest_settles() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            observe(&log);
            let body = log.clone();
            let future = with(Door::new("outer", &log), async move |_| -> Result<(), Stuck> {
                let lost = Door::new("lost", &body).acquire(0, Act::Works).release(5, Act::Works);
                Polled::new(with(lost, async |_| pending::<Result<(), Stuck>>().await)).assert_pending();
                body.add("panicking");
                panic!("the body panics")
            });
            (async { drop(panic_of(future).await) }, log)
        },
        async |log: Log| {
            log.assert_balanced();
            if log.entries().contains(&"panicking".into()) {
                assert_eq!(log.all("closed "), ["lost: dropped", "outer: panicked"]);
            }
        },
    )
    .at_least(3);
}
