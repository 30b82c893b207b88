//! Bugs of the peers: that they are there, and that they are not here. The interruption is the same in both.

use std::{future::pending, time::Duration};

use bowline_concurrency::{scope, settled};
use bowline_resources::{ConnectionSource, savepoint, transaction, transaction_on};
use sqlx::{Acquire, Error, Postgres, Sqlite};
use tokio::sync::Notify;

use super::{
    WORKS, current_thread, dropped_at,
    engine::{Engine, Folder, Names},
    on_both_in_real_time,
    proxy::Proxy,
    server::Server,
};
use crate::support::{Log, observe};

/// A `BEGIN` is dropped while it runs. (sqlx has mended its own for SQLite since; by hand it is as it was.)
#[test]
fn sqlx_3932_a_begin_that_is_dropped_leaves_no_transaction_in_the_pool_of_sqlite() {
    let folder = Folder::new();
    on_both_in_real_time(async || {
        let names = Names::<Sqlite>::open(&folder).await.expect(WORKS);
        let mut connection = names.pool.acquire().await.expect(WORKS);
        while dropped_at(0, false, Sqlite::run(&mut connection, "BEGIN")).await.is_some() {
            Sqlite::run(&mut connection, "ROLLBACK").await.expect(WORKS); // It need not wait; the next one may have to.
        }
        drop(connection);
        let mut connection = names.pool.acquire().await.expect(WORKS);
        let begin = Sqlite::run(&mut connection, "BEGIN").await.unwrap_err();
        assert!(begin.to_string().contains("within a transaction"), "{begin}");
        Sqlite::run(&mut connection, "ROLLBACK").await.expect(WORKS);

        while dropped_at(0, false, transaction_on(&mut *connection, async |_| Ok::<_, Error>(()))).await.is_some() {}
        drop(connection);
        names.assert_clean("a borrowed connection").await;
        for point in 0.. {
            let used = transaction(&names.pool, async |_| pending::<Result<(), Error>>().await);
            let Ok(gone) = tokio::time::timeout(Duration::from_millis(50), dropped_at(point, false, used)).await else {
                break; // Begun, and in its body.
            };
            assert!(gone.is_none());
            names.assert_clean("an owned connection").await;
        }
        settled().await;
        names.assert_clean("the body").await;
    });
}

/// sqlx counts a transaction when the answer to its `BEGIN` has come, and rolls back what it has counted.
#[test]
fn sqlx_4385_a_begin_that_is_dropped_leaves_no_transaction_in_the_pool_of_postgres() {
    let Some(server) = Server::start() else { return };
    on_both_in_real_time(async || {
        let names = Names::<Postgres>::open(&server).await.expect(WORKS);
        let mut connection = names.pool.acquire().await.expect(WORKS);
        while dropped_at(0, false, connection.begin()).await.is_some() {}
        drop(connection);
        let mut connection = names.pool.acquire().await.expect(WORKS);
        assert_eq!(names.open_transactions().await.expect(WORKS), 1, "mended? then this test needs another before");
        Postgres::add(&mut connection, "of the next user".into()).await.expect(WORKS);
        assert!(names.beginning("of the next").await.is_empty(), "it has landed in the transaction of another one");
        Postgres::run(&mut connection, "ROLLBACK").await.expect(WORKS);

        while dropped_at(0, false, transaction_on(&mut *connection, async |_| Ok::<_, Error>(()))).await.is_some() {}
        Postgres::add(&mut connection, "of the next user".into()).await.expect(WORKS);
        assert_eq!(names.beginning("of the next").await.len(), 1);
        drop(connection);
        names.assert_clean("a borrowed connection").await;
        for point in 0..4 {
            let used = transaction(&names.pool, async |tx| Postgres::add(tx, "never".into()).await);
            drop(dropped_at(point, false, used).await);
            names.assert_clean("an owned connection").await;
        }
        names.pool.close().await;
    });
    savepoint_that_is_dropped(&server);
}

/// With a savepoint of sqlx's it is worse: what is rolled back is the transaction around, of which nobody is told.
fn savepoint_that_is_dropped(server: &Server) {
    current_thread().block_on(async {
        let names = Names::<Postgres>::open(server).await.expect(WORKS);
        let mut tx = names.pool.begin().await.expect(WORKS);
        Postgres::add(&mut tx, "sqlx before".into()).await.expect(WORKS);
        while dropped_at(0, false, (&mut *tx).begin()).await.is_some() {}
        Postgres::add(&mut tx, "sqlx after".into()).await.expect(WORKS);
        drop(tx.commit().await);
        assert_eq!(names.beginning("sqlx ").await, ["after"], "half of a transaction");

        transaction(&names.pool, async |tx| {
            Postgres::add(tx, "ours before".into()).await?;
            while dropped_at(0, false, savepoint(tx, async |_| Ok::<_, Error>(()))).await.is_some() {}
            Postgres::add(tx, "ours then".into()).await
        })
        .await
        .expect(WORKS);
        assert_eq!(names.beginning("ours ").await, ["before", "then"]);
    });
}

/// A connection goes back to the pool with a ping, and the peer does not answer any more.
#[test]
fn sqlx_4349_a_peer_that_is_dead_does_not_keep_the_permit_of_the_pool() {
    let Some(server) = Server::start() else { return };
    on_both_in_real_time(async || {
        let proxy = Proxy::to(server.port()).await;
        let pool = || Names::<Postgres>::pool(server.options(proxy.port()));
        let names = Names { pool: pool(), ..Names::<Postgres>::open(&server).await.expect(WORKS) };

        let connection = names.pool.acquire().await.expect(WORKS);
        proxy.die().await;
        drop(connection);
        let next = tokio::time::timeout(Duration::from_millis(500), names.pool.acquire()).await;
        assert!(next.is_err(), "mended? then this test needs another before");
        assert_eq!((names.pool.size(), names.pool.num_idle()), (1, 0), "and so it stays");

        let names = Names { pool: pool(), ..names };
        let source = names.pool.clone().ending_within(Duration::from_millis(100));
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            // The caller is there.
            let failed = transaction(&source, async |tx| {
                Postgres::add(tx, "lost".into()).await?;
                proxy.die().await;
                Err::<(), _>(Error::RowNotFound)
            });
            assert!(matches!(failed.await, Err(Error::RowNotFound)));
            assert_eq!(log.all("observed "), ["overdue of the rollback"]);
            // (For the server that one lives until it hears otherwise, so the judge is not asked.)
            usable(&names).await;
            // The caller has gone.
            left_in(async |dies| {
                let late = transaction(&source, async |tx| {
                    Postgres::add(tx, "lost".into()).await?;
                    proxy.die().await;
                    dies.notify_one();
                    pending::<Result<(), Error>>().await
                });
                drop(late.await);
            })
            .await;
            settled().await;
            usable(&names).await;
        })
        .await;
        assert_eq!(log.all("observed ").len(), 2, "{:?}", log.entries());
        // A peer that dies between the commit and the return is one of `end`: no test can be that quick here.
        assert!(names.beginning("lost").await.is_empty());
    });
}

/// Drops the future as soon as it has said where it is.
async fn left_in(future: impl AsyncFnOnce(&Notify)) {
    let there = Notify::new();
    tokio::select! {
        () = future(&there) => panic!("it ends"),
        () = there.notified() => {}
    }
}

async fn usable(names: &Names<Postgres>) {
    let mut connection = names.pool.acquire().await.expect(WORKS);
    Postgres::run(&mut connection, "SELECT 1").await.expect(WORKS);
    connection.return_to_pool().await;
}

/// A transaction that is made of statements, as pools of other libraries do it, and dropped in its body.
#[test]
fn diesel_async_198_a_body_that_is_dropped_leaves_no_transaction_in_the_pool() {
    async fn by_hand(names: &Names<Sqlite>, body: &Notify) -> Result<(), Error> {
        let mut connection = names.pool.acquire().await?;
        Sqlite::run(&mut connection, "BEGIN").await?;
        Sqlite::add(&mut connection, "by hand".into()).await?;
        body.notify_one();
        pending::<()>().await; // What a request waits for.
        Sqlite::run(&mut connection, "COMMIT").await
    }
    let folder = Folder::new();
    on_both_in_real_time(async || {
        let names = Names::<Sqlite>::open(&folder).await.expect(WORKS);
        left_in(async |body| drop(by_hand(&names, body).await)).await;
        let mut next = names.pool.acquire().await.expect(WORKS);
        Sqlite::add(&mut next, "next".into()).await.expect(WORKS);
        assert!(names.beginning("next").await.is_empty(), "the next user works in the transaction of the last one");
        Sqlite::run(&mut next, "ROLLBACK").await.expect(WORKS);
        drop(next);

        left_in(async |body| {
            let ours = transaction(&names.pool, async |tx| {
                Sqlite::add(tx, "ours".into()).await?;
                body.notify_one();
                pending::<Result<(), Error>>().await
            });
            drop(ours.await);
        })
        .await;
        let mut next = names.pool.acquire().await.expect(WORKS);
        Sqlite::add(&mut next, "next".into()).await.expect(WORKS);
        assert_eq!(names.beginning("next").await.len(), 1);
        drop(next);
        names.assert_clean("a timeout").await;
        assert!(names.beginning("ours").await.is_empty());
    });
}
