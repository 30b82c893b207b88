//! The end of a pool.

use std::time::Duration;

use bowline_concurrency::scope;
use bowline_resources::{AcquireError, TryAcquireError};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::time::{Instant, sleep};

use crate::{
    pool_support::{Wire, assert_at_rest, finish},
    support::{Act, BUDGET, Log, observe},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn rs_29_who_waits_ends_when_the_pool_is_closed() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let held = pool.acquire().await.unwrap();
        let mut line: Vec<_> = (0..3).map(|_| Polled::new(Box::pin(pool.acquire()))).collect();
        line.iter_mut().for_each(Polled::assert_pending);
        let report = pool.close(Duration::ZERO).await;
        assert_eq!((report.in_use, report.released), (1, 0));
        assert_eq!(report.to_string(), "0 released, 1 still in use");
        for mut waiter in line {
            assert!(waiter.is_woken());
            assert!(matches!(waiter.assert_ready(), Err(AcquireError::Closed)));
        }
        assert!(matches!(pool.acquire().await, Err(AcquireError::Closed)));
        assert_eq!(pool.try_acquire().unwrap_err(), TryAcquireError::Closed);
        scope(async |_| drop(held)).await;
        assert_eq!(log.all("closed "), ["1: completed"]);
        assert!(assert_at_rest(&pool).is_closed);
    });
}

#[test]
fn rs_29_a_grant_that_nobody_has_fetched_is_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let held = pool.acquire().await.unwrap();
        let mut next = Polled::new(Box::pin(pool.acquire()));
        next.assert_pending();
        drop(held);
        assert_eq!(pool.close(Duration::from_secs(5)).await.released, 1);
        assert!(matches!(next.assert_ready(), Err(AcquireError::Closed)));
        assert_at_rest(&pool);
        log.assert_balanced();
    });
}

#[test]
fn rs_29_all_finalizers_run_even_if_some_fail() {
    on_current_thread(async || {
        for (act, kind) in [(Act::Fails, "error"), (Act::Panics, "panic"), (Act::Hangs, "overdue")] {
            for awaits in [0, 1] {
                let log = Log::default();
                let wire = Wire::new(&log);
                let pool = wire.pool(3).build();
                scope(async |_| {
                    observe(&log);
                    let held = (pool.acquire().await, pool.acquire().await, pool.acquire().await);
                    drop(held);
                    wire.script().close = (awaits, act);
                    let report = pool.close(Duration::from_secs(60)).await;
                    assert_eq!((report.released, report.failed, report.is_complete()), (3, 3, true));
                    assert_eq!(report.to_string(), "3 released, 3 of them failed");
                })
                .await;
                assert_eq!(log.all("closing ").len(), 3);
                assert_eq!(log.all("observed "), vec![format!("{kind} of the release"); 3]);
                assert_at_rest(&pool);
                assert_eq!(log.values.live(), 0);
            }
        }
    });
}

#[test]
fn rs_29_closing_waits_for_those_in_use() {
    on_current_thread(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(2).build();
        let start = Instant::now();
        scope(async |group| {
            for seconds in [1, 2] {
                let held = pool.acquire().await.unwrap();
                drop(group.spawn(async move {
                    sleep(Duration::from_secs(seconds)).await;
                    held.give_back().await.unwrap();
                }));
            }
            let report = pool.close(Duration::from_secs(5)).await;
            assert_eq!((report.released, start.elapsed()), (2, Duration::from_secs(2)));
            assert!(report.is_complete());
        })
        .await;
        log.assert_balanced_in_any_order();
        assert_eq!(assert_at_rest(&pool).destroyed.closed, 2);
    });
}

#[test]
fn rs_29_closing_ends_at_its_deadline_and_goes_on_behind() {
    on_current_thread(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(2).build();
        scope(async |_| {
            let (one, two) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
            drop(one);
            wire.script().close = (0, Act::Hangs);
            let start = Instant::now();
            let report = pool.close(Duration::from_secs(3)).await;
            assert_eq!(start.elapsed(), Duration::from_secs(3));
            assert_eq!(report.to_string(), "0 released, 1 still in use, 1 unfinished");
            wire.script().close = (0, Act::Works);
            drop(two);
            assert!(pool.close(BUDGET).await.is_complete());
        })
        .await;
        assert_eq!((assert_at_rest(&pool).failed_releases, log.values.live()), (1, 0));
    });
}

#[test]
fn what_is_created_after_the_end_is_released() {
    on_both_runtimes(async || {
        for is_dropped in [false, true] {
            let log = Log::default();
            let pool = Wire::new(&log).pool(1).build();
            scope(async |_| {
                let mut first = Polled::new(Box::pin(pool.acquire()));
                first.assert_pending();
                assert_eq!(pool.close(Duration::ZERO).await.unfinished, 1);
                if !is_dropped {
                    assert!(matches!(finish(first).await, Err(AcquireError::Closed)));
                }
            })
            .await;
            assert_eq!(assert_at_rest(&pool).destroyed.closed, 1);
            log.assert_balanced();
        }
    });
}

#[test]
fn the_last_handle_closes_the_pool() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(2).build();
        let (one, two) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        drop(one);
        let other = pool.clone();
        scope(async |_| drop(pool)).await;
        assert!(log.closed().is_empty());
        scope(async |_| drop(other)).await;
        assert_eq!(log.closed(), ["1"]);
        scope(async |_| drop(two)).await;
        assert_eq!(log.closed(), ["1", "2"]);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn rs_29_closing_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let wire = Wire::new(&log);
            let pool = wire.pool(3).build();
            let held = (pool.acquire().await, pool.acquire().await, pool.acquire().await);
            drop(held);
            wire.script().close = (3, Act::Works);
            let mine = pool.clone();
            (async move { mine.close(SECOND).await }, (pool, wire))
        },
        async |(pool, wire)| {
            assert!(pool.close(SECOND).await.is_complete());
            wire.log.assert_balanced_in_any_order();
            assert_at_rest(&pool);
        },
    );
    visited.at_least(1);
}
