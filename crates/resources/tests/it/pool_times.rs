//! Pools: time-outs, lifetimes and idle times.

use std::time::Duration;

use bowline_concurrency::{scope, settled};
use bowline_resources::{AcquireError, TryAcquireError};
use bowline_testing::{Polled, on_current_thread};
use tokio::time::{advance, sleep};

use crate::{
    pool_support::{Wire, assert_at_rest},
    support::{Act, Log, observe},
};

#[test]
fn each_step_has_a_time_out_of_its_own() {
    on_current_thread(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).wait_timeout(Duration::from_secs(3)).create_timeout(Duration::from_secs(4)).build();
        let start = tokio::time::Instant::now();
        wire.script().open = (1, Act::Hangs);
        let error = pool.acquire().await.unwrap_err();
        assert!(matches!(error, AcquireError::CreateTimedOut(limit) if limit == Duration::from_secs(4)));
        assert_eq!(start.elapsed(), Duration::from_secs(4));
        wire.script().open = (1, Act::Works);
        let _held = pool.acquire().await.unwrap();
        let error = pool.acquire().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "all 1 values of the pool were taken for 3s: give them back earlier, raise `max_size`, or `wait_timeout`"
        );
        assert_eq!(start.elapsed(), Duration::from_secs(7));
        assert_eq!(pool.statistics().waiting, 0);
    });
}

#[test]
fn limits_beyond_the_clock_are_none() {
    on_current_thread(async || {
        let log = Log::default();
        let pool = Wire::new(&log)
            .pool(1)
            .wait_timeout(Duration::MAX)
            .create_timeout(Duration::MAX)
            .recycle_timeout(Duration::MAX)
            .max_lifetime(Duration::MAX)
            .build();
        let held = pool.acquire().await.unwrap();
        let mut next = Polled::new(Box::pin(pool.acquire()));
        next.assert_pending();
        advance(Duration::from_secs(1_000_000)).await;
        drop(held);
        assert_eq!(next.assert_ready().unwrap().number, 1);
        assert!(pool.close(Duration::MAX).await.is_complete());
    });
}

#[test]
fn values_are_replaced_when_their_time_is_over() {
    on_current_thread(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(2).max_lifetime(Duration::from_secs(10)).idle_timeout(Duration::from_secs(3)).build();
        drop(pool.acquire().await.unwrap());
        for _ in 0..3 {
            sleep(Duration::from_secs(2)).await;
            assert_eq!(pool.acquire().await.unwrap().number, 1);
        }
        sleep(Duration::from_secs(2)).await;
        let one = pool.acquire().await.unwrap();
        sleep(Duration::from_secs(2)).await;
        scope(async |_| drop(one)).await; // Ten seconds old.
        drop(pool.acquire().await.unwrap());
        sleep(Duration::from_secs(3)).await;
        assert_eq!(pool.acquire().await.unwrap().number, 3); // Two has been idle for three seconds.
        settled().await;
        sleep(Duration::from_secs(3)).await;
        assert_eq!(scope(async |_| pool.sweep()).await, 1);
        let now = assert_at_rest(&pool);
        assert_eq!((now.destroyed.expired, now.destroyed.idle_too_long, now.idle), (1, 2, 0));
        assert_eq!(log.all("closed "), ["1: completed", "2: completed", "3: completed"]);
    });
}

#[test]
fn those_that_are_idle_for_too_long_go_while_others_are_used() {
    on_current_thread(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(2).idle_timeout(Duration::from_secs(3)).build();
        let (one, two) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        drop(one);
        drop(two);
        for _ in 0..4 {
            sleep(Duration::from_secs(1)).await;
            scope(async |_| drop(pool.acquire().await.unwrap())).await;
        }
        assert_eq!(log.closed(), ["1"]);
        assert_eq!(assert_at_rest(&pool).idle, 1);
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn values_that_were_idle_are_checked() {
    on_current_thread(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).check_after_idle(Duration::from_secs(3)).build();
        scope(async |_| {
            observe(&log);
            drop(pool.acquire().await.unwrap());
            assert_eq!(pool.acquire().await.unwrap().number, 1);
            assert!(log.all("check ").is_empty());
            let mut number = 1;
            for act in [Act::Works, Act::Fails, Act::Panics, Act::Hangs] {
                wire.script().check = (2, act);
                sleep(Duration::from_secs(3)).await;
                assert_eq!(pool.try_acquire().unwrap_err(), TryAcquireError::NoneReady);
                number += u32::from(act != Act::Works);
                assert_eq!(pool.acquire().await.unwrap().number, number);
            }
        })
        .await;
        assert_eq!(log.all("check "), ["1", "1", "2", "3"]);
        assert_eq!(
            log.all("observed "),
            ["error of the check", "panic of the check", "overdue of the check"].map(str::to_owned)
        );
        assert_eq!(log.all("closed "), ["1: failed", "2: failed", "3: failed"]);
        assert_eq!(assert_at_rest(&pool).destroyed.failed_check, 3);
        pool.close(Duration::from_secs(1)).await;
    });
}
