//! Transactions on connections of a pool with one place: what is wrong with it, the next one would see.

use std::{future::pending, num::NonZeroUsize, time::Duration};

use bowline_concurrency::{scope, timeout};
use bowline_resources::{AcquireError, Exit, Pool, Pooled, Resource, transaction};
use bowline_testing::{assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::task::yield_now;

use super::{Connection, Database};
use crate::support::{Act, Stuck, observe, panic_of};

#[derive(Clone)]
struct Connect(Database);

impl Resource for Connect {
    type Value = Connection;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<Connection, Stuck> {
        yield_now().await;
        self.0.log.add("connect");
        Ok(self.0.connect())
    }

    async fn release(&mut self, _: Connection, _: Exit) -> Result<(), Stuck> {
        yield_now().await;
        self.0.log.add("disconnect");
        Ok(())
    }
}

impl Pooled for Connect {}

impl From<AcquireError<Stuck>> for Stuck {
    fn from(_: AcquireError<Stuck>) -> Self {
        Stuck("pool")
    }
}

fn pool(database: &Database) -> Pool<Connect> {
    Pool::new(Connect(database.clone()), NonZeroUsize::MIN)
}

/// The one place is free, and what is in it has no open transaction: it asserts that itself.
async fn assert_usable(pool: &Pool<Connect>) {
    let again = transaction(pool, async |tx| {
        tx.add(100);
        Ok::<_, Stuck>(())
    });
    assert_eq!(timeout(Duration::from_secs(600), again).await.ok(), Some(Ok(())));
    assert_eq!(pool.statistics().in_use, 0);
}

#[test]
fn rs_16_transactions_use_the_connections_of_a_pool_again() {
    on_both_runtimes(async || {
        let database = Database::slow(1);
        let pool = pool(&database);
        for row in 0..3 {
            let stored = transaction(&pool, async |tx| {
                tx.add(row);
                if row == 1 { Err(Stuck("body")) } else { Ok(()) }
            });
            assert_eq!(stored.await.is_ok(), row != 1);
        }
        assert_eq!(database.rows(), [0, 2]);
        assert_eq!(database.log.all("connect").len(), 1, "{:?}", database.log.entries());
    });
}

#[test]
fn rs_15_dropped_anywhere_a_transaction_leaves_the_pool_usable() {
    assert_cancel_safe(
        async || {
            let database = Database::slow(2);
            let pool = pool(&database);
            let (own, rows) = (pool.clone(), database.clone());
            let work = async move {
                transaction(&own, async |tx| {
                    tx.add(1);
                    yield_now().await;
                    tx.add(2);
                    Ok::<_, Stuck>(())
                })
                .await
            };
            (work, (pool, rows))
        },
        async |(pool, database)| {
            assert!([vec![], vec![1, 2]].contains(&database.rows()), "half of it: {:?}", database.rows());
            assert_usable(&pool).await;
        },
    )
    .at_least(6);
}

#[test]
fn rs_16_a_connection_whose_rollback_fails_or_panics_is_destroyed() {
    for act in [Act::Fails, Act::Panics] {
        on_both_runtimes(async || {
            let database = Database::with_fault("rollback", act);
            let pool = pool(&database);
            scope(async |_| {
                observe(&database.log);
                let failed = transaction(&pool, async |_| Err::<(), _>(Stuck("body"))).await;
                assert_eq!(failed, Err(Stuck("body")));
            })
            .await;
            assert_usable(&pool).await;
            assert_eq!(database.log.all("connect").len(), 2, "{:?}", database.log.entries());
            assert_eq!(database.log.all("disconnect").len(), 1);
        });
    }
}

#[test]
fn rs_15_a_rollback_that_hangs_is_cut_and_its_place_comes_back() {
    on_current_thread(async || {
        let database = Database::with_fault("rollback", Act::Hangs);
        let pool = pool(&database);
        scope(async |_| {
            observe(&database.log);
            let limit =
                timeout(Duration::from_secs(1), transaction(&pool, async |_| pending::<Result<(), Stuck>>().await));
            limit.settle_within(Duration::MAX).await.unwrap_err();
        })
        .await;
        assert_eq!(database.log.all("observed overdue").len(), 1, "{:?}", database.log.entries());
        assert_usable(&pool).await;
        assert_eq!(database.log.all("connect").len(), 2);
    });
}

#[test]
fn a_body_that_panics_is_rolled_back_before_the_connection_is_used_again() {
    on_both_runtimes(async || {
        let database = Database::slow(1);
        let pool = pool(&database);
        let panics = transaction(&pool, async |tx| -> Result<(), Stuck> {
            tx.add(1);
            panic!("the body panics")
        });
        assert_eq!(panic_of(panics).await, "the body panics");
        assert!(database.rows().is_empty());
        assert_usable(&pool).await;
    });
}

#[test]
fn a_closed_pool_says_so_through_the_error_of_the_connection() {
    on_both_runtimes(async || {
        let pool = pool(&Database::default());
        let _ = pool.close(Duration::ZERO).await;
        assert_eq!(transaction(&pool, async |_| Ok(())).await, Err(Stuck("pool")));
    });
}
