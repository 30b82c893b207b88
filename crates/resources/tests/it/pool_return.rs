//! The way back into a pool.

use std::{
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use bowline_concurrency::{lost_releases, scope, timeout};
use bowline_resources::{AcquireError, Exit, GiveBackError, Pool, Pooled, Resource, resource};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::{
    runtime::{Builder, Handle},
    task::yield_now,
    time::Instant,
};

use crate::{
    pool_support::{Failed, Wire, assert_at_rest, finish, reset_error},
    support::{Act, BUDGET, Log, Stuck, observe, panic_of},
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_value_is_reset_before_anybody_else_gets_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        wire.script().reset = (3, Act::Works);
        let pool = wire.pool(1).build();
        let held = pool.acquire().await.unwrap();
        let mut next = Polled::new(Box::pin(pool.acquire()));
        next.assert_pending();
        scope(async |_| {
            drop(held);
            assert_eq!(pool.statistics().recycling, 1);
            next.assert_pending();
        })
        .await;
        let next = next.assert_ready().unwrap();
        assert_eq!((next.number, log.all("reset ").len()), (1, 1));
        drop(next);
        pool.close(SECOND).await;
    });
}

/// A plain function that does its work at once, and returns the future of another hook.
#[derive(Clone)]
struct AtOnce;

impl Resource for AtOnce {
    type Value = Vec<u32>;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<Vec<u32>, Stuck> {
        Ok(Vec::new())
    }

    async fn release(&mut self, _: Vec<u32>, _: Exit) -> Result<(), Stuck> {
        Ok(())
    }
}

impl Pooled for AtOnce {
    fn reset(&mut self, value: &mut Vec<u32>, _: &Exit) -> impl Future<Output = Result<(), Stuck>> + Send {
        assert!(!value.contains(&13), "thirteen");
        value.clear();
        self.check(value)
    }
}

#[test]
fn a_reset_that_does_its_work_in_the_call_is_called() {
    on_both_runtimes(async || {
        let pool = Pool::new(AtOnce, NonZeroUsize::MIN);
        pool.acquire().await.unwrap().push(1);
        let mut value = pool.acquire().await.unwrap();
        assert!(value.is_empty());
        value.push(2);
        value.give_back().await.unwrap();
        let mut value = pool.acquire().await.unwrap();
        assert!(value.is_empty());
        // One that panics is caught, and its value destroyed.
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            value.push(13);
            drop(value);
        })
        .await;
        assert_eq!(log.entries(), ["observed panic of the reset"]);
        let mut value = pool.acquire().await.unwrap();
        value.push(13);
        assert_eq!(panic_of(value.give_back()).await, "thirteen");
        assert_eq!(pool.statistics().destroyed.failed_reset, 2);
    });
}

#[test]
fn a_reset_that_is_ready_costs_no_task() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        drop(pool.acquire().await.unwrap());
        let tasks = Handle::current().metrics().num_alive_tasks();
        let held = pool.acquire().await.unwrap();
        drop(held);
        assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks);
        assert_eq!((log.all("reset ").len(), assert_at_rest(&pool).idle), (2, 1));
        pool.close(SECOND).await;
    });
}

#[test]
fn giving_back_tells_what_the_reset_says() {
    on_current_thread(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).recycle_timeout(Duration::from_secs(2)).build();
        pool.acquire().await.unwrap().give_back().await.unwrap();
        wire.script().reset = (2, Act::Fails);
        assert_eq!(reset_error(pool.acquire().await.unwrap().give_back().await.unwrap_err()), Stuck("reset"));
        wire.script().reset = (2, Act::Panics);
        assert_eq!(panic_of(pool.acquire().await.unwrap().give_back()).await, "reset panics");
        wire.script().reset = (2, Act::Hangs);
        let start = Instant::now();
        let error = pool.acquire().await.unwrap().give_back().await.unwrap_err();
        assert!(matches!(error, GiveBackError::TimedOut(limit) if limit == start.elapsed()));
        assert_eq!(log.all("closed "), ["1: failed", "2: panicked", "3: failed"]);
        assert_eq!(assert_at_rest(&pool).destroyed.failed_reset, 3);
    });
}

/// sqlx #4349: a dead peer kept the permit for ever.
#[test]
fn a_dead_peer_does_not_keep_the_place() {
    on_current_thread(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).build();
        let start = Instant::now();
        scope(async |_| {
            observe(&log);
            wire.script().reset = (0, Act::Hangs);
            wire.script().close = (0, Act::Hangs);
            drop(pool.acquire().await.unwrap());
            wire.script().reset = (0, Act::Works);
            let next = pool.acquire().await.unwrap();
            assert_eq!((next.number, start.elapsed()), (2, Duration::from_secs(5) + BUDGET));
            wire.script().close = (0, Act::Works);
        })
        .await;
        assert_eq!(log.all("observed "), ["overdue of the release", "overdue of the reset"]);
        assert_eq!((wire.script().most_live, assert_at_rest(&pool).failed_releases), (1, 1));
        pool.close(SECOND).await;
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn the_errors_of_a_drop_go_to_the_observer() {
    on_both_runtimes(async || {
        for awaits in [0, 2] {
            let log = Log::default();
            let wire = Wire::new(&log);
            let pool = wire.pool(1).build();
            for (reset, close) in [(Act::Fails, Act::Panics), (Act::Panics, Act::Fails)] {
                scope(async |_| {
                    observe(&log);
                    wire.script().reset = (awaits, reset);
                    wire.script().close = (awaits, close);
                    drop(pool.acquire().await.unwrap());
                })
                .await;
            }
            let expected = ["panic of the release", "error of the reset", "error of the release", "panic of the reset"];
            assert_eq!(log.all("observed "), expected);
            assert_at_rest(&pool);
        }
    });
}

#[test]
fn a_value_whose_body_did_not_end_is_destroyed() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let failed = pool.with(async |_| Err::<(), _>(Failed)).await;
        assert!(failed.is_err());
        assert_eq!(panic_of(pool.with(async |_| -> Result<(), Failed> { panic!("body") })).await, "body");
        assert_eq!(pool.statistics().destroyed.interrupted, 1);
        scope(async |_| {
            let mut body = Polled::new(Box::pin(pool.with(async |_| {
                std::future::pending::<()>().await;
                Ok::<_, Failed>(())
            })));
            while pool.statistics().in_use == 0 {
                assert!(body.poll().is_pending());
                yield_now().await;
            }
            assert!(body.poll().is_pending());
        })
        .await;
        assert_eq!(assert_at_rest(&pool).destroyed.interrupted, 2);
        assert_eq!(log.all("reset "), ["1: failed"]);
        assert_eq!(log.all("closed "), ["1: panicked", "2: dropped"]);
    });
}

#[test]
fn by_default_only_a_use_that_ended_is_followed_by_another() {
    on_both_runtimes(async || {
        let pool = Pool::new(resource(async || Ok::<_, Stuck>(7), async |_, _| Ok(())), NonZeroUsize::MIN);
        pool.with(async |_| Ok::<_, Failed>(())).await.unwrap();
        pool.with(async |_| Err::<(), _>(Failed)).await.unwrap_err();
        assert_eq!(pool.statistics().created, 1);
        panic_of(pool.with(async |_| -> Result<(), Failed> { panic!("body") })).await;
        assert_eq!(pool.statistics().destroyed.interrupted, 1);
        pool.close(SECOND).await;
    });
}

/// bb8 #246: what was left half-way through a conversation was handed out again.
#[test]
fn the_resource_decides_what_outlives_which_end() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).build();
        wire.script().is_reusable_after = Some(|exit| !matches!(exit, Exit::Failed));
        panic_of(pool.with(async |_| -> Result<(), Failed> { panic!("body") })).await;
        assert_eq!(assert_at_rest(&pool).idle, 1);
        pool.with(async |_| Err::<(), _>(Failed)).await.unwrap_err();
        assert_eq!(log.all("closed "), ["1: failed"]);
        assert_at_rest(&pool);
    });
}

#[test]
fn a_guard_that_a_deadline_or_a_panic_drops_is_not_used_again() {
    on_current_thread(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let work = async {
            let _held = pool.acquire().await.unwrap();
            std::future::pending::<()>().await;
        };
        timeout(SECOND, work).named("limit").await.unwrap_err();
        scope(async |_| {
            let held = pool.acquire().await.unwrap();
            let panicked = catch_unwind(AssertUnwindSafe(move || {
                let _held = held;
                panic!("the code panics");
            }));
            assert!(panicked.is_err());
        })
        .await;
        assert_eq!(log.all("closed "), ["1: deadline limit", "2: panicked"]);
        assert_eq!(assert_at_rest(&pool).destroyed.interrupted, 2);
    });
}

#[test]
fn hooks_that_panic_destroy_the_value() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).build();
        scope(async |_| {
            observe(&log);
            wire.script().is_usable = |_| panic!("is_usable panics");
            drop(pool.acquire().await.unwrap());
            let held = finish(Polled::new(Box::pin(pool.acquire()))).await.unwrap();
            wire.script().is_reusable_after = Some(|_| panic!("is_reusable_after panics"));
            held.give_back().await.unwrap();
        })
        .await;
        let now = assert_at_rest(&pool);
        assert_eq!((now.destroyed.unusable, now.destroyed.interrupted), (1, 1));
        assert_eq!(log.all("observed "), ["panic of a hook", "panic of a hook"]);
    });
}

#[test]
fn a_guard_may_be_dropped_on_any_thread() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        wire.script().reset = (2, Act::Works);
        let pool = wire.pool(1).build();
        let held = pool.acquire().await.unwrap();
        thread::spawn(move || drop(held)).join().unwrap();
        assert_eq!(pool.acquire().await.unwrap().number, 1);
        pool.close(SECOND).await;
    });
}

#[test]
fn a_guard_may_outlive_its_runtime() {
    for awaits in [0, 2] {
        let log = Log::default();
        let wire = Wire::new(&log);
        wire.script().reset = (awaits, Act::Works);
        let pool = wire.pool(2).build();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (held, other) = runtime.block_on(async { (pool.acquire().await.unwrap(), pool.acquire().await.unwrap()) });
        drop(runtime);
        let lost = lost_releases();
        drop(held);
        drop(other);
        let now = assert_at_rest(&pool);
        if awaits == 0 {
            assert_eq!(now.idle, 2); // Reset without the runtime.
        } else {
            assert_eq!((now.idle, now.destroyed.lost, lost_releases() - lost), (0, 2, 2));
        }
        drop(pool);
        assert_eq!(log.values.live(), 0);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let pool = wire.pool(1).build();
            drop(pool.acquire().await.unwrap());
        });
    }
}

#[test]
fn the_end_of_the_runtime_gives_back_the_place_of_a_reset_and_of_a_creation() {
    let log = Log::default();
    let wire = Wire::new(&log);
    let pool = wire.pool(2).build();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        wire.script().reset = (1, Act::Hangs);
        drop(pool.acquire().await.unwrap());
        wire.script().open = (1, Act::Hangs);
        Polled::new(Box::pin(pool.acquire())).assert_pending();
        assert_eq!((pool.statistics().recycling, pool.statistics().creating), (1, 1));
    });
    drop(runtime);
    let now = assert_at_rest(&pool);
    assert_eq!((now.size, now.destroyed.lost, now.failed_creations), (0, 1, 1));
    assert_eq!(log.values.live(), 0);
}

#[test]
fn giving_back_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let wire = Wire::new(&log);
            wire.script().reset = (3, Act::Works);
            let pool = wire.pool(1).build();
            let held = pool.acquire().await.unwrap();
            (held.give_back(), (pool, wire))
        },
        async |(pool, wire)| {
            assert_eq!(assert_at_rest(&pool).idle, 1);
            assert_eq!(wire.log.all("reset "), ["1: completed"]);
            pool.close(SECOND).await;
        },
    );
    visited.at_least(3);
}

#[test]
fn discarding_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let wire = Wire::new(&log);
            wire.script().close = (3, Act::Fails);
            let pool = wire.pool(1).build();
            let held = pool.acquire().await.unwrap();
            let discarding = held.discard();
            (async { assert_eq!(discarding.await, Err(Stuck("close"))) }, (pool, wire))
        },
        async |(pool, wire)| {
            assert_eq!(assert_at_rest(&pool).destroyed.discarded, 1);
            assert_eq!(wire.log.all("closed "), ["1: failed"]);
            assert!(wire.log.all("reset ").is_empty());
        },
    );
    visited.at_least(3);
}

#[test]
fn a_body_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let wire = Wire::new(&log);
            wire.script().reset = (2, Act::Works);
            let pool = wire.pool(1).build();
            let mine = pool.clone();
            let work = async move {
                mine.with(async |_| {
                    yield_now().await;
                    Ok::<_, AcquireError<Stuck>>(())
                })
                .await
            };
            (work, (pool, wire))
        },
        async |(pool, wire)| {
            assert_at_rest(&pool);
            assert!(pool.close(SECOND).await.is_complete());
            wire.log.assert_balanced();
        },
    );
    visited.at_least(4);
}
