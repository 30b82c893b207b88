//! Logs of drops.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bowline_testing::{DropLog, Probe, on_both_runtimes};

use crate::panic_of;

#[test]
fn drops_are_logged_in_order_and_counted_by_name() {
    let log = DropLog::default();
    let probes: Vec<Probe> = ["a", "b", "a"].map(|name| log.probe(name)).into();
    assert_eq!((log.live(), log.count("a")), (3, 0));
    drop(probes);
    assert_eq!(log.drops(), ["a", "b", "a"]);
    assert_eq!((log.live(), log.count("a"), log.count("b"), log.count("c")), (0, 2, 1, 0));
}

#[test]
fn a_probe_panics_on_demand_after_it_was_logged() {
    let log = DropLog::default();
    let text = panic_of(|| drop(log.probe("bomb").panic_on_drop()));
    assert_eq!(text, "the probe `bomb` panics on drop");
    assert_eq!(log.drops(), ["bomb"]);
}

#[test]
fn a_probe_does_not_panic_twice() {
    let log = DropLog::default();
    let result = catch_unwind(AssertUnwindSafe(|| {
        let _probe = log.probe("bomb").panic_on_drop();
        panic!("first");
    }));
    assert_eq!(result.expect_err("it panicked").downcast_ref(), Some(&"first"));
    assert_eq!(log.live(), 0);
}

#[test]
fn a_probe_tells_when_the_future_of_a_task_is_gone() {
    on_both_runtimes(async || {
        let log = DropLog::default();
        let probe = log.probe("task");
        let task = tokio::spawn(async move {
            let _probe = probe;
            std::future::pending::<()>().await;
        });
        assert_eq!(log.live(), 1);
        task.abort();
        assert!(task.await.is_err());
        assert_eq!(log.drops(), ["task"]);
    });
}
