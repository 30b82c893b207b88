//! [`Lifecycle`].

use std::{
    error::Error,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bowline_sync::{CannotBegin, Lifecycle, NotReady, Phase};
use bowline_testing::assert_cancel_safe;
use tokio::task::yield_now;

use crate::support::{ByHand, on_both_runtimes};

fn io_error() -> io::Error {
    io::Error::other("the port is taken")
}

#[test]
fn it_goes_through_its_phases() {
    let lifecycle = Lifecycle::new();
    assert_eq!(lifecycle.phase(), Phase::Starting);
    let ready = ByHand::new(lifecycle.ready()).waits();
    let stopped = ByHand::new(lifecycle.stopped()).waits();
    let worker = lifecycle.begin().unwrap();
    assert_eq!(lifecycle.phase(), Phase::Starting);
    let ready = ready.waits();

    worker.ready();
    assert_eq!((lifecycle.phase(), ready.wakes()), (Phase::Ready, 1));
    ready.finish().unwrap();
    let stop = ByHand::new(worker.stop_requested()).waits();
    assert!(!worker.is_stop_requested());

    lifecycle.stop();
    assert_eq!((lifecycle.phase(), stop.wakes()), (Phase::Stopping, 1));
    stop.finish();
    assert!(worker.is_stop_requested());
    let stopped = stopped.waits();
    worker.ready();
    lifecycle.stop();
    assert_eq!(lifecycle.phase(), Phase::Stopping);

    worker.end();
    assert_eq!((lifecycle.phase(), stopped.wakes()), (Phase::Stopped, 1));
    stopped.finish().unwrap();
    lifecycle.stop();
    assert_eq!(lifecycle.phase(), Phase::Stopped);
    assert!(matches!(ByHand::new(lifecycle.ready()).finish(), Err(NotReady::Stopped)));
}

#[test]
fn a_task_that_is_its_worker_is_waited_for() {
    on_both_runtimes(|| async {
        let lifecycle = Arc::new(Lifecycle::new());
        let worker = lifecycle.begin_owned().unwrap();
        tokio::spawn(async move {
            yield_now().await;
            worker.ready();
            worker.stop_requested().await;
            yield_now().await;
            worker.end();
        });
        lifecycle.ready().await.unwrap();
        lifecycle.stop();
        lifecycle.stopped().await.unwrap();
        assert_eq!(lifecycle.phase(), Phase::Stopped);
    });
}

#[test]
fn a_failure_is_the_source_for_all_who_wait_in_every_phase() {
    for phase in [Phase::Starting, Phase::Ready, Phase::Stopping] {
        let lifecycle = Lifecycle::new();
        let worker = lifecycle.begin().unwrap();
        let stopped = [(); 2].map(|()| ByHand::new(lifecycle.stopped()).waits());
        let ready = ByHand::new(lifecycle.ready()).waits();
        if phase >= Phase::Ready {
            worker.ready();
        }
        if phase >= Phase::Stopping {
            lifecycle.stop();
        }
        assert_eq!(lifecycle.phase(), phase);
        worker.fail(io_error());
        assert_eq!(lifecycle.phase(), Phase::Failed);
        lifecycle.stop();
        assert_eq!(lifecycle.phase(), Phase::Failed);
        for stopped in stopped {
            let failed = stopped.finish().unwrap_err();
            assert!(failed.source().unwrap().is::<io::Error>() && !failed.is_panic() && !failed.is_abandoned());
        }
        let not_ready = ready.finish().unwrap_err();
        let cause = not_ready.source().and_then(Error::source).unwrap();
        assert_eq!(cause.to_string(), "the port is taken");
    }
}

#[test]
fn a_worker_that_is_dropped_leaves_nobody_waiting() {
    on_both_runtimes(|| async {
        for polled in [false, true] {
            let lifecycle = Arc::new(Lifecycle::new());
            let worker = lifecycle.begin_owned().unwrap();
            let task = tokio::spawn(async move {
                worker.stop_requested().await;
                worker.end();
            });
            if polled {
                yield_now().await;
            }
            task.abort();
            assert!(matches!(lifecycle.ready().await, Err(NotReady::Failed(failed)) if failed.is_abandoned()));
            let failed = lifecycle.stopped().await.unwrap_err();
            assert!(failed.is_abandoned() && !failed.is_panic() && failed.source().is_none());
        }
    });
}

#[test]
fn a_worker_that_panics_leaves_nobody_waiting() {
    let lifecycle = Lifecycle::new();
    let ready = ByHand::new(lifecycle.ready()).waits();
    let worker = lifecycle.begin().unwrap();
    let panics = move || {
        let _worker = worker;
        panic!("inside");
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert!(matches!(ready.finish(), Err(NotReady::Failed(failed)) if failed.is_panic()));
    assert!(ByHand::new(lifecycle.stopped()).finish().unwrap_err().is_panic());
}

#[test]
fn a_runtime_that_is_shut_down_leaves_nobody_waiting() {
    static WORKER: Lifecycle = Lifecycle::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let worker = WORKER.begin().unwrap();
    runtime.spawn(async move {
        worker.ready();
        worker.stop_requested().await;
        worker.end();
    });
    let stopped = ByHand::new(WORKER.stopped()).waits();
    drop(runtime);
    assert!(stopped.finish().unwrap_err().is_abandoned());
}

#[test]
fn stopped_before_it_began_it_does_not_begin() {
    let lifecycle = Lifecycle::default();
    let ready = ByHand::new(lifecycle.ready()).waits();
    let stopped = ByHand::new(lifecycle.stopped()).waits();
    lifecycle.stop();
    lifecycle.stop();
    assert_eq!(lifecycle.phase(), Phase::Stopped);
    assert_eq!(lifecycle.begin().unwrap_err(), CannotBegin::Stopped);
    assert!(matches!(ready.finish(), Err(NotReady::Stopped)));
    stopped.finish().unwrap();
}

#[test]
fn stopped_before_it_was_ready_it_is_not_ready() {
    let lifecycle = Lifecycle::new();
    let worker = lifecycle.begin().unwrap();
    let ready = ByHand::new(lifecycle.ready()).waits();
    lifecycle.stop();
    assert_eq!(lifecycle.phase(), Phase::Stopping);
    worker.ready();
    assert!(matches!(ready.finish(), Err(NotReady::Stopped)));
    ByHand::new(worker.stop_requested()).finish();
    worker.end();
    assert_eq!(lifecycle.phase(), Phase::Stopped);
}

#[test]
fn a_worker_that_ends_by_itself_has_stopped() {
    let lifecycle = Lifecycle::new();
    let worker = lifecycle.begin().unwrap();
    worker.ready();
    worker.end();
    assert_eq!(lifecycle.phase(), Phase::Stopped);
    ByHand::new(lifecycle.stopped()).finish().unwrap();
}

#[test]
fn there_is_one_worker() {
    let lifecycle = Arc::new(Lifecycle::new());
    let worker = lifecycle.begin().unwrap();
    assert_eq!(lifecycle.begin().unwrap_err(), CannotBegin::Begun);
    assert_eq!(lifecycle.begin_owned().unwrap_err(), CannotBegin::Begun);
    worker.end();
    assert_eq!(lifecycle.begin().unwrap_err(), CannotBegin::Begun);
}

#[test]
fn statistics_and_debug() {
    let lifecycle = Lifecycle::new();
    let _ready = [(); 2].map(|()| ByHand::new(lifecycle.ready()).waits());
    let _stopped = ByHand::new(lifecycle.stopped()).waits();
    let now = lifecycle.statistics();
    assert_eq!((now.phase, now.waiting_for_ready, now.waiting_for_end), (Phase::Starting, 2, 1));
    assert_eq!(format!("{lifecycle:?}"), "Lifecycle { phase: Starting, .. }");
    assert_eq!(
        [Phase::Starting, Phase::Ready, Phase::Stopping, Phase::Stopped, Phase::Failed].map(Phase::is_final),
        [false, false, false, true, true]
    );
}

/// A worker and its owner, each dropped at each await point: the other one never hangs.
#[test]
fn dropped_at_any_await_point_a_worker_or_an_owner_leaves_nobody_waiting() {
    assert_cancel_safe(
        async || {
            let lifecycle = Arc::new(Lifecycle::new());
            let worker = lifecycle.begin_owned().unwrap();
            let work = async move {
                yield_now().await;
                worker.ready();
                worker.stop_requested().await;
                yield_now().await;
                worker.end();
            };
            let owner = Arc::clone(&lifecycle);
            tokio::spawn(async move {
                let _ = owner.ready().await;
                owner.stop();
            });
            (work, lifecycle)
        },
        async |lifecycle| {
            let ended = lifecycle.stopped().await;
            assert_eq!(ended.is_ok(), lifecycle.phase() == Phase::Stopped);
        },
    )
    .at_least(3);
    assert_cancel_safe(
        async || {
            let lifecycle = Arc::new(Lifecycle::new());
            let worker = lifecycle.begin_owned().unwrap();
            tokio::spawn(async move {
                worker.ready();
                worker.stop_requested().await;
                yield_now().await;
                worker.end();
            });
            let owner = Arc::clone(&lifecycle);
            let owns = async move {
                owner.ready().await.unwrap();
                owner.stop();
                owner.stopped().await.unwrap();
            };
            (owns, lifecycle)
        },
        async |lifecycle| {
            lifecycle.stop();
            lifecycle.stopped().await.unwrap();
            assert_eq!(lifecycle.statistics().waiting_for_ready, 0);
        },
    )
    .at_least(2);
}
