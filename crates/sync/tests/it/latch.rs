//! [`Latch`].

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bowline_sync::Latch;
use bowline_testing::assert_cancel_safe;

use crate::support::{ByHand, on_both_runtimes};

/// remaining, waiting
fn counts(latch: &Latch) -> (usize, usize) {
    let statistics = latch.statistics();
    (statistics.remaining, statistics.waiting)
}

#[test]
fn it_opens_with_the_last_arrival_for_good() {
    let latch = Latch::new(3);
    let waiting = ByHand::new(latch.wait()).waits();
    latch.arrive();
    latch.arrive();
    assert_eq!((waiting.wakes(), counts(&latch), latch.is_open()), (0, (1, 1), false));
    latch.arrive();
    assert_eq!((waiting.wakes(), counts(&latch), latch.is_open()), (1, (0, 0), true));
    waiting.finish();
    ByHand::new(latch.wait()).finish();
}

#[test]
fn what_was_done_before_an_arrival_is_visible_after_the_wait() {
    on_both_runtimes(|| async {
        let latch = Arc::new(Latch::new(8));
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..8 {
            let (arrival, done) = (latch.arrival_owned(), Arc::clone(&done));
            tokio::spawn(async move {
                let _arrival = arrival;
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        latch.wait().await;
        assert_eq!(done.load(Ordering::Relaxed), 8);
    });
}

#[test]
fn none_to_wait_for_is_open_from_the_start() {
    static OPEN: Latch = Latch::new(0);
    assert!(OPEN.is_open());
    ByHand::new(OPEN.wait()).finish();
}

#[test]
fn arriving_more_often_than_the_count_changes_nothing() {
    let latch = Latch::new(2);
    latch.arrive_many(usize::MAX);
    latch.arrive();
    latch.arrive_many(0);
    assert_eq!((counts(&latch), latch.is_open()), ((0, 0), true));
}

#[test]
fn arriving_none_changes_nothing() {
    let latch = Latch::new(2);
    latch.arrive_many(0);
    assert_eq!((counts(&latch), latch.is_open()), ((2, 0), false));
    latch.arrive_many(2);
    assert!(latch.is_open());
}

#[test]
fn a_worker_that_panics_or_is_cancelled_arrives() {
    let latch = Arc::new(Latch::new(3));
    let panics = AssertUnwindSafe(|| {
        let _arrival = latch.arrival();
        panic!("inside");
    });
    assert!(catch_unwind(panics).is_err());
    let arrival = latch.arrival_owned();
    let cancelled = ByHand::new(async move {
        let _arrival = arrival;
        std::future::pending::<()>().await
    });
    drop(cancelled.waits());
    assert_eq!(counts(&latch), (1, 0));
    let never_polled = latch.arrival_owned();
    drop(async move { drop(never_polled) });
    assert!(latch.is_open());
}

#[test]
fn ev_05_release_lets_pass_who_waits_and_the_latch_stays_closed() {
    let latch = Latch::new(1);
    let present: Vec<_> = (0..3).map(|_| ByHand::new(latch.wait()).waits()).collect();
    latch.release();
    assert!(!latch.is_open());
    let late = ByHand::new(latch.wait()).waits();
    for waiter in present {
        assert_eq!(waiter.wakes(), 1);
        waiter.finish();
    }
    assert_eq!((late.wakes(), counts(&latch)), (0, (1, 1)), "the count is what it was");
    latch.arrive();
    assert_eq!(late.wakes(), 1);
    latch.release();
    assert!(latch.is_open(), "an open latch stays open");
}

#[test]
fn a_cancelled_waiter_leaves_nothing() {
    let latch = Latch::new(1);
    for _ in 0..1_000 {
        assert!(ByHand::new(latch.wait()).waits().leaves_nothing());
    }
    assert_eq!(counts(&latch), (1, 0));
    assert_eq!(format!("{latch:?}"), "Latch { remaining: 1, waiting: 0 }");
}

#[test]
fn dropped_at_any_point_a_wait_changes_nothing() {
    assert_cancel_safe(
        async || {
            let latch = Arc::new(Latch::new(1));
            let (waits, arrival) = (Arc::clone(&latch), latch.arrival_owned());
            tokio::spawn(async move { drop(arrival) });
            (async move { waits.wait().await }, latch)
        },
        async |latch: Arc<Latch>| {
            latch.wait().await;
            assert_eq!(counts(&latch), (0, 0));
        },
    )
    .at_least(1);
}
