//! Stacks that are closed.

use std::error::Error;

use bowline_concurrency::scope;
use bowline_resources::{Exit, ExitStack};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes};

use crate::support::{Act, Door, Log, Stuck, awaits, name, observe, panic_of};

/// A stack with the doors, all at home.
async fn stack_of(doors: impl IntoIterator<Item = Door>) -> ExitStack {
    let mut stack = ExitStack::new();
    for door in doors {
        drop(stack.enter(door).await.expect("it opens"));
    }
    stack
}

fn is_an_end(entry: &str) -> bool {
    entry.starts_with("closing ") || entry.starts_with("closed ")
}

#[test]
fn members_are_released_from_the_last_one_to_the_first() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let inside = log.clone();
            let future = async move {
                let mut stack = ExitStack::new();
                let a = stack.enter(Door::new("a", &inside).release(1, Act::Works)).await.unwrap();
                let b = stack.enter(Door::new("b", &inside).release(2, Act::Works)).await.unwrap();
                let c = stack.enter(Door::new("c", &inside).release(5, Act::Works)).await.unwrap();
                awaits(1).await.unwrap();
                drop((a, b, c));
                awaits(1).await.unwrap();
                stack.close().await.unwrap();
            };
            (future, log)
        },
        async |log: Log| {
            log.assert_balanced();
            let ends: Vec<_> = log.entries().into_iter().filter(|entry| is_an_end(entry)).collect();
            assert!(
                ends.chunks(2).all(|pair| pair[1].starts_with(&pair[0].replace("closing", "closed"))),
                "one after the other: {ends:?}"
            );
        },
    )
    .at_least(13);
}

#[test]
fn rs_09_several_fail_and_all_run_and_the_errors_come_in_order() {
    on_both_runtimes(async || {
        let log = Log::default();
        let acts = [("a", Act::Fails), ("b", Act::Works), ("c", Act::Fails), ("d", Act::Works)];
        let mut stack = stack_of(acts.map(|(name, act)| Door::new(name, &log).release(1, act))).await;
        stack.push(async |_| Err::<(), _>("callback"));
        let error = stack.close().await.unwrap_err();
        assert_eq!(log.all("closed "), ["d: completed", "c: completed", "b: completed", "a: completed"]);

        assert_eq!(error.iter().count(), 3);
        assert!(error.first().name().contains("rs_09"), "the name of the callback: {error}");
        assert_eq!(error.source().unwrap().to_string(), "callback");
        assert!(error.to_string().ends_with("failed, and 2 more"), "{error}");
        let errors = error.into_vec();
        assert!(errors.iter().all(|error| !error.is_on_loan()));
        for error in &errors[1..] {
            assert_eq!(error.to_string(), "the release of it::support::Door failed");
            assert_eq!(error.source().unwrap().downcast_ref(), Some(&Stuck("release")));
        }
    });
}

#[test]
fn rs_10_plain_and_async_callbacks_and_resources_are_in_one_order() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut stack = stack_of([Door::new("1", &log)]).await;
        let inside = log.clone();
        stack.defer(move |exit| inside.add(format!("closed 2: {}", name(&exit))));
        let inside = log.clone();
        stack.push(async move |exit| {
            awaits(3).await?;
            inside.add(format!("closed 3: {}", name(&exit)));
            Ok::<_, Stuck>(())
        });
        drop(stack.adopt(Door::new("4", &log), log.values.probe("4")));
        let inside = log.clone();
        stack.defer(move |_| {
            inside.add("closed 5: fails");
            Err("plain")
        });
        assert_eq!(stack.len(), 5);
        let error = stack.close_with(Exit::Failed).await.unwrap_err();
        assert_eq!(log.all("closed "), ["5: fails", "4: failed", "3: failed", "2: failed", "1: failed"]);
        assert_eq!(error.first().source().unwrap().to_string(), "plain");
        assert_eq!(error.iter().count(), 1);
    });
}

#[test]
fn rs_11_what_was_taken_is_released_by_the_new_stack_alone() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut old = stack_of([Door::new("a", &log)]).await;
        let loan = old.enter(Door::new("b", &log)).await.unwrap();
        let new = old.take();
        assert!(old.is_empty() && new.len() == 2);
        old.close().await.unwrap();
        assert!(log.closed().is_empty());
        drop(loan); // Into the new one.
        new.close().await.unwrap();
        log.assert_balanced();
    });
}

#[test]
fn rs_12_a_failed_or_panicking_enter_leaves_the_stack_as_it_was() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut stack = stack_of([Door::new("a", &log)]).await;
        assert_eq!(stack.enter(Door::new("b", &log).acquire(1, Act::Fails)).await.unwrap_err(), Stuck("acquire"));
        assert_eq!(panic_of(stack.enter(Door::new("c", &log).acquire(1, Act::Panics))).await, "acquire panics");
        assert_eq!(stack.len(), 1);
        stack.close().await.unwrap();
        assert_eq!(log.all("closed "), ["a: completed"]);
    });
}

#[test]
fn rs_07_a_panic_of_one_release_goes_on_when_all_have_run_and_the_errors_go_to_the_observer() {
    on_both_runtimes(async || {
        let log = Log::default();
        observe(&log);
        let acts = [("a", Act::Works), ("b", Act::Panics), ("c", Act::Fails)];
        let mut stack = stack_of(acts.map(|(name, act)| Door::new(name, &log).release(1, act))).await;
        stack.push(async |_| -> () { panic!("first") });
        assert_eq!(panic_of(stack.close()).await, "first");
        let observed = log.all("observed ");
        assert_eq!(observed, ["panic of the release", "error of the release"], "{:?}", log.entries());
        assert_eq!(log.closed(), ["c", "a"], "that of b has panicked");
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn a_callback_that_panics_when_it_is_called_or_dropped_keeps_nobody_from_being_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        for plain in [true, false] {
            let mut stack = stack_of([Door::new("a", &log)]).await;
            if plain {
                stack.defer(|_| -> () { panic!("it panics") });
            } else {
                let probe = log.values.probe("bomb").panic_on_drop();
                stack.push(move |_| {
                    let _probe = probe;
                    async {}
                });
            }
            let text = panic_of(stack.close()).await;
            assert!(text.ends_with("panics") || text.ends_with("panics on drop"), "{text}");
        }
        assert_eq!(log.closed(), ["a", "a"]);
    });
}

#[test]
fn rs_24_a_stack_in_a_stack_is_released_in_its_turn() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let mut outer = stack_of([Door::new("1", &log)]).await;
            let inner = stack_of([Door::new("2", &log), Door::new("3", &log).release(4, Act::Works)]).await;
            outer.push(async move |exit| inner.close_with(exit).await);
            drop(outer.enter(Door::new("4", &log)).await.unwrap());
            (async { outer.close().await.unwrap() }, log)
        },
        async |log: Log| log.assert_balanced(),
    )
    .at_least(7);
}

#[test]
fn rs_24_a_stack_in_parallel_within_one_in_order() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            let mut outer = stack_of([Door::new("1", &log)]).await;
            let slow = |name, awaits| Door::new(name, &log).release(awaits, Act::Works);
            let inner = stack_of([slow("2", 3), slow("3", 6), slow("4", 9)]).await;
            outer.push(async move |exit| inner.close_in_parallel(exit).await);
            drop(outer.enter(Door::new("5", &log)).await.unwrap());
            (async { outer.close().await.unwrap() }, log)
        },
        async |log: Log| {
            let ends: Vec<_> = log.entries().into_iter().filter(|entry| is_an_end(entry)).collect();
            assert_eq!(ends[2..5], ["closing 4", "closing 3", "closing 2"], "all at once");
            assert_eq!(log.closed(), ["5", "2", "3", "4", "1"]);
            assert_eq!(log.values.live(), 0);
        },
    )
    .at_least(10);
}

#[test]
fn rs_24_in_parallel_all_run_and_the_errors_come_as_they_happen() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut stack = stack_of([Door::new("quick", &log).release(0, Act::Fails)]).await;
        let lent = stack.enter(Door::new("lent", &log)).await.unwrap();
        let acts = [("panics", 2, Act::Panics), ("slow", 5, Act::Fails)];
        for (name, awaits, act) in acts {
            drop(stack.enter(Door::new(name, &log).release(awaits, act)).await.unwrap());
        }
        observe(&log);
        assert_eq!(panic_of(stack.close_in_parallel(Exit::Failed)).await, "release panics");
        assert_eq!(log.all("observed "), ["error of the release"; 3]);
        assert_eq!(log.all("closed "), ["quick: failed", "slow: failed"]);
        drop(lent);

        let mut stack = stack_of([Door::new("quick", &log).release(1, Act::Fails)]).await;
        stack.push(async |_| {
            awaits(5).await?;
            Err(Stuck("slow"))
        });
        let error = stack.close_in_parallel(Exit::Completed).await.unwrap_err();
        let texts: Vec<_> = error.iter().map(|error| error.source().unwrap().to_string()).collect();
        assert_eq!(texts, ["release", "slow"]);
    });
}

#[test]
fn rs_15_a_closing_that_is_dropped_half_way_keeps_its_exit_and_reports_its_errors() {
    assert_cancel_safe(
        async || {
            let log = Log::default();
            observe(&log);
            let doors = ["a", "b", "c"].map(|name| Door::new(name, &log).acquire(0, Act::Works).release(2, Act::Fails));
            let stack = stack_of(doors).await;
            let inside = log.clone();
            let future = async move {
                let close = stack.close();
                inside.add("closes");
                for _ in close.await.unwrap_err() {
                    inside.add("observed error of the release"); // As good as the observer.
                }
            };
            (future, log)
        },
        async |log: Log| {
            log.assert_balanced();
            assert_eq!(log.all("observed "), ["error of the release"; 3]);
            let exit = if log.all("closes").is_empty() { "dropped" } else { "completed" };
            assert_eq!(log.all("closed "), ["c", "b", "a"].map(|name| format!("{name}: {exit}")));
        },
    )
    .at_least(6);
}

#[test]
fn closing_nothing_is_nothing() {
    let mut close = Polled::new(ExitStack::default().close());
    close.assert_ready().unwrap();
    let stack = ExitStack::new();
    assert!(stack.is_empty());
    assert_eq!(format!("{stack:?}"), "ExitStack { len: 0 }");
}

#[test]
fn callbacks_alone_need_no_runtime() {
    let log = Log::default();
    let mut stack = ExitStack::new();
    let inside = log.clone();
    stack.defer(move |exit| inside.add(name(&exit)));
    Polled::new(stack.close()).assert_ready().unwrap();
    assert_eq!(log.entries(), ["completed"]);
}

#[test]
fn a_hundred_thousand_members_are_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        let mut stack = ExitStack::new();
        for _ in 0..100_000 {
            let probe = log.values.probe("x");
            stack.defer(move |_| drop(probe));
        }
        scope(async |_| drop(stack)).await;
        assert_eq!(log.values.live(), 0);
    });
}
