//! Owned transactions that are interrupted anywhere: all or nothing, and the pool is as before.

use std::{future::pending, sync::mpsc, thread, time::Duration};

use bowline_concurrency::{TaskGroup, scope, settled, timeout, try_scope};
use bowline_resources::{Tx, transaction};
use sqlx::{Error, Pool, Postgres, Sqlite};
use tokio::{runtime::Runtime, sync::oneshot, task::yield_now};

use super::{
    LIMIT, POINTS, WORKS, current_thread, dropped_at,
    engine::{Engine, Folder, Names},
    multi_thread, on_both_in_real_time,
    server::Server,
};
use crate::support::{Log, observe, panic_of};

#[test]
fn rs_15_rs_16_on_sqlite() {
    let folder = Folder::new();
    all_cases::<Sqlite>(&folder);
}

#[test]
fn rs_15_rs_16_on_postgres() {
    if let Some(server) = Server::start() {
        all_cases::<Postgres>(&server);
    }
}

fn all_cases<E: Engine>(place: &E::Place) {
    on_both_in_real_time(async || {
        let names = Names::<E>::open(place).await.expect(WORKS);
        every_end(&names).await;
        every_await_point(&names).await;
        cut_off_in_an_error(&names).await;
        cancelled(&names).await;
        names.pool.close().await;
    });
    runtime_ends::<E>(place);
}

async fn two<E: Engine>(tx: &mut Tx<'_, E::Connection>, start: &str) -> Result<(), Error> {
    // Answers may come at once; here it waits in any case.
    yield_now().await;
    E::add(tx, format!("{start}a")).await?;
    yield_now().await;
    E::add(tx, format!("{start}b")).await?;
    yield_now().await;
    Ok(())
}

async fn every_end<E: Engine>(names: &Names<E>) {
    let pool = &names.pool;
    transaction(pool, async |tx| two::<E>(tx, "ok ").await).await.expect(WORKS);
    assert_eq!(names.beginning("ok ").await, ["a", "b"]);
    names.assert_clean("a commit").await;

    let failed = transaction(pool, async |tx| {
        two::<E>(tx, "error ").await?;
        Err::<(), _>(Error::RowNotFound)
    });
    assert!(matches!(failed.await, Err(Error::RowNotFound)));
    names.assert_clean("an error").await;

    let panics = transaction(pool, async |tx| -> Result<(), Error> {
        two::<E>(tx, "panic ").await?;
        panic!("the body panics")
    });
    assert_eq!(panic_of(panics).await, "the body panics");
    names.assert_clean("a panic").await;

    // The statement that fails is not the last word: the body goes on, and says that all is well.
    let swallowed = transaction(pool, async |tx| {
        two::<E>(tx, "swallowed ").await?;
        assert!(E::run(tx, "INSERT INTO nowhere VALUES (1)").await.is_err());
        Ok::<_, Error>(())
    });
    let committed = swallowed.await.is_ok();
    let stored = names.beginning("swallowed ").await;
    assert_eq!(stored.len(), if committed { 2 } else { 0 }, "a commit is not what it was said to be");
    names.assert_clean("a swallowed error").await;

    for start in ["error ", "panic "] {
        assert!(names.beginning(start).await.is_empty());
    }
}

async fn every_await_point<E: Engine>(names: &Names<E>) {
    let (mut left, mut committed) = (0, 0);
    for round in 0.. {
        for (woken, point) in [false, true].into_iter().flat_map(|woken| (0..POINTS).map(move |point| (woken, point))) {
            let start = format!("{round} {woken} {point} ");
            let body = async |tx: &mut Tx<'_, E::Connection>| two::<E>(tx, &start).await;
            let outcome = dropped_at(point, woken, transaction(&names.pool, body)).await;
            settled().await;
            let stored = names.beginning(&start).await;
            assert!(stored.is_empty() || stored == ["a", "b"], "{start}: {stored:?}");
            names.assert_clean(&start).await;
            match outcome {
                Some(outcome) => assert!(outcome.is_ok() && !stored.is_empty(), "{start}: {outcome:?}"),
                None => {
                    left += 1;
                    committed += usize::from(!stored.is_empty());
                }
            }
        }
        assert!(left >= 6, "only {left} have left");
        if committed > 0 {
            break; // Somebody has left during a commit or later, and that is not in every round.
        }
        assert!(round < 20, "nobody has left during a commit");
    }
}

/// The answer to a statement that was cut off comes later, and is an error. It is not the rollback that has failed.
async fn cut_off_in_an_error<E: Engine>(names: &Names<E>) {
    let log = Log::default();
    scope(async |_| {
        observe(&log);
        for point in 0..POINTS {
            let used = transaction(&names.pool, async |tx| {
                yield_now().await;
                E::run(tx, "INSERT INTO nowhere VALUES (1)").await
            });
            drop(dropped_at(point, false, used).await);
            names.assert_clean("a statement that fails").await;
        }
    })
    .await;
    // That of the body is, where its caller has gone during the rollback.
    let observed = log.all("observed ");
    assert!(observed.iter().all(|what| what == "error of the body"), "{observed:?}");
}

async fn cancelled<E: Engine>(names: &Names<E>) {
    let (pool, log) = (&names.pool, Log::default());
    scope(async |_| {
        observe(&log);
        let late = transaction(pool, async |tx| {
            two::<E>(tx, "late ").await?;
            pending::<Result<(), Error>>().await
        });
        assert!(timeout(Duration::from_millis(30), late).await.is_err());
        // The timeout has waited: nobody else has to.
        assert_eq!(names.open_transactions().await.expect(WORKS), 0);
        names.assert_clean("a timeout").await;

        // Who waits for a connection that another one has leaves nothing behind.
        let holder = pool.acquire().await.expect(WORKS);
        let waits = transaction(pool, async |_| Ok::<_, Error>(()));
        assert!(timeout(Duration::from_millis(10), waits).await.is_err());
        drop(holder);
        names.assert_clean("a wait for the pool").await;

        let in_task = pool.clone();
        let cancelled = try_scope(async |group: &TaskGroup<Error>| {
            let (begun, has_begun) = oneshot::channel();
            drop(group.spawn(async move {
                let body = async move |tx: &mut Tx<'_, E::Connection>| {
                    E::add(tx, "cancelled".into()).await?;
                    begun.send(()).expect(WORKS);
                    pending::<Result<(), Error>>().await
                };
                drop(transaction(&in_task, body).await);
            }));
            has_begun.await.expect(WORKS);
            Err::<(), _>(Error::WorkerCrashed)
        });
        assert!(cancelled.await.is_err());
        names.assert_clean("a cancelled scope").await;
    })
    .await;
    assert!(names.beginning("late ").await.is_empty() && names.beginning("cancelled").await.is_empty());
    assert!(log.entries().is_empty(), "{:?}", log.entries());
}

/// The runtime is dropped while a transaction is at any of its await points.
fn runtime_ends<E: Engine>(place: &E::Place) {
    let judging = current_thread();
    let mut names = judging.block_on(Names::<E>::open(place)).expect(WORKS);
    for (name, runtime) in [("one", current_thread as fn() -> Runtime), ("many", multi_thread)] {
        for point in 0..POINTS {
            // A new one each time: sockets are of the runtime that opened them.
            names.pool = judging.block_on(async { Names::<E>::pool(E::options(place)) });
            let start = format!("{name} {point} ");
            let runtime = runtime();
            let finished = runtime.block_on(left_at::<E>(point, names.pool.clone(), start.clone()));
            ends_in_time(runtime);
            judging.block_on(async {
                // The server, or the thread of the connection, hears of the end in its own time.
                timeout(LIMIT, async {
                    while !names.open_transactions().await.is_ok_and(|open| open == 0) {
                        yield_now().await;
                    }
                })
                .await
                .expect("a transaction stays open");
                // The permit is there. Its connection may be one that came back, with a socket of the runtime that has ended.
                let mut connection = names.pool.acquire().await.expect(&start);
                if E::run(&mut connection, "SELECT 1").await.is_err() {
                    drop(connection.detach());
                } else {
                    drop(connection);
                }
                names.pool.close().await;
                let stored = names.beginning(&start).await;
                assert!(stored.is_empty() || stored == ["a", "b"], "{start}: {stored:?}");
                assert!(!finished || stored == ["a", "b"], "{start}");
            });
        }
    }
}

/// Leaves a task behind that has a transaction at this point; `true` if it did not get that far.
async fn left_at<E: Engine>(point: usize, pool: Pool<E>, start: String) -> bool {
    let (told, hears) = oneshot::channel();
    drop(tokio::spawn(async move {
        let body = async |tx: &mut Tx<'_, E::Connection>| two::<E>(tx, &start).await;
        let mut used = Box::pin(transaction(&pool, body));
        let finished = dropped_at(point, false, used.as_mut()).await.is_some();
        told.send(finished).expect(WORKS);
        if !finished {
            pending::<()>().await; // With the transaction as it is.
        }
    }));
    hears.await.expect(WORKS)
}

fn ends_in_time(runtime: Runtime) {
    let (told, hears) = mpsc::channel();
    thread::spawn(move || {
        drop(runtime);
        told.send(()).expect(WORKS);
    });
    hears.recv_timeout(LIMIT).expect("the runtime does not end");
}
