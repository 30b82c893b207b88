//! What becomes of a connection whose transaction did not end as it should.

use std::{future::pending, sync::atomic::Ordering::SeqCst, time::Duration};

use bowline_concurrency::{Scope, scope};
use bowline_resources::transaction;
use bowline_testing::{Polled, on_both_runtimes, on_current_thread};
use tokio::{runtime::Builder, task::yield_now, time::Instant};

use super::{Database, WITHIN};
use crate::support::{Act, Stuck, observe, panic_of};

#[test]
fn rs_17_the_error_of_a_commit_is_returned_after_a_rollback() {
    on_both_runtimes(async || {
        let database = Database::with_fault("commit", Act::Fails);
        let committed = transaction(&database, async |tx| {
            tx.add(1);
            Ok(())
        });
        assert_eq!(committed.await, Err(Stuck("commit")));
        assert_eq!(database.done(), ["acquire", "begin", "commit", "rollback", "return"]);
        assert!(database.rows().is_empty());
    });
}

#[test]
fn rs_07_the_error_of_a_rollback_is_observed_and_the_connection_thrown_away() {
    on_both_runtimes(async || {
        let database = Database::with_fault("rollback", Act::Fails);
        let reached = database.clone();
        scope(async |_| {
            Scope::current().observe_failures(move |failure| {
                reached.log.add(format!("observed {:?}", failure.downcast_ref::<Stuck>()));
            });
            assert_eq!(transaction(&database, async |_| Err::<(), _>(Stuck("body"))).await, Err(Stuck("body")));
        })
        .await;
        let done = ["acquire", "begin", "rollback", "discard", "observed Some(Stuck(\"rollback\"))"];
        assert_eq!(database.done(), done);
    });
}

#[test]
fn rs_07_a_rollback_that_panics_throws_the_connection_away() {
    on_both_runtimes(async || {
        let database = Database::with_fault("rollback", Act::Panics);
        scope(async |_| {
            observe(&database.log);
            assert_eq!(transaction(&database, async |_| Err::<(), _>(Stuck("body"))).await, Err(Stuck("body")));
        })
        .await;
        assert_eq!(database.done(), ["acquire", "begin", "rollback", "discard", "observed panic of the release"]);
    });
}

#[test]
fn rs_07_an_error_of_the_return_does_not_make_a_commit_a_failure() {
    on_both_runtimes(async || {
        let database = Database::with_fault("return", Act::Fails);
        scope(async |_| {
            observe(&database.log);
            assert_eq!(transaction(&database, async |_| Ok::<_, Stuck>(7)).await, Ok(7));
        })
        .await;
        assert_eq!(database.done(), ["acquire", "begin", "commit", "return", "observed error of the return"]);
    });
}

#[test]
fn rs_17_a_commit_that_panics_throws_the_connection_away() {
    on_both_runtimes(async || {
        for what in ["begin", "commit"] {
            let database = Database::with_fault(what, Act::Panics);
            let panics = transaction(&database, async |_| Ok::<_, Stuck>(()));
            assert_eq!(panic_of(panics).await, format!("{what} panics"));
            assert_eq!(database.done().last().unwrap(), "discard");
        }
    });
}

#[test]
fn a_rollback_or_a_return_that_hangs_holds_nobody_up_for_ever() {
    on_current_thread(async || {
        for (what, outcome) in [("rollback", Err(Stuck("body"))), ("return", Ok(()))] {
            let database = Database::with_fault(what, Act::Hangs);
            let begun = Instant::now();
            scope(async |_| {
                observe(&database.log);
                let fails = what == "rollback";
                let used = transaction(&database, async |_| if fails { Err(Stuck("body")) } else { Ok(()) });
                assert_eq!(used.await, outcome);
            })
            .await;
            assert_eq!(begun.elapsed(), WITHIN);
            assert_eq!(database.out.load(SeqCst), 0);
            let overdue: Vec<_> = database.log.all("observed ");
            assert_eq!(overdue, [format!("overdue of the {what}")]);
            assert_eq!(database.done().contains(&"discard".to_owned()), what == "rollback");
        }
    });
}

// The acquisition that hangs is that of no transaction, and may be left: see `owned`.
#[test]
fn what_hangs_after_its_caller_has_gone_is_cut_off_and_throws_the_connection_away() {
    on_current_thread(async || {
        for what in ["begin", "commit", "rollback", "return"] {
            let database = Database::with_fault(what, Act::Hangs);
            let begun = Instant::now();
            scope(async |_| {
                observe(&database.log);
                let fails = what == "rollback";
                let body = async move |_: &mut bowline_resources::Tx<'_, super::Connection>| {
                    if fails { pending().await } else { Ok::<_, Stuck>(()) }
                };
                Polled::new(transaction(&database, body)).assert_pending();
            })
            .await;
            assert!(begun.elapsed() <= WITHIN + Duration::from_millis(1), "{what}");
            assert_eq!(database.out.load(SeqCst), 0, "{what}");
            assert_eq!(database.log.all("observed overdue").len(), 1, "{what}: {:?}", database.done());
            assert_eq!(database.done().contains(&"discard".to_owned()), what != "return", "{what}");
        }
    });
}

#[test]
fn a_discard_that_panics_is_reported_and_nothing_more() {
    on_both_runtimes(async || {
        let database = Database { fault: Some(("discard", Act::Panics)), ..Database::default() };
        scope(async |_| {
            observe(&database.log);
            // A body that panics, in a runtime that still runs: rolled back, so nothing is thrown away.
            let panics = transaction(&database, async |_| -> Result<(), Stuck> { panic!("the body panics") });
            assert_eq!(panic_of(panics).await, "the body panics");
        })
        .await;
        assert_eq!(database.done().last().unwrap(), "return");
    });
    on_current_thread(async || {
        let database = Database { fault: Some(("discard", Act::Panics)), awaits: 1, ..Database::default() };
        let in_use = database.clone();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::spawn(async move { transaction(&in_use, async |_| pending::<Result<(), Stuck>>().await).await });
                for _ in 0..9 {
                    yield_now().await;
                }
            });
            drop(runtime); // The body is dropped here, and nobody can roll back.
        })
        .join()
        .expect("a panic in a destructor");
        assert_eq!(database.done(), ["acquire", "begin", "discard"]);
    });
}

#[test]
fn rs_15_a_runtime_that_ends_first_throws_the_connection_away() {
    for yields in 0..20 {
        let database = Database::slow(3);
        let in_use = database.clone();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            tokio::spawn(async move {
                transaction(&in_use, async |tx| {
                    tx.add(1);
                    yield_now().await;
                    Ok::<_, Stuck>(())
                })
                .await
            });
            for _ in 0..yields {
                yield_now().await;
            }
        });
        drop(runtime);
        let done = database.done();
        assert_eq!(database.out.load(SeqCst), 0, "{done:?}");
        let is_whole = database.rows() == [1] || done.last().is_none_or(|last| last == "discard" || last == "acquire");
        assert!(is_whole, "{done:?}");
    }
}
