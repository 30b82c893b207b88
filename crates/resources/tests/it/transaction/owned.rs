//! How a transaction on a connection of a source ends.

use std::{
    future::pending,
    sync::{Arc, atomic::Ordering::SeqCst},
    time::Duration,
};

use bowline_concurrency::{TaskGroup, scope, timeout, try_scope};
use bowline_resources::{Tx, transaction};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes};

use super::{Connection, Database};
use crate::support::{Act, Log, Stuck, awaits, observe, panic_of};

const ROLLED_BACK: [&str; 4] = ["acquire", "begin", "rollback", "return"];

#[test]
fn rs_16_ok_commits_and_an_error_rolls_back() {
    on_both_runtimes(async || {
        let database = Database::slow(2);
        let sum = transaction(&database, async |tx| {
            tx.add(1);
            tx.add(2);
            assert_eq!(tx.depth(), 0);
            Ok::<_, Stuck>(3)
        });
        assert_eq!(sum.await, Ok(3));
        assert_eq!(database.done(), ["acquire", "begin", "commit", "return"]);
        assert_eq!(database.rows(), [1, 2]);

        let database = Database::default();
        let failed = transaction(&database, async |tx| {
            tx.add(1);
            Err::<(), _>(Stuck("body"))
        });
        assert_eq!(failed.await, Err(Stuck("body")));
        assert_eq!(database.done(), ROLLED_BACK);
        assert!(database.rows().is_empty());
    });
}

#[test]
fn rs_16_a_panic_or_a_deadline_or_a_cancelled_scope_rolls_back() {
    on_both_runtimes(async || {
        let database = Database::slow(2);
        let panics = transaction(&database, async |_| -> Result<(), Stuck> { panic!("the body panics") });
        assert_eq!(panic_of(panics).await, "the body panics");
        assert_eq!(database.done(), ROLLED_BACK);

        let database = Database::slow(2);
        let late = transaction(&database, async |_| pending::<Result<(), Stuck>>().await);
        assert!(timeout(Duration::from_millis(5), late).await.is_err());
        assert_eq!(database.done(), ROLLED_BACK);

        let database = Database::slow(2);
        let in_task = database.clone();
        let cancelled = try_scope(async |group: &TaskGroup<Stuck>| {
            drop(group.spawn(async move {
                drop(transaction(&in_task, async |_| pending::<Result<(), Stuck>>().await).await)
            }));
            while !database.done().contains(&"begin".to_owned()) {
                tokio::task::yield_now().await;
            }
            Err::<(), _>(Stuck("sibling"))
        });
        assert!(cancelled.await.is_err());
        assert_eq!(database.done(), ROLLED_BACK);
    });
}

#[test]
fn rs_06_without_a_connection_or_a_beginning_there_is_no_body() {
    on_both_runtimes(async || {
        let database = Database::with_fault("acquire", Act::Fails);
        let body = async |_: &mut Tx<'_, Connection>| -> Result<(), Stuck> { panic!("it runs") };
        assert_eq!(transaction(&database, body).await, Err(Stuck("acquire")));
        assert_eq!(database.done(), ["acquire"]);

        // Nobody knows what a failed beginning was; after a rollback everybody does.
        let database = Database::with_fault("begin", Act::Fails);
        assert_eq!(transaction(&database, body).await, Err(Stuck("begin")));
        assert_eq!(database.done(), ROLLED_BACK);
    });
}

#[test]
fn rs_15_dropped_at_any_await_point_it_is_committed_or_rolled_back_and_the_connection_comes_back_clean() {
    for what in ["nothing", "begin", "commit", "rollback", "return"] {
        let visited = assert_cancel_safe(
            async || {
                let database = Database { awaits: 3, ..Database::with_fault(what, Act::Fails) };
                observe(&database.log);
                let in_use = database.clone();
                let future = async move {
                    let body = async |tx: &mut Tx<'_, Connection>| {
                        tx.add(1);
                        awaits(3).await?;
                        tx.add(2);
                        in_use.log.add("body");
                        Ok::<_, Stuck>(())
                    };
                    drop(transaction(&in_use, body).await);
                };
                (future, database)
            },
            async |database: Database| {
                let done: Vec<_> = database.done().into_iter().filter(|entry| !entry.starts_with("observed")).collect();
                assert_eq!(database.out.load(SeqCst), 0, "{done:?}");
                let committed = done.iter().any(|entry| entry == "body") && what != "commit";
                assert_eq!(database.rows(), if committed { vec![1, 2] } else { vec![] }, "{done:?}");
                if done.len() > 1 {
                    let last = if what == "rollback" && !committed { "discard" } else { "return" };
                    assert_eq!(done.last().unwrap(), last, "{done:?}");
                }
            },
        );
        visited.at_least(if what == "begin" { 12 } else { 15 });
    }
}

#[test]
fn rs_15_who_waits_for_a_connection_may_leave_at_once() {
    on_both_runtimes(async || {
        let database = Database::with_fault("acquire", Act::Hangs);
        let waits = transaction(&database, async |_| Ok::<_, Stuck>(()));
        assert!(timeout(Duration::from_millis(5), waits).await.is_err());
        // Dropped, and not handed off: nothing of it is left.
        let database = Database::with_fault("acquire", Act::Hangs);
        Polled::new(transaction(&database, async |_| Ok::<_, Stuck>(()))).assert_pending();
        assert_eq!(Arc::strong_count(&database.out), 1);
        assert_eq!(database.done(), ["acquire"]);
    });
}

#[test]
fn a_body_that_waits_for_another_transaction_keeps_the_order() {
    assert_cancel_safe(
        async || {
            let (outer, inner) = (Database::default(), Database::slow(2));
            let log = inner.log.clone();
            let outer = Database { log: log.clone(), ..outer };
            let future = async move {
                transaction(&outer, async |_| transaction(&inner, async |_| awaits(1).await).await).await
            };
            (future, log)
        },
        async |log: Log| {
            let ends = log.entries().iter().filter(|entry| *entry == "commit" || *entry == "rollback").count();
            let begins = log.entries().iter().filter(|entry| *entry == "begin").count();
            assert_eq!(begins, ends, "{:?}", log.entries());
            // No end begins before another is done.
            let mut open_end = false;
            for entry in log.entries() {
                match entry.as_str() {
                    "commit begins" | "rollback begins" => assert!(!std::mem::replace(&mut open_end, true)),
                    "commit" | "rollback" => open_end = false,
                    _ => {}
                }
            }
        },
    )
    .at_least(5);
}

#[test]
fn what_the_body_leaves_behind_settles_before_the_commit() {
    on_both_runtimes(async || {
        let database = Database::default();
        scope(async |_| {
            transaction(&database, async |_| {
                let log = database.log.clone();
                bowline_concurrency::hand_off(&tokio::runtime::Handle::current(), "left behind", async move {
                    awaits(3).await.unwrap();
                    log.add("settled");
                });
                Ok::<_, Stuck>(())
            })
            .await
            .unwrap();
        })
        .await;
        assert_eq!(database.done(), ["acquire", "begin", "settled", "commit", "return"]);
    });
}
