//! What a release is told.

use std::{future::pending, panic::panic_any, time::Duration};

use bowline_concurrency::{Reason, scope, timeout};
use bowline_resources::{Exit, with};
use bowline_testing::on_both_runtimes;

use crate::support::{Act, Door, Log, Stuck, awaits, panic_of};

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

struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("a destructor panics");
    }
}

#[test]
fn a_body_whose_destructor_panics_after_it_returned_has_panicked() {
    on_both_runtimes(async || {
        let log = Log::default();
        let bomb = PanicsOnDrop;
        let use_ = with(Door::new("a", &log), async move |_| {
            let _bomb = &bomb;
            awaits(1).await
        });
        assert_eq!(panic_of(use_).await, "a destructor panics");
        assert_eq!(log.all("closed "), ["a: panicked"]);
    });
}
