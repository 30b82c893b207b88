//! Transactions of a simulated database, which refuses what a real one would.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bowline_concurrency::{scope, timeout};
use bowline_resources::{Begin, transaction};
use bowline_testing::{assert_cancel_safe, on_both_runtimes};

use crate::support::{Log, Stuck, awaits, observe, panic_of};

#[derive(Clone, Default)]
struct Database {
    log: Log,
    open: Arc<AtomicUsize>,
    awaits: usize,
    fails: Option<&'static str>,
}

impl Database {
    async fn act(&self, what: &'static str) -> Result<(), Stuck> {
        self.log.add(format!("{what} begins"));
        awaits(self.awaits).await?;
        self.log.add(what);
        if self.fails == Some(what) { Err(Stuck(what)) } else { Ok(()) }
    }

    fn end(&self) {
        self.open.fetch_sub(1, SeqCst);
    }

    fn open(&self) -> usize {
        self.open.load(SeqCst)
    }

    /// What was done to its end.
    fn done(&self) -> Vec<String> {
        self.log.entries().into_iter().filter(|entry| !entry.ends_with("begins")).collect()
    }
}

impl Begin for Database {
    type Transaction = Vec<u32>;
    type Error = Stuck;

    async fn begin(&self) -> Result<Vec<u32>, Stuck> {
        self.act("begin").await?;
        self.open.fetch_add(1, SeqCst);
        Ok(Vec::new())
    }

    async fn commit(&self, _: Vec<u32>) -> Result<(), Stuck> {
        let outcome = self.act("commit").await;
        self.end();
        outcome
    }

    async fn rollback(&self, _: Vec<u32>) -> Result<(), Stuck> {
        let outcome = self.act("rollback").await;
        self.end();
        outcome
    }
}

#[test]
fn rs_16_ok_commits_and_an_error_rolls_back() {
    on_both_runtimes(async || {
        let database = Database { awaits: 2, ..Database::default() };
        let sum = transaction(&database, async |rows| {
            rows.extend([1, 2]);
            Ok::<_, Stuck>(rows.iter().sum::<u32>())
        });
        assert_eq!(sum.await, Ok(3));
        assert_eq!(database.done(), ["begin", "commit"]);

        let database = Database::default();
        assert_eq!(transaction(&database, async |_| Err::<(), _>(Stuck("body"))).await, Err(Stuck("body")));
        assert_eq!(database.done(), ["begin", "rollback"]);
        assert_eq!(database.open(), 0);
    });
}

#[test]
fn rs_16_a_panic_or_a_deadline_rolls_back() {
    on_both_runtimes(async || {
        let database = Database { awaits: 2, ..Database::default() };
        let panics = transaction(&database, async |_| -> Result<(), Stuck> { panic!("the body panics") });
        assert_eq!(panic_of(panics).await, "the body panics");
        assert_eq!(database.done(), ["begin", "rollback"]);

        let late = transaction(&database, async |_| pending::<Result<(), Stuck>>().await);
        assert!(timeout(Duration::from_millis(5), late).await.is_err());
        assert_eq!(database.done()[2..], ["begin", "rollback"]);
        assert_eq!(database.open(), 0);
    });
}

#[test]
fn rs_17_the_error_of_a_commit_is_returned_and_nothing_is_rolled_back() {
    on_both_runtimes(async || {
        let database = Database { fails: Some("commit"), ..Database::default() };
        assert_eq!(transaction(&database, async |_| Ok(())).await, Err(Stuck("commit")));
        assert_eq!(database.done(), ["begin", "commit"]);
        assert_eq!(database.open(), 0);
    });
}

#[test]
fn rs_07_the_error_of_a_rollback_is_observed_beside_that_of_the_body() {
    on_both_runtimes(async || {
        let database = Database { fails: Some("rollback"), ..Database::default() };
        scope(async |_| {
            observe(&database.log);
            assert_eq!(transaction(&database, async |_| Err::<(), _>(Stuck("body"))).await, Err(Stuck("body")));
        })
        .await;
        assert_eq!(database.done(), ["begin", "rollback", "observed error of the release"]);
    });
}

#[test]
fn rs_06_without_a_beginning_there_is_no_end() {
    on_both_runtimes(async || {
        let database = Database { fails: Some("begin"), ..Database::default() };
        assert_eq!(transaction(&database, async |_| Ok(())).await, Err(Stuck("begin")));
        assert_eq!(database.done(), ["begin"]);
    });
}

#[test]
fn dropped_at_any_await_point_a_transaction_is_either_committed_or_rolled_back() {
    for fails in [None, Some("begin"), Some("commit"), Some("rollback")] {
        let visited = assert_cancel_safe(
            async || {
                let database = Database { awaits: 3, fails, ..Database::default() };
                observe(&database.log);
                let in_use = database.clone();
                let future = async move {
                    let body = async |rows: &mut Vec<u32>| {
                        rows.push(1);
                        awaits(3).await?;
                        in_use.log.add("body");
                        Ok::<_, Stuck>(())
                    };
                    drop(transaction(&in_use, body).await);
                };
                (future, database)
            },
            async |database: Database| {
                let done: Vec<_> = database.done().into_iter().filter(|entry| !entry.starts_with("observed")).collect();
                let sound: [&[&str]; 4] = [&[], &["begin"], &["begin", "body", "commit"], &["begin", "rollback"]];
                assert!(sound.iter().any(|sound| done == *sound), "{done:?}");
                // A begin that was cut off is none; one that failed has nothing to end.
                assert!(fails == Some("begin") || done != ["begin"], "{done:?}");
                assert_eq!(database.open(), 0, "{done:?}");
            },
        );
        visited.at_least(if fails == Some("begin") { 3 } else { 9 });
    }
}

#[test]
fn a_body_that_waits_for_another_transaction_keeps_the_order() {
    assert_cancel_safe(
        async || {
            let (outer, inner) = (Database::default(), Database { awaits: 2, ..Database::default() });
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
