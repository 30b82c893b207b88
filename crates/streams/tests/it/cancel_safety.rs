//! Everything that can be awaited, dropped at every await point, on both runtimes: each session is closed, no item is doubled.

use std::time::Duration;

use bowline_concurrency::{scope, timeout};
use bowline_streams::{Closed, Emitter, TryGenerate, paginate, try_generate};
use bowline_testing::{Visited, assert_cancel_safe};
use futures_util::{StreamExt, TryStreamExt};
use tokio::{
    sync::mpsc,
    task::{JoinSet, yield_now},
};

use crate::support::Sessions;

/// Drops `use_it` of a generator with a session everywhere.
fn closes_its_session<F: Future>(use_it: impl Fn(TryGenerate<u32, Closed>, Sessions) -> F) -> Visited {
    assert_cancel_safe(
        async || {
            let sessions = Sessions::default();
            let body = sessions.clone();
            let stream = try_generate(async move |out| {
                body.open().await;
                let result = five(&out).await;
                body.close().await;
                result
            });
            (use_it(stream, sessions.clone()), sessions)
        },
        async |sessions| assert_eq!(sessions.opened(), sessions.closed(), "a session was left open"),
    )
}

async fn five(out: &Emitter<u32>) -> Result<(), Closed> {
    for n in 0..5 {
        yield_now().await;
        out.emit(n).await?;
    }
    Ok(())
}

#[test]
fn consumer_dropped_anywhere_leaves_no_session() {
    let visited = closes_its_session(|stream, _| async { assert_eq!(stream.count().await, 5) });
    println!("consumer: {visited}");
    visited.at_least(8);
}

#[test]
fn consumer_in_a_scope_dropped_anywhere_leaves_no_session() {
    let visited = closes_its_session(|mut stream, sessions| async move {
        scope(async |_| {
            for n in 0..3 {
                assert_eq!(stream.next().await, Some(Ok(n)));
                yield_now().await;
            }
            drop(stream);
            yield_now().await; // The cleanup runs beside the rest of the body.
        })
        .await;
        assert_eq!(sessions.closed(), 1);
    });
    println!("scope: {visited}");
    visited.at_least(8);
}

#[test]
fn aclose_dropped_anywhere_leaves_no_session() {
    let visited = closes_its_session(|mut stream, sessions| async move {
        assert_eq!(stream.next().await, Some(Ok(0)));
        assert_eq!(stream.aclose().await, Ok(()));
        assert_eq!(sessions.closed(), 1);
    });
    println!("aclose: {visited}");
    visited.at_least(4);
}

#[test]
fn deadline_over_a_generator_dropped_anywhere_leaves_no_session() {
    let visited = closes_its_session(|mut stream, sessions| async move {
        let late = timeout(Duration::from_millis(5), async {
            assert_eq!(stream.next().await, Some(Ok(0)));
            stream.aclose().await.expect("nothing fails");
            std::future::pending::<()>().await;
        });
        assert!(late.await.is_err());
        assert_eq!(sessions.closed(), 1);
    });
    println!("deadline: {visited}");
    visited.at_least(5);
}

#[test]
fn generator_in_a_generator_dropped_anywhere_leaves_no_session() {
    let visited = closes_its_session(|mut inner, sessions| async move {
        let outer = try_generate(async move |out| {
            sessions.open().await;
            let mut result = Ok(());
            while let (Ok(()), Some(item)) = (&result, inner.next().await) {
                result = out.emit(item?).await;
            }
            sessions.close().await;
            result // The inner one is dropped here, in the handed-off body.
        });
        assert_eq!(outer.take(3).count().await, 3);
    });
    println!("nested: {visited}");
    visited.at_least(5);
}

#[test]
fn next_dropped_anywhere_loses_and_doubles_no_item() {
    let visited = assert_cancel_safe(
        async || {
            let (taken, seen) = mpsc::unbounded_channel();
            let mut stream = try_generate(async |out| five(&out).await);
            // The stream stays when the future is dropped: the channel takes it along.
            let (keep, kept) = mpsc::unbounded_channel();
            let future = async move {
                struct Keep<S>(Option<S>, mpsc::UnboundedSender<S>);
                impl<S> Drop for Keep<S> {
                    fn drop(&mut self) {
                        let _ = self.0.take().map(|stream| self.1.send(stream));
                    }
                }
                stream.next().await.map(|item| taken.send(item));
                let mut kept = Keep(Some(stream), keep);
                while let Some(item) = kept.0.as_mut().expect("until the drop").next().await {
                    taken.send(item).expect("the state lives");
                    yield_now().await;
                }
            };
            (future, (seen, kept))
        },
        async |(mut seen, mut kept)| {
            let Some(rest) = kept.recv().await else { return };
            let mut items = Vec::new();
            while let Ok(item) = seen.try_recv() {
                items.push(item);
            }
            items.extend(rest.collect::<Vec<_>>().await);
            assert_eq!(items, [Ok(0), Ok(1), Ok(2), Ok(3), Ok(4)]);
        },
    );
    println!("next: {visited}");
    visited.at_least(8);
}

#[test]
fn emits_of_spawned_tasks_dropped_anywhere_end() {
    // That no task is left is checked by the driver.
    let visited = assert_cancel_safe(
        async || {
            let stream = try_generate(async |out: Emitter<u32>| {
                let mut tasks = JoinSet::new();
                for _ in 0..3 {
                    let out = out.clone();
                    tasks.spawn(async move { five(&out).await });
                }
                while let Some(result) = tasks.join_next().await {
                    result.expect("no panic")?;
                }
                Ok::<_, Closed>(())
            });
            (async { assert_eq!(stream.count().await, 15) }, ())
        },
        async |()| {},
    );
    println!("spawned: {visited}");
    visited.at_least(4);
}

#[test]
fn pages_dropped_anywhere_leave_nothing() {
    let visited = assert_cancel_safe(
        async || {
            let pages = paginate(0, async |page| {
                yield_now().await;
                Ok::<_, ()>((vec![page; 2], Some(page + 1).filter(|next| *next < 3)))
            });
            (async { assert_eq!(pages.try_collect().await, Ok(vec![0, 0, 1, 1, 2, 2])) }, ())
        },
        async |()| {},
    );
    println!("pages: {visited}");
    visited.at_least(3);
}
