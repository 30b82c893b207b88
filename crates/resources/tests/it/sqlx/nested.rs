//! Borrowed connections and savepoints that are interrupted anywhere.

use std::time::Duration;

use bowline_resources::{Tx, savepoint, transaction, transaction_on};
use sqlx::{Connection as _, Error, PgConnection, Postgres, Sqlite};
use tokio::task::yield_now;

use super::{
    POINTS, WORKS, dropped_at,
    engine::{Engine, Folder, Names},
    on_both_in_real_time,
    server::Server,
};

#[test]
fn rs_15_rs_16_savepoints_on_sqlite() {
    let folder = Folder::new();
    all_cases::<Sqlite>(&folder);
}

#[test]
fn rs_15_rs_16_savepoints_on_postgres() {
    if let Some(server) = Server::start() {
        all_cases::<Postgres>(&server);
        on_both_in_real_time(async || an_answer_too_quick(&Names::open(&server).await.expect(WORKS)).await);
    }
}

fn all_cases<E: Engine>(place: &E::Place) {
    on_both_in_real_time(async || {
        let names = Names::<E>::open(place).await.expect(WORKS);
        every_end(&names).await;
        borrowed_is_dropped(&names).await;
        inner_is_dropped(&names).await;
        not_in_one_of_sqlx(&names).await;
        names.pool.close().await;
    });
}

async fn every_end<E: Engine>(names: &Names<E>) {
    let mut connection = names.pool.acquire().await.expect(WORKS);
    transaction_on(&mut *connection, async |tx| {
        E::add(tx, "1 outer".into()).await?;
        let failed = savepoint(tx, async |tx| {
            E::add(tx, "1 gone".into()).await?;
            // PostgreSQL goes on after this only because of the savepoint.
            E::run(tx, "INSERT INTO nowhere VALUES (1)").await
        });
        assert!(failed.await.is_err());
        savepoint(tx, async |tx| {
            E::add(tx, "1 inner".into()).await?;
            savepoint(tx, async |tx| E::add(tx, "1 innermost".into()).await).await
        })
        .await
    })
    .await
    .expect(WORKS);
    assert_eq!(names.beginning("1 ").await, ["inner", "innermost", "outer"]);
    let failed = transaction_on(&mut *connection, async |tx| {
        savepoint(tx, async |tx| E::add(tx, "2 kept, but not by the outer one".into()).await).await?;
        Err::<(), _>(Error::RowNotFound)
    });
    assert!(failed.await.is_err());
    assert!(names.beginning("2 ").await.is_empty());
    connection.return_to_pool().await;
    names.assert_clean("savepoints").await;
}

/// The borrowed connection is used on, and then handed back.
async fn borrowed_is_dropped<E: Engine>(names: &Names<E>) {
    for woken in [false, true] {
        for point in 0..POINTS {
            let start = format!("{woken} {point} ");
            let mut connection = names.pool.acquire().await.expect(WORKS);
            let body = async |tx: &mut Tx<'_, E::Connection>| {
                E::add(tx, format!("{start}a")).await?;
                E::add(tx, format!("{start}b")).await
            };
            let finished = dropped_at(point, woken, transaction_on(&mut *connection, body)).await.is_some();
            // Not in the transaction that was left, and so there whatever becomes of that.
            E::add(&mut connection, format!("{start}c")).await.expect(WORKS);
            let stored = names.beginning(&start).await;
            assert!(stored == ["c"] || stored == ["a", "b", "c"], "{start}: {stored:?}");
            let next = transaction_on(&mut *connection, async |tx| E::add(tx, format!("{start}d")).await);
            next.await.expect(WORKS);
            assert_eq!(names.beginning(&start).await.last().expect(WORKS), "d");

            // At once, and then the pool as the next user.
            drop(dropped_at(point, woken, transaction_on(&mut *connection, body)).await);
            let next = transaction_on(&mut *connection, async |tx| E::add(tx, format!("{start}e")).await);
            next.await.expect(WORKS);
            assert_eq!(names.beginning(&start).await.last().expect(WORKS), "e");
            drop(dropped_at(point, woken, transaction_on(&mut *connection, body)).await);
            drop(connection);
            names.assert_clean(&start).await;
            assert!(!finished || stored == ["a", "b", "c"], "{start}: {stored:?}");
        }
    }
}

/// The outer one goes on and commits: only the changes of the inner are gone.
async fn inner_is_dropped<E: Engine>(names: &Names<E>) {
    let (mut gone, mut kept) = (0, 0);
    for woken in [false, true] {
        for point in 0..POINTS {
            let start = format!("inner {woken} {point} ");
            let finished = transaction(&names.pool, async |tx| {
                E::add(tx, format!("{start}a")).await?;
                let body = async |tx: &mut Tx<'_, E::Connection>| {
                    yield_now().await;
                    E::add(tx, format!("{start}b")).await?;
                    yield_now().await;
                    E::add(tx, format!("{start}c")).await
                };
                let finished = dropped_at(point, woken, savepoint(tx, body)).await.is_some();
                // Of the same depth, after one that was left.
                savepoint(tx, async |tx| E::add(tx, format!("{start}d")).await).await?;
                E::add(tx, format!("{start}e")).await?;
                drop(
                    savepoint(tx, async |tx| {
                        E::add(tx, format!("{start}f")).await?;
                        Err::<(), _>(Error::RowNotFound)
                    })
                    .await,
                );
                Ok::<_, Error>(finished)
            })
            .await
            .unwrap_or_else(|error| panic!("{start}: {error}"));
            let stored = names.beginning(&start).await.concat();
            assert!(stored == "ade" || stored == "abcde", "{start}: {stored}");
            names.assert_clean(&start).await;
            assert!(!finished || stored == "abcde", "{start}: {stored}");
            *(if stored == "ade" { &mut gone } else { &mut kept }) += 1;
        }
    }
    assert!(gone > 2 && kept > 2, "{gone} {kept}");
}

async fn not_in_one_of_sqlx<E: Engine>(names: &Names<E>) {
    let mut connection = names.pool.acquire().await.expect(WORKS);
    let mut theirs = connection.begin().await.expect(WORKS);
    E::add(&mut theirs, "theirs".into()).await.expect(WORKS);
    let body = async |_: &mut Tx<'_, E::Connection>| -> Result<(), Error> { panic!("it runs") };
    assert!(matches!(transaction_on(&mut *theirs, body).await, Err(Error::InvalidSavePointStatement)));
    theirs.commit().await.expect(WORKS);
    assert_eq!(names.beginning("theirs").await, [""]);
    connection.return_to_pool().await;
    names.assert_clean("one of sqlx").await;
}

/// What a rollback for later leaves if its answer comes in the poll that sends it: an open transaction, of which sqlx has counted one.
/// No test can be that quick, but sqlx can be brought to count.
async fn an_answer_too_quick(names: &Names<Postgres>) {
    let count = async |tx: &mut Tx<'_, PgConnection>| -> Result<(), Error> {
        std::mem::forget(tx.begin_with("SELECT 1").await?);
        assert!(tx.is_in_transaction());
        Postgres::add(tx, "quick".into()).await
    };
    transaction(&names.pool, count).await.expect(WORKS);
    assert_eq!(names.beginning("quick").await.len(), 1);
    names.assert_clean("a commit").await;

    let failed = transaction(&names.pool, async |tx| {
        count(tx).await?;
        Err::<(), _>(Error::RowNotFound)
    });
    assert!(failed.await.is_err());
    names.assert_clean("a rollback").await;

    // It cannot be rolled back alone then. So nothing is kept, and everybody is told.
    let refused = transaction(&names.pool, async |tx| {
        count(tx).await?;
        let inner = savepoint(tx, async |tx| {
            Postgres::add(tx, "quick".into()).await?;
            std::future::pending::<Result<(), Error>>().await
        });
        let waits = tokio::time::timeout(Duration::from_millis(50), inner).await;
        assert!(waits.is_err());
        assert!(Postgres::run(tx, "SELECT 1").await.is_err());
        assert!(Postgres::add(tx, "quick".into()).await.is_err());
        Ok::<_, Error>(())
    });
    assert!(refused.await.is_err());
    assert_eq!(names.beginning("quick").await.len(), 1);
    names.assert_clean("a savepoint").await;

    let mut connection = names.pool.acquire().await.expect(WORKS);
    let left = transaction_on(&mut *connection, async |tx| {
        count(tx).await?;
        std::future::pending::<Result<(), Error>>().await
    });
    assert!(tokio::time::timeout(Duration::from_millis(50), left).await.is_err());
    drop(connection);
    assert_eq!(names.beginning("quick").await.len(), 1);
    names.assert_clean("a borrowed connection").await;
}
