//! Stacks whose owner goes: everything is released in the background, in order, and on time.

use std::{future::pending, time::Duration};

use bowline_concurrency::{lost_releases, scope, timeout};
use bowline_resources::{Exit, ExitStack};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::{runtime::Builder, time::Instant};

use crate::support::{Act, BUDGET, Door, Log, awaits, name, observe, panic_of};

async fn stack_of(doors: impl IntoIterator<Item = Door>) -> ExitStack {
    let mut stack = ExitStack::new();
    for door in doors {
        drop(stack.enter(door).await.expect("it opens"));
    }
    stack
}

#[test]
fn rs_15_a_dropped_stack_is_released_in_order_with_its_reason() {
    on_both_runtimes(async || {
        let log = Log::default();
        let used = async {
            let mut stack = stack_of([Door::new("a", &log), Door::new("b", &log).release(5, Act::Works)]).await;
            let inside = log.clone();
            stack.push(async move |exit| {
                awaits(3).await.unwrap();
                inside.add(format!("closed c: {}", name(&exit)));
            });
            pending::<()>().await;
            drop(stack);
        };
        let elapsed = timeout(Duration::from_millis(1), used).named("page 7").await.unwrap_err();
        assert!(elapsed.stragglers().is_empty());
        assert_eq!(log.all("closed "), ["c: deadline page 7", "b: deadline page 7", "a: deadline page 7"]);
        assert_eq!(log.entries()[2..4], ["closed c: deadline page 7", "closing b"]);
    });
}

#[test]
fn rs_15_a_stack_that_is_dropped_by_a_panic_is_told_of_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let used = async {
                let mut stack = stack_of([Door::new("a", &log)]).await;
                let _loan = stack.enter(Door::new("b", &log)).await.unwrap();
                panic!("it panics");
            };
            assert_eq!(panic_of(used).await, "it panics");
        })
        .await;
        assert_eq!(log.all("closed "), ["b: panicked", "a: panicked"]);
    });
}

#[test]
fn one_that_hangs_is_cut_and_reported_and_the_next_goes_on() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        scope(async |_| {
            observe(&log);
            let acts = [("a", Act::Works), ("b", Act::Hangs), ("c", Act::Fails), ("d", Act::Hangs), ("e", Act::Panics)];
            drop(stack_of(acts.map(|(name, act)| Door::new(name, &log).release(1, act))).await);
        })
        .await;
        assert_eq!(start.elapsed().as_secs(), 2 * BUDGET.as_secs());
        let expected = [
            "closing e",
            "observed panic of the release",
            "closing d",
            "observed overdue of the release",
            "closing c",
            "closed c: dropped",
            "observed error of the release",
            "closing b",
            "observed overdue of the release",
            "closing a",
            "closed a: dropped",
        ];
        assert_eq!(log.entries()[5..], expected);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn a_closing_whose_caller_goes_gives_a_limit_to_each_of_the_rest() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        scope(async |_| {
            observe(&log);
            let acts = [("a", Act::Works), ("b", Act::Hangs), ("c", Act::Hangs)];
            let stack = stack_of(acts.map(|(name, act)| Door::new(name, &log).release(0, act))).await;
            let mut close = Polled::new(stack.close());
            close.assert_pending();
            tokio::time::sleep(3 * BUDGET).await; // With a caller there is no limit.
            close.assert_pending();
        })
        .await;
        assert_eq!(start.elapsed().as_secs(), 5 * BUDGET.as_secs());
        assert_eq!(log.all("observed "), ["overdue of the release"; 2]);
        assert_eq!(log.all("closed "), ["a: completed"]);
    });
}

#[test]
fn rs_12_an_enter_that_is_dropped_half_way_is_released_before_the_earlier_members() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let inside = log.clone();
            let stack = stack_of([Door::new("a", &log).acquire(0, Act::Works).release(0, Act::Works)]).await;
            let future = async move {
                let mut stack = stack;
                let slow = Door::new("b", &inside).acquire(5, Act::Works).release(5, Act::Works);
                drop(stack.enter(slow).await);
            };
            (future, log)
        },
        async |log: Log| log.assert_balanced(),
    )
    .at_least(5);
}

#[test]
fn rs_12_a_lost_enter_is_released_at_once_and_the_stack_lives_on() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut stack = stack_of([Door::new("a", &log)]).await;
        scope(async |_| {
            observe(&log);
            let slow = Door::new("b", &log).acquire(3, Act::Works).release(3, Act::Works);
            Polled::new(stack.enter(slow)).assert_pending();
            assert_eq!(stack.len(), 1);
            Polled::new(stack.enter(Door::new("c", &log).acquire(3, Act::Fails))).assert_pending();
            Polled::new(stack.enter(Door::new("d", &log).acquire(3, Act::Panics))).assert_pending();
        })
        .await;
        assert_eq!(log.all("closed "), ["b: dropped"]);
        let mut observed = log.all("observed ");
        observed.sort();
        assert_eq!(observed, ["error of the acquisition", "panic of the acquisition"]);
        assert!(!stack.is_empty());
        stack.close().await.unwrap();
        assert_eq!(log.all("closed "), ["b: dropped", "a: completed"]);
    });
}

/// The lost acquisition hangs: closing goes on when that is given up.
#[test]
fn a_close_waits_for_a_lost_enter_within_its_limit() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        observe(&log);
        let mut stack = stack_of([Door::new("a", &log)]).await;
        Polled::new(stack.enter(Door::new("b", &log).acquire(0, Act::Hangs))).assert_pending();
        stack.close().await.unwrap();
        assert_eq!(start.elapsed().as_secs(), BUDGET.as_secs());
        assert_eq!(log.entries()[1..], ["observed overdue of the acquisition", "closing a", "closed a: completed"]);
    });
}

#[test]
fn a_runtime_that_is_dropped_first_abandons_from_the_last_to_the_first() {
    for multi in [false, true] {
        let (log, before) = (Log::default(), lost_releases());
        let mut builder = if multi { Builder::new_multi_thread() } else { Builder::new_current_thread() };
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let stack = runtime.block_on(async { stack_of(["a", "b", "c"].map(|name| Door::new(name, &log))).await });
        drop(runtime);
        drop(stack);
        assert!(lost_releases() > before);
        assert_eq!(log.values.drops(), ["c", "b", "a"]);
        assert!(log.closed().is_empty());
    }
}

/// Its members run where they were acquired, and those of the first runtime are gone by then.
#[test]
fn rs_15_a_stack_that_outlives_a_runtime_serves_the_next_one() {
    let log = Log::default();
    let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let mut stack = first.block_on(async {
        let mut stack = ExitStack::new();
        let loan = stack.enter(Door::new("a", &log)).await.unwrap();
        loan.release().await.unwrap();
        stack
    });
    drop(first);
    runtime().block_on(scope(async |_| {
        drop(stack.enter(Door::new("b", &log)).await.unwrap());
        drop(stack);
    }));
    assert_eq!(log.closed(), ["a", "b"]);
}

#[test]
fn a_runtime_that_is_dropped_in_the_middle_abandons_the_rest() {
    let (log, before) = (Log::default(), lost_releases());
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let loan = runtime.block_on(async {
        let mut stack = stack_of(["a", "b"].map(|name| Door::new(name, &log))).await;
        let loan = stack.enter(Door::new("lent", &log)).await.unwrap();
        drop(stack_of(["c"].map(|name| Door::new(name, &log).release(0, Act::Hangs))).await);
        drop(stack.enter(Door::new("d", &log).release(0, Act::Hangs)).await.unwrap());
        drop(stack);
        awaits(5).await.unwrap();
        loan
    });
    drop(runtime);
    assert!(lost_releases() > before);
    assert_eq!(log.all("closing ").len(), 2, "those of c and d hang");
    assert_eq!(log.values.live(), 1, "that on loan: {:?}", log.values.drops());
    assert!(log.values.drops().ends_with(&["b".into(), "a".into()]), "{:?}", log.values.drops());
    drop(loan);
    assert_eq!(log.values.live(), 0);
}

#[test]
fn without_any_runtime_it_is_reported_and_abandoned() {
    let log = Log::default();
    let mut stack = ExitStack::new();
    drop(stack.adopt(Door::new("a", &log), log.values.probe("a")));
    let mut used = Polled::new(scope(async |_| {
        observe(&log);
        drop(stack);
    }));
    used.assert_ready();
    assert_eq!(log.entries(), ["observed error of the release"]);
    assert_eq!(log.values.live(), 0);
}

#[test]
fn a_destructor_that_panics_while_the_rest_is_abandoned_keeps_nobody() {
    let log = Log::default();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let stack = runtime.block_on(async {
        let mut stack = stack_of([Door::new("a", &log)]).await;
        let bomb = log.values.probe("bomb").panic_on_drop();
        stack.defer(move |_: Exit| drop(bomb));
        drop(stack.enter(Door::new("b", &log)).await.unwrap());
        stack
    });
    drop(runtime);
    drop(stack);
    assert_eq!(log.values.drops(), ["b", "bomb", "a"]);
}

#[test]
fn memory_does_not_grow_with_members_that_leave_early() {
    on_current_thread(async || {
        let log = Log::default();
        let mut stack = stack_of([Door::new("first", &log)]).await;
        let ready = |name| Door::new(name, &log).acquire(0, Act::Works).release(0, Act::Works);
        let mut newest = stack.enter(ready("x")).await.unwrap();
        for _ in 0..1_000 {
            let next = stack.enter(ready("x")).await.unwrap();
            std::mem::replace(&mut newest, next).release().await.unwrap();
            assert_eq!(stack.len(), 2);
        }
        drop(newest);
        stack.close().await.unwrap();
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn in_parallel_each_has_a_limit_of_its_own_when_the_caller_has_gone() {
    on_current_thread(async || {
        let (log, start) = (Log::default(), Instant::now());
        scope(async |_| {
            observe(&log);
            let acts = [("a", Act::Works), ("b", Act::Hangs), ("c", Act::Hangs)];
            let stack = stack_of(acts.map(|(name, act)| Door::new(name, &log).release(0, act))).await;
            Polled::new(stack.close_in_parallel(Exit::Failed)).assert_pending();
        })
        .await;
        assert_eq!(start.elapsed().as_secs(), BUDGET.as_secs());
        assert_eq!(log.all("observed "), ["overdue of the release"; 2]);
        assert_eq!(log.all("closed "), ["a: failed"]);
    });
}
