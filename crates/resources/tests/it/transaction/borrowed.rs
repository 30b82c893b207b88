//! Transactions on a borrowed connection, and savepoints.

use std::sync::Arc;

use bowline_concurrency::scope;
use bowline_resources::{Tx, savepoint, transaction_on};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes};
use tokio::task::yield_now;

use super::{Connection, Database};
use crate::support::{Act, Stuck, awaits, observe, panic_of};

#[test]
fn rs_16_on_a_borrowed_connection_ok_commits_and_everything_else_rolls_back() {
    on_both_runtimes(async || {
        let database = Database::slow(2);
        let mut connection = database.connect();
        let committed = transaction_on(&mut connection, async |tx| {
            tx.add(1);
            Ok::<_, Stuck>("a")
        });
        assert_eq!(committed.await, Ok("a"));
        let failed = transaction_on(&mut connection, async |tx| {
            tx.add(2);
            Err::<(), _>(Stuck("body"))
        });
        assert_eq!(failed.await, Err(Stuck("body")));
        let panics = transaction_on(&mut connection, async |tx| -> Result<(), Stuck> {
            tx.add(3);
            panic!("the body panics")
        });
        assert_eq!(panic_of(panics).await, "the body panics");
        assert_eq!(database.done(), ["begin", "commit", "begin", "rollback", "begin", "rollback"]);
        assert_eq!(database.rows(), [1]);
    });
}

#[test]
fn rs_16_a_savepoint_that_fails_undoes_its_own_changes_only() {
    on_both_runtimes(async || {
        let database = Database::default();
        let mut connection = database.connect();
        transaction_on(&mut connection, async |tx| {
            tx.add(1);
            let failed = savepoint(tx, async |tx| {
                tx.add(2);
                savepoint(tx, async |tx| {
                    assert_eq!(tx.depth(), 2);
                    tx.add(3);
                    Ok::<_, Stuck>(())
                })
                .await?;
                Err::<(), _>(Stuck("inner"))
            });
            assert_eq!(failed.await, Err(Stuck("inner")));
            savepoint(tx, async |tx| {
                tx.add(4);
                Ok::<_, Stuck>(())
            })
            .await
        })
        .await
        .unwrap();
        assert_eq!(database.rows(), [1, 4]);
    });
}

#[test]
fn rs_06_a_transaction_that_does_not_begin_is_not_rolled_back() {
    on_both_runtimes(async || {
        let database = Database::with_fault("begin", Act::Fails);
        let mut connection = database.connect();
        let body = async |_: &mut Tx<'_, Connection>| -> Result<(), Stuck> { panic!("it runs") };
        assert_eq!(transaction_on(&mut connection, body).await, Err(Stuck("begin")));
        assert_eq!(database.done(), ["begin"]);
    });
}

#[test]
fn rs_17_on_a_borrowed_connection_a_failed_commit_is_rolled_back() {
    on_both_runtimes(async || {
        let database = Database::with_fault("commit", Act::Fails);
        let mut connection = database.connect();
        assert_eq!(transaction_on(&mut connection, async |_| Ok(())).await, Err(Stuck("commit")));
        assert_eq!(database.done(), ["begin", "commit", "rollback"]);
        assert!(!connection.is_open);
    });
}

#[test]
fn rs_07_a_rollback_that_fails_is_observed_and_done_before_the_next_use() {
    on_both_runtimes(async || {
        let database = Database::with_fault("rollback", Act::Fails);
        let mut connection = database.connect();
        scope(async |_| {
            observe(&database.log);
            let failed = transaction_on(&mut connection, async |_| Err::<(), _>(Stuck("body")));
            assert_eq!(failed.await, Err(Stuck("body")));
        })
        .await;
        assert_eq!(database.done(), ["begin", "rollback", "observed error of the rollback", "later 0 Rollback"]);
        assert_eq!(connection.late, [0]);
    });
}

#[test]
fn rs_07_an_error_that_its_caller_does_not_wait_for_is_observed() {
    on_both_runtimes(async || {
        let database = Database::default();
        let mut connection = database.connect();
        scope(async |_| {
            observe(&database.log);
            connection.database.fault = Some(("rollback", Act::Hangs));
            let failed = transaction_on(&mut connection, async |_| Err::<(), _>(Stuck("body")));
            Polled::new(failed).assert_pending();
        })
        .await;
        assert_eq!(database.log.all("observed "), ["error of the body"]);
    });
}

#[test]
fn a_rollback_later_that_panics_is_reported_and_nothing_more() {
    on_both_runtimes(async || {
        let database = Database::with_fault("later", Act::Panics);
        scope(async |_| {
            observe(&database.log);
            let mut connection = database.connect();
            let waits = transaction_on(&mut connection, async |_| std::future::pending::<Result<(), Stuck>>().await);
            Polled::new(waits).assert_pending();
        })
        .await;
        assert_eq!(database.log.all("observed "), ["panic of the rollback"]);
    });
}

#[test]
fn rs_15_dropped_at_any_await_point_it_is_over_before_the_next_use() {
    assert_cancel_safe(
        async || {
            let database = Database::slow(2);
            let connection = Arc::new(tokio::sync::Mutex::new(database.connect()));
            let in_use = connection.clone();
            let future = async move {
                let mut connection = in_use.lock().await;
                let body = async |tx: &mut Tx<'_, Connection>| {
                    tx.add(1);
                    awaits(2).await?;
                    tx.add(2);
                    Ok::<_, Stuck>(())
                };
                transaction_on(&mut *connection, body).await
            };
            (future, (database, connection))
        },
        async |(database, connection): (Database, Arc<tokio::sync::Mutex<Connection>>)| {
            let before = database.rows();
            assert!(before.is_empty() || before == [1, 2], "{before:?}");
            let mut connection = connection.lock().await;
            let next = transaction_on(&mut *connection, async |tx| {
                tx.add(9);
                Ok::<_, Stuck>(())
            });
            assert_eq!(next.await, Ok(()));
            assert_eq!(database.rows(), [before, vec![9]].concat());
        },
    )
    .at_least(6);
}

#[test]
fn rs_15_an_inner_one_that_is_dropped_leaves_the_changes_of_the_outer() {
    // The inner is polled so often, and then dropped; the outer goes on and commits.
    let mut steps = Vec::new();
    on_both_runtimes(async || {
        for polls in 0..12 {
            let database = Database::slow(2);
            let mut connection = database.connect();
            transaction_on(&mut connection, async |tx| {
                tx.add(1);
                let inner = savepoint(tx, async |tx| {
                    tx.add(2);
                    awaits(2).await?;
                    Ok::<_, Stuck>(())
                });
                let mut inner = Polled::new(inner);
                for _ in 0..polls {
                    if inner.poll().is_ready() {
                        break;
                    }
                    yield_now().await;
                }
                drop(inner);
                tx.add(3);
                Ok::<_, Stuck>(())
            })
            .await
            .unwrap();
            let rows = database.rows();
            let committed = database.done().iter().filter(|entry| *entry == "commit").count() == 2;
            assert_eq!(rows, if committed { vec![1, 2, 3] } else { vec![1, 3] }, "{:?}", database.done());
            steps.extend(database.log.all("later 1 "));
        }
    });
    for step in ["Begin", "Body", "Commit"] {
        assert!(steps.iter().any(|seen| seen == step), "{steps:?}");
    }
}
