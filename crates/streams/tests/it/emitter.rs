//! Emits: in sets of futures, in races, in other tasks; withdrawn, refused, woken.

use std::{
    io,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
};

use bowline_streams::{Closed, Emitter, TryGenerate, try_generate};
use bowline_testing::{DropLog, Polled, all_blocked, on_both_runtimes, on_current_thread, poll_once};
use futures_util::{
    StreamExt, TryStreamExt,
    future::{join_all, ready},
    stream::{FusedStream, FuturesUnordered},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinSet, yield_now},
};

use crate::support::open_generator;

async fn all<T: Send + 'static>(stream: TryGenerate<T, Closed>) -> Vec<T> {
    stream.try_collect().await.expect("the body does not fail")
}

#[test]
fn emits_under_join_arrive_in_the_order_of_their_first_poll() {
    on_both_runtimes(async || {
        let stream = try_generate(async |out| {
            for n in 0..3 {
                let (a, b, c) = tokio::join!(out.emit(10 * n), out.emit(10 * n + 1), out.emit(10 * n + 2));
                a.and(b).and(c)?;
            }
            Ok(())
        });
        assert_eq!(all(stream).await, [0, 1, 2, 10, 11, 12, 20, 21, 22]);
    });
}

#[test]
fn emits_in_sets_of_futures_all_arrive_in_order() {
    on_both_runtimes(async || {
        // More than 30: `join_all` becomes a set with wakers of its own.
        let stream = try_generate(async |out| {
            let emitted: Result<Vec<_>, _> = join_all((0..40).map(|n| out.emit(n))).await.into_iter().collect();
            emitted.map(drop)
        });
        assert_eq!(all(stream).await, (0..40).collect::<Vec<_>>());

        let stream = try_generate(async |out| {
            let lanes = (0..8).map(async |lane| {
                for n in 0..5 {
                    out.emit((lane, n)).await?;
                    yield_now().await;
                }
                Ok(())
            });
            lanes.collect::<FuturesUnordered<_>>().try_collect::<()>().await
        });
        let items = all(stream).await;
        assert_eq!(items.len(), 40);
        for lane in 0..8 {
            let lane: Vec<_> = items.iter().filter(|item| item.0 == lane).map(|item| item.1).collect();
            assert_eq!(lane, [0, 1, 2, 3, 4]);
        }
    });
}

#[test]
fn set_of_emits_that_is_refused_ends() {
    on_both_runtimes(async || {
        let (told, refused) = oneshot::channel();
        let mut stream = try_generate(async move |out| {
            let results = join_all((0..40).map(|n| out.emit(n))).await;
            let _ = told.send(results.iter().filter(|result| result.is_err()).count());
            Ok::<_, Closed>(())
        });
        assert_eq!(stream.next().await, Some(Ok(0)));
        assert_eq!(stream.next().await, Some(Ok(1)));
        drop(stream);
        assert_eq!(refused.await, Ok(39), "the one that was taken last is refused, too");
    });
}

#[test]
fn emit_that_loses_a_race_at_once_is_withdrawn() {
    on_both_runtimes(async || {
        let log = DropLog::default();
        let probes = log.clone();
        let stream = try_generate(async move |out| {
            for n in 0..3 {
                tokio::select! {
                    biased;
                    _ = out.emit((n, probes.probe("lost"))) => unreachable!("nobody has asked again"),
                    () = ready(()) => {}
                }
                assert_eq!(probes.count("lost"), n + 1);
                out.emit((100 + n, probes.probe("emitted"))).await?;
            }
            Ok(())
        });
        let items: Vec<_> = all(stream).await.iter().map(|item| item.0).collect();
        assert_eq!(items, [100, 101, 102]);
        assert_eq!((log.count("lost"), log.count("emitted")), (3, 3));
    });
}

#[test]
fn emit_that_loses_a_race_after_its_item_was_taken_is_delivered_once() {
    on_both_runtimes(async || {
        let (taken, mut was_taken) = mpsc::unbounded_channel();
        let mut stream = try_generate(async move |out| {
            tokio::select! {
                biased;
                _ = was_taken.recv() => {} // Ready when the consumer asks again; so is the emit.
                _ = out.emit(1) => unreachable!("biased"),
            }
            out.emit(2).await
        });
        assert_eq!(stream.next().await, Some(Ok(1)));
        taken.send(()).expect("the body waits");
        assert_eq!(stream.next().await, Some(Ok(2)));
        assert_eq!(stream.next().await, None);
    });
}

#[test]
fn emit_that_loses_a_race_in_another_task_is_delivered_or_withdrawn() {
    on_both_runtimes(async || {
        // Both can happen, and depend on the threads; an item that is doubled or delivered late is out of order.
        let (stream, out, _end) = open_generator();
        let racer = tokio::spawn(async move {
            let mut sure = 0;
            for n in 0..500 {
                tokio::select! {
                    done = out.emit(n) => { done.expect("the consumer stays"); sure += 1 }
                    () = yield_now() => {}
                }
            }
            out.emit(500).await.expect("the consumer stays");
            sure
        });
        let items: Vec<i32> =
            stream.map(|item| item.expect("the body does not fail")).take_while(|n| ready(*n < 500)).collect().await;
        // `take_while` drops the stream after the last: the emit of the last is refused, or done.
        drop(racer.await);
        assert!(items.is_sorted_by(|a, b| a < b), "{items:?}");
    });
}

#[test]
fn emits_of_spawned_tasks_all_arrive_each_task_in_order() {
    on_both_runtimes(async || {
        let stream = try_generate(async |out: Emitter<(u32, u32)>| {
            let mut tasks = JoinSet::new();
            for task in 0..8 {
                let out = out.clone();
                tasks.spawn(async move {
                    for n in 0..50 {
                        out.emit((task, n)).await?;
                        if n % 7 == task {
                            yield_now().await;
                        }
                    }
                    Ok::<_, Closed>(())
                });
            }
            while let Some(result) = tasks.join_next().await {
                result.expect("no panic")?;
            }
            Ok(())
        });
        let items = all(stream).await;
        assert_eq!(items.len(), 400);
        for task in 0..8 {
            let of_task: Vec<_> = items.iter().filter(|item| item.0 == task).map(|item| item.1).collect();
            assert_eq!(of_task, (0..50).collect::<Vec<_>>());
        }
    });
}

#[test]
fn emit_of_a_task_that_is_left_is_delivered_although_the_body_has_ended() {
    let (mut stream, out, end) = open_generator();
    drop(end);
    let mut queued = [Polled::new(out.emit(1)), Polled::new(out.emit(2))];
    queued.iter_mut().for_each(Polled::assert_pending);
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok(1))));
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok(2))));
    assert_eq!(queued[0].assert_ready(), Ok(()));
    // Now the body is polled and ends.
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(None));
    assert_eq!(queued[1].assert_ready(), Ok(()));
    assert!(Polled::new(out.emit(3)).assert_ready().is_err());
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(None));
}

#[test]
fn emit_is_not_refused_while_its_item_is_queued_behind_the_end_of_the_body() {
    on_both_runtimes(async || {
        let (tx, mut rx) = mpsc::unbounded_channel();
        let mut stream = try_generate(async move |out| {
            let mut ours = Polled::new(out.emit(1));
            ours.assert_pending();
            let left = out.clone();
            let mut theirs = Polled::new(async move { left.emit(2).await });
            theirs.assert_pending();
            assert!(tx.send(theirs).is_ok());
            drop(ours); // Withdrawn with the body.
            Err(io::Error::other("the end"))
        });
        assert_eq!(stream.next().await.transpose().expect("not yet"), Some(2));
        let mut theirs = rx.recv().await.expect("it was sent");
        theirs.assert_pending();
        assert!(!stream.is_terminated(), "the error is left");
        assert_eq!(stream.next().await.expect("not yet").expect_err("the error").to_string(), "the end");
        assert!(theirs.is_woken());
        assert_eq!(theirs.assert_ready(), Ok(()));
        assert!(stream.next().await.is_none());
    });
}

#[test]
fn refused_items_are_dropped_and_those_that_are_left_are_told() {
    let log = DropLog::default();
    let (stream, out, _end) = open_generator();
    let mut queued = Polled::new(out.emit(log.probe("queued")));
    queued.assert_pending();
    drop(stream);
    assert_eq!(log.drops(), ["queued"]);
    assert!(queued.is_woken());
    assert!(queued.assert_ready().is_err());
    assert!(Polled::new(out.emit(log.probe("late"))).assert_ready().is_err());
    drop(out.emit(log.probe("never polled")));
    assert_eq!(log.drops(), ["queued", "late", "never polled"]);
}

#[test]
fn item_that_panics_on_drop_leaves_the_others_told() {
    let log = DropLog::default();
    let (stream, out, _end) = open_generator();
    let mut emits: Vec<_> = (0..3).map(|_| Polled::new(out.emit(log.probe("item").panic_on_drop()))).collect();
    emits.iter_mut().for_each(Polled::assert_pending);
    let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(stream)));
    assert!(dropped.is_err());
    assert!(emits.iter().all(Polled::is_woken));
    assert_eq!(log.live(), 0);
}

#[test]
#[should_panic(expected = "an emit must not be polled after it is done")]
fn emit_polled_after_its_end_panics() {
    let (stream, out, _end) = open_generator();
    drop(stream);
    let mut emit = Polled::new(out.emit(1));
    assert!(emit.assert_ready().is_err());
    let _ = emit.poll();
}

#[test]
fn gen_14_body_never_runs_ahead_of_demand() {
    on_both_runtimes(async || {
        let steps = Arc::new(AtomicUsize::new(0));
        let counted = steps.clone();
        let mut stream = try_generate(async move |out| {
            for n in 1.. {
                counted.store(n, SeqCst);
                out.emit(n).await?;
            }
            Ok::<_, Closed>(())
        });
        assert_eq!(steps.load(SeqCst), 0, "not before the first request");
        for n in 1..5 {
            assert_eq!(stream.next().await, Some(Ok(n)));
            for _ in 0..10 {
                yield_now().await;
            }
            assert_eq!(steps.load(SeqCst), n);
        }
    });
}

#[test]
fn gen_14_emitter_in_another_task_never_runs_ahead_either() {
    on_current_thread(async || {
        let steps = Arc::new(AtomicUsize::new(0));
        let (mut stream, out, _end) = open_generator();
        let counted = steps.clone();
        tokio::spawn(async move {
            for n in 1.. {
                counted.store(n, SeqCst);
                if out.emit(n).await.is_err() {
                    break;
                }
            }
        });
        for n in 1..5 {
            assert_eq!(stream.next().await, Some(Ok(n)));
            all_blocked().await;
            assert_eq!(steps.load(SeqCst), n);
        }
    });
}
