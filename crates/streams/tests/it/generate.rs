//! Generators as streams: order, errors, the end, the consumers.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use bowline_concurrency::{Scope, scope, timeout};
use bowline_streams::{Closed, Emitter, TryGenerate, try_generate};
use bowline_testing::{Polled, on_both_runtimes, on_current_thread, poll_once};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::ready, stream::FusedStream};
use tokio::{sync::oneshot, task::yield_now, time::sleep};

use crate::support::{heard, open_generator};

/// `0..n`, with an await before each.
fn numbers(n: u32) -> TryGenerate<u32, Closed> {
    try_generate(async move |out| {
        for n in 0..n {
            yield_now().await;
            out.emit(n).await?;
        }
        Ok(())
    })
}

#[test]
fn gen_01_items_with_awaits_between_arrive_in_order() {
    on_both_runtimes(async || {
        assert_eq!(numbers(5).try_collect::<Vec<_>>().await, Ok(vec![0, 1, 2, 3, 4]));
    });
}

#[test]
fn gen_02_error_after_items_is_the_last_item_and_the_stream_is_fused() {
    on_both_runtimes(async || {
        let mut stream = try_generate(async |out| {
            out.emit(1).await?;
            out.emit(2).await?;
            Err::<(), _>(io::Error::other("out of paper"))
        });
        assert_eq!(stream.next().await.transpose()?, Some(1));
        assert_eq!(stream.next().await.transpose()?, Some(2));
        assert!(!stream.is_terminated());
        assert_eq!(stream.next().await.expect("the error").expect_err("the error").to_string(), "out of paper");
        assert!(stream.is_terminated());
        for _ in 0..3 {
            assert!(stream.next().await.is_none());
        }
        stream.aclose().await
    });
}

#[test]
fn stream_is_terminated_only_after_the_items_behind_the_end_of_the_body() {
    on_both_runtimes(async || {
        let (up, left) = oneshot::channel();
        let mut stream = try_generate(async |out| {
            let mut queued = [1, 2].map(|n| Polled::new(Box::pin(left_behind(out.clone(), n))));
            queued.iter_mut().for_each(Polled::assert_pending);
            assert!(up.send(queued).is_ok());
            Ok::<_, Closed>(())
        });
        for n in 1..=2 {
            assert!(!stream.is_terminated(), "before {n}");
            assert_eq!(stream.next().await, Some(Ok(n)));
        }
        assert!(stream.is_terminated());
        assert_eq!(stream.next().await, None);
        drop(left);
    });
}

async fn left_behind(out: Emitter<u32>, n: u32) -> Result<(), Closed> {
    out.emit(n).await
}

#[test]
fn generator_without_items_ends() {
    on_both_runtimes(async || {
        assert_eq!(numbers(0).next().await, None);
        let mut failing = try_generate::<(), _, _, _>(async |_out| Err("at once"));
        assert_eq!(failing.next().await, Some(Err("at once")));
        assert_eq!(failing.next().await, None);
    });
}

#[test]
fn gen_06_closing_after_the_end_does_nothing() {
    on_both_runtimes(async || {
        let mut stream = numbers(1);
        assert_eq!(stream.next().await, Some(Ok(0)));
        assert_eq!(stream.next().await, None);
        assert_eq!(stream.aclose().await, Ok(()));
    });
}

#[test]
fn gen_17_generator_that_was_never_started_runs_none_of_its_code() {
    on_both_runtimes(async || {
        let body = async |_out| -> Result<(), Closed> { unreachable!("nobody asked") };
        drop(try_generate::<(), _, _, _>(body));
        assert_eq!(try_generate::<(), _, _, _>(body).aclose().await, Ok(()));
        drop(try_generate::<(), _, _, _>(body).aclose());
        drop(try_generate::<(), _, _, _>(body).next().map(drop));
    });
}

#[test]
fn gen_19_generator_moves_between_tasks_and_the_main_future() {
    on_both_runtimes(async || {
        let mut stream = numbers(40);
        assert_eq!(stream.next().await, Some(Ok(0)));
        for task in 0..13 {
            stream = tokio::spawn(async move {
                // Half-way: the waker of this task stays behind in the body's await.
                if stream.next().now_or_never().is_none() {
                    assert_eq!(stream.next().await, Some(Ok(2 * task + 1)));
                }
                stream
            })
            .await
            .expect("no panic");
            assert_eq!(stream.next().await, Some(Ok(2 * task + 2)));
        }
        assert_eq!(stream.aclose().await, Ok(()));
    });
}

#[test]
fn gen_19_wake_up_goes_to_the_task_that_asked_last() {
    on_both_runtimes(async || {
        let (mut stream, out, _end) = open_generator();
        assert!(stream.next().now_or_never().is_none());
        let taker = tokio::spawn(async move {
            let item = stream.next().await;
            (item, stream.next().await, stream)
        });
        let giver = tokio::spawn(async move {
            for _ in 0..5 {
                yield_now().await;
            }
            out.emit(1).await?;
            out.emit(2).await
        });
        let (first, second, stream) = taker.await.expect("no panic");
        assert_eq!((first, second), (Some(Ok(1)), Some(Ok(2))));
        drop(stream);
        assert!(giver.await.expect("no panic").is_err(), "nobody asked for a third");
    });
}

#[test]
fn next_that_is_dropped_loses_nothing() {
    on_current_thread(async || {
        let mut stream = try_generate(async |out| {
            for n in 0..10 {
                sleep(Duration::from_millis(25)).await;
                out.emit(n).await?;
            }
            Ok::<_, Closed>(())
        });
        let mut items = Vec::new();
        while items.len() < 10 {
            if let Ok(item) = timeout(Duration::from_millis(10), stream.next()).await {
                items.push(item.expect("ten items").expect("no error"));
            }
        }
        assert_eq!(items, (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn gen_11_chain_of_100_generators_streams_and_cleans_up_innermost_first() {
    on_both_runtimes(async || {
        let cleaned = Arc::new(Mutex::new(Vec::new()));
        let chain = |log: Arc<Mutex<Vec<u32>>>| {
            let mut inner = numbers(3);
            for depth in 0..100 {
                let log = log.clone();
                inner = try_generate(async move |out| {
                    let mut result = Ok(());
                    while let (Ok(()), Some(item)) = (&result, inner.next().await) {
                        result = out.emit(item? + 1).await;
                    }
                    inner.aclose().await?;
                    yield_now().await;
                    log.lock().unwrap().push(depth);
                    result
                });
            }
            inner
        };
        let innermost_first: Vec<_> = (0..100).collect();

        assert_eq!(chain(cleaned.clone()).try_collect::<Vec<_>>().await, Ok(vec![100, 101, 102]));
        assert_eq!(std::mem::take(&mut *cleaned.lock().unwrap()), innermost_first);

        scope(async |_| assert_eq!(chain(cleaned.clone()).next().await, Some(Ok(100)))).await;
        assert_eq!(std::mem::take(&mut *cleaned.lock().unwrap()), innermost_first);

        let mut stream = chain(cleaned.clone());
        assert_eq!(stream.next().await, Some(Ok(100)));
        assert_eq!(stream.aclose().await, Ok(()));
        assert_eq!(*cleaned.lock().unwrap(), innermost_first);
    });
}

#[test]
fn gen_15_deadline_inside_a_generator_does_not_reach_its_consumer() {
    on_current_thread(async || {
        let mut stream = try_generate(async |out| {
            // It expires while the consumer holds the item.
            let late = timeout(Duration::from_secs(1), async {
                out.emit(1).await.expect("the consumer stays");
                std::future::pending::<()>().await;
            });
            assert!(late.await.is_err());
            scope(async |_| out.emit(2).await).await
        });
        let place = format!("{:?}", Scope::current());
        assert_eq!(stream.next().await, Some(Ok::<_, Closed>(1)));
        assert_eq!(format!("{:?}", Scope::current()), place);
        sleep(Duration::from_secs(5)).await; // Not cut short.
        assert_eq!(stream.next().await, Some(Ok(2)));
        assert_eq!(format!("{:?}", Scope::current()), place, "the generator is inside its scope, not the consumer");
        assert_eq!(stream.next().await, None);
    });
}

#[test]
fn gen_20_adapter_that_borrows_leaves_the_generator_open() {
    on_both_runtimes(async || {
        let mut stream = numbers(5);
        assert_eq!((&mut stream).take(2).try_collect::<Vec<_>>().await, Ok(vec![0, 1]));
        assert_eq!(stream.try_collect::<Vec<_>>().await, Ok(vec![2, 3, 4]));
    });
}

#[test]
fn gen_22_filtered_and_mapped_asynchronously() {
    on_both_runtimes(async || {
        let squares = numbers(10).try_filter(|n| ready(n % 2 == 1)).and_then(async |n| {
            yield_now().await;
            Ok(n * n)
        });
        assert_eq!(squares.try_collect::<Vec<_>>().await, Ok(vec![1, 9, 25, 49, 81]));
    });
}

#[test]
fn panic_of_the_body_reaches_the_consumer_and_ends_the_stream() {
    on_both_runtimes(async || {
        let (up, left) = oneshot::channel();
        let mut stream = try_generate(async |out| {
            assert!(up.send(out.clone()).is_ok());
            out.emit(1).await?;
            panic!("the body")
        });
        assert_eq!(stream.next().await, Some(Ok::<_, Closed>(1)));
        let left = left.await.expect("it was sent");
        let mut queued = Polled::new(left.emit(2));
        queued.assert_pending();
        // Items of other tasks that are queued come first.
        assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok(2))));
        let panic = catch_unwind(AssertUnwindSafe(|| poll_once(pin!(stream.next())))).expect_err("the panic");
        assert_eq!(panic.downcast_ref(), Some(&"the body"));
        assert!(stream.is_terminated());
        assert!(Polled::new(left.emit(3)).assert_ready().is_err(), "closed at once");
        assert_eq!(queued.assert_ready(), Ok(()));
        assert_eq!(stream.next().await, None);
        let none: [&str; 0] = [];
        assert_eq!(heard(async || drop(stream)).await, none, "it was told already");
    });
}

#[test]
fn generators_inside_generators() {
    on_both_runtimes(async || {
        let tree = try_generate(async |out| {
            for n in 0..4 {
                let mut inner = numbers(n);
                while let Some(item) = inner.next().await {
                    out.emit((n, item?)).await?;
                }
            }
            Ok::<_, Closed>(())
        });
        let items = tree.try_collect::<Vec<_>>().await;
        assert_eq!(items, Ok(vec![(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]));
    });
}

#[test]
fn outside_a_runtime_it_is_a_plain_generator() {
    let mut stream = try_generate(async |out| {
        out.emit(1).await?;
        unreachable!("the body is dropped")
    });
    assert_eq!(poll_once(pin!(stream.next())), Poll::Ready(Some(Ok::<_, Closed>(1))));
    drop(stream);
}

#[test]
fn names_nothing_but_itself_in_debug() {
    let (stream, out, _end) = open_generator::<u8>();
    assert_eq!(format!("{stream:?}"), "TryGenerate { ended: false, .. }");
    assert_eq!(format!("{out:?} {:?}", out.emit(1)), "Emitter { .. } Emit { .. }");
}
