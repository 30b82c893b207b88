//! Pools: who gets what, and when.

use std::{num::NonZeroUsize, time::Duration};

use bowline_concurrency::{hand_off, scope, settled};
use bowline_resources::{AcquireError, Exit, Pool, TryAcquireError, lease, resource, with};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes};
use tokio::task::yield_now;

use crate::{
    pool_support::{Failed, Wire, assert_at_rest, finish},
    support::{Act, Log, Stuck, panic_of},
};

#[test]
fn rs_27_values_are_used_again_the_latest_first() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(3).build();
        let (a, b) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        assert_eq!((a.number, b.number), (1, 2));
        drop(a);
        drop(b);
        assert_eq!(pool.acquire().await.unwrap().number, 2);
        assert_eq!(log.opened(), ["1", "2"]);
        assert_eq!(assert_at_rest(&pool).idle, 2);
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn rs_27_there_are_at_most_so_many_and_the_first_in_line_is_served_first() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let held = pool.acquire().await.unwrap();
        let mut line: Vec<_> = (0..5).map(|_| Polled::new(Box::pin(pool.acquire()))).collect();
        line.iter_mut().for_each(Polled::assert_pending);
        assert_eq!(pool.statistics().waiting, 5);
        drop(held);
        drop(line.remove(2)); // One who waits.
        for _ in 0..4 {
            assert_eq!(pool.try_acquire().unwrap_err(), TryAcquireError::NoneReady);
            assert!(Polled::new(Box::pin(pool.acquire())).poll().is_pending());
            line[1..].iter_mut().for_each(Polled::assert_pending);
            assert_eq!(line.remove(0).assert_ready().unwrap().number, 1);
            if line.is_empty() {
                break;
            }
        }
        assert_at_rest(&pool);
        pool.close(Duration::from_secs(1)).await;
        log.assert_balanced();
    });
}

#[test]
fn rs_27_what_was_granted_to_one_who_goes_is_the_nexts() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).build();
        for is_destroyed in [false, true] {
            let mut held = pool.acquire().await.unwrap();
            let (mut first, mut next) = (Polled::new(Box::pin(pool.acquire())), Polled::new(Box::pin(pool.acquire())));
            first.assert_pending();
            next.assert_pending();
            if is_destroyed {
                held.invalidate();
            }
            scope(async |_| drop(held)).await;
            assert!(first.is_woken() && !next.is_woken());
            drop(first);
            assert!(next.is_woken());
            let got = scope(async |_| finish(next).await.unwrap().number).await;
            assert_eq!(got, if is_destroyed { 2 } else { 1 });
        }
        assert_at_rest(&pool);
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn rs_27_an_invalidated_value_is_replaced() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let mut one = pool.acquire().await.unwrap();
        one.invalidate();
        scope(async |_| drop(one)).await;
        let two = pool.acquire().await.unwrap();
        assert_eq!(two.number, 2);
        two.discard().await.unwrap();
        let three = pool.acquire().await.unwrap();
        assert_eq!(three.number, 3);
        assert_eq!(log.all("closed "), ["1: failed", "2: failed"]);
        assert_eq!(pool.statistics().destroyed.discarded, 2);
        three.give_back().await.unwrap();
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn rs_27_failed_creations_do_not_exhaust_the_pool() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).build();
        wire.script().open = (1, Act::Fails);
        for _ in 0..5 {
            assert!(matches!(pool.acquire().await, Err(AcquireError::Create(Stuck("open")))));
        }
        wire.script().open = (1, Act::Panics);
        for _ in 0..5 {
            assert_eq!(panic_of(pool.acquire()).await, "open panics");
        }
        wire.script().open = (1, Act::Works);
        assert_eq!(pool.acquire().await.unwrap().number, 1);
        assert_eq!(assert_at_rest(&pool).failed_creations, 10);
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn rs_27_the_place_of_a_failed_creation_is_the_nexts() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        wire.script().open = (1, Act::Fails);
        let pool = wire.pool(1).build();
        let (mut first, mut next) = (Polled::new(Box::pin(pool.acquire())), Polled::new(Box::pin(pool.acquire())));
        first.assert_pending();
        next.assert_pending();
        assert!(finish(first).await.is_err());
        wire.script().open = (1, Act::Works);
        assert!(next.is_woken());
        assert_eq!(finish(next).await.unwrap().number, 1);
        pool.close(Duration::from_secs(1)).await;
    });
}

/// The broken one keeps its place until it has gone; who got it stays first in line.
#[test]
fn rs_27_who_got_a_broken_one_keeps_his_place_in_line() {
    on_both_runtimes(async || {
        let log = Log::default();
        let wire = Wire::new(&log);
        let pool = wire.pool(1).build();
        let held = pool.acquire().await.unwrap();
        let (mut first, mut next) = (Polled::new(Box::pin(pool.acquire())), Polled::new(Box::pin(pool.acquire())));
        first.assert_pending();
        next.assert_pending();
        drop(held);
        wire.script().is_usable = |line| line.number > 1;
        scope(async |_| first.assert_pending()).await; // Until it has gone.
        assert!(first.is_woken() && !next.is_woken());
        let got = finish(first).await.unwrap();
        assert_eq!(got.number, 2);
        next.assert_pending();
        drop(got);
        assert_eq!(next.assert_ready().unwrap().number, 2);
        assert_eq!(wire.script().most_live, 1);
        assert_eq!(assert_at_rest(&pool).destroyed.unusable, 1);
        pool.close(Duration::from_secs(1)).await;
        log.assert_balanced_in_any_order();
    });
}

#[test]
fn a_creation_whose_caller_has_gone_fills_the_pool() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        scope(async |_| Polled::new(Box::pin(pool.acquire())).assert_pending()).await;
        assert_eq!(assert_at_rest(&pool).idle, 1);
        assert_eq!(pool.try_acquire().unwrap().number, 1);
        assert!(log.closed().is_empty());
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn a_creation_whose_caller_has_gone_serves_the_next() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let mut next = Polled::new(Box::pin(pool.acquire()));
        scope(async |_| {
            let mut first = Polled::new(Box::pin(pool.acquire()));
            first.assert_pending();
            next.assert_pending();
            drop(first);
        })
        .await;
        assert_eq!(next.assert_ready().unwrap().number, 1);
        assert_eq!(log.opened(), ["1"]);
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn rs_27_an_acquire_may_be_dropped_at_every_await() {
    for is_taken in [false, true] {
        let visited = assert_cancel_safe(
            async || {
                let log = Log::default();
                let wire = Wire::new(&log);
                let pool = wire.pool(1).check_after_idle(Duration::ZERO).build();
                wire.script().check = (2, Act::Works);
                wire.script().open = (3, Act::Works);
                wire.script().reset = (2, Act::Works);
                let held = if is_taken { Some(pool.acquire().await.unwrap()) } else { None };
                if let Some(held) = held {
                    hand_off(&tokio::runtime::Handle::current(), "the holder", async move {
                        yield_now().await;
                        drop(held);
                    });
                }
                let mine = pool.clone();
                let work = async move {
                    let got = mine.acquire().await?;
                    yield_now().await;
                    got.give_back().await.map_err(|_| AcquireError::Closed)
                };
                (work, (pool, wire))
            },
            async |(pool, wire)| {
                assert_at_rest(&pool);
                assert_eq!(pool.acquire().await.unwrap().number, 1);
                settled().await;
                assert!(pool.close(Duration::from_secs(5)).await.is_complete());
                assert_eq!(wire.script().most_live, 1);
                wire.log.assert_balanced();
            },
        );
        visited.at_least(5);
    }
}

#[test]
fn a_checkout_is_a_resource() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(2).build();
        let number = with(pool.checkout(), async |line| Ok::<_, AcquireError<Stuck>>(line.number)).await.unwrap();
        let held = lease(pool.checkout()).await.unwrap();
        assert_eq!((number, held.number), (1, 1));
        held.release().await.unwrap();
        assert_eq!(log.all("reset "), ["1: completed", "1: completed"]);
        pool.close(Duration::from_secs(1)).await;
        assert!(matches!(lease(pool.checkout()).await, Err(AcquireError::Closed)));
    });
}

#[test]
fn a_body_that_is_dropped_in_line_leaves_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).build();
        let held = pool.acquire().await.unwrap();
        scope(async |_| Polled::new(Box::pin(pool.with(async |_| Ok::<_, Failed>(())))).assert_pending()).await;
        assert_eq!(pool.statistics().waiting, 0);
        drop(held);
        pool.close(Duration::from_secs(1)).await;
    });
}

#[test]
fn a_pool_of_two_closures() {
    on_both_runtimes(async || {
        let log = Log::default();
        let closed = log.clone();
        let numbers = resource(
            async || Ok::<_, Stuck>(7),
            async move |_: i32, _: Exit| {
                closed.add("closed 7");
                Ok(())
            },
        );
        let pool = Pool::new(numbers, NonZeroUsize::MIN);
        for _ in 0..3 {
            assert_eq!(*pool.acquire().await.unwrap(), 7);
        }
        assert_eq!(pool.statistics().created, 1);
        pool.close(Duration::ZERO).await;
        assert_eq!(log.entries(), ["closed 7"]);
    });
}

#[test]
fn the_tree_shows_who_waits_and_who_holds() {
    on_both_runtimes(async || {
        bowline_concurrency::inspect(true);
        let log = Log::default();
        let pool = Wire::new(&log).pool(1).named("wires").build();
        let held = pool.acquire().await.unwrap();
        let mut next = Polled::new(Box::pin(pool.acquire()));
        next.assert_pending();
        let tree = bowline_concurrency::tree();
        let is_ours = |name: &Option<std::borrow::Cow<'static, str>>| name.as_deref() == Some("wires");
        assert_eq!(tree.holds().iter().filter(|hold| is_ours(&hold.resource.name)).count(), 1);
        assert!(tree.to_string().contains("the pool `wires`"), "{tree}");
        drop(next);
        held.give_back().await.unwrap();
        let tree = bowline_concurrency::tree();
        assert!(!tree.holds().iter().any(|hold| is_ours(&hold.resource.name)));
        pool.close(Duration::from_secs(1)).await;
    });
}
