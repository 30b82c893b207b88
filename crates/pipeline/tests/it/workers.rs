//! The pool of workers.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bowline_concurrency::{scope, timeout};
use bowline_pipeline::{DeadCause, Queue, workers};
use bowline_testing::{assert_cancel_safe, on_both_runtimes};
use tokio::task::yield_now;

#[test]
fn every_item_is_handled_by_as_many_workers_as_asked_for() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(10);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (running, highest) = (now.clone(), peak.clone());
        let handler = move |_: u32| {
            let (now, peak) = (running.clone(), highest.clone());
            async move {
                peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                yield_now().await;
                now.fetch_sub(1, Ordering::SeqCst);
                Ok::<_, Infallible>(())
            }
        };
        let report = scope(async |group| {
            drop(group.spawn(workers(3, consumer, handler)));
            for n in 0..50 {
                producer.put(n).await.unwrap();
            }
            drop(producer);
            queue.finish().await
        })
        .await
        .unwrap();
        assert_eq!(report.statistics.done, 50);
        assert!((2..=3).contains(&peak.load(Ordering::SeqCst)));
    });
}

#[test]
fn errors_are_retried_and_then_dead_and_the_pool_goes_on() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(10).with_max_attempts(4);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let attempts = Arc::new(AtomicUsize::new(0));
        let count = attempts.clone();
        let handler = move |item: &'static str| {
            let attempt = if item == "bad" { count.fetch_add(1, Ordering::Relaxed) + 1 } else { 0 };
            async move { if attempt == 0 { Ok(()) } else { Err(format!("attempt {attempt}")) } }
        };
        for item in ["good", "bad", "good"] {
            producer.put(item).await.unwrap();
        }
        drop(producer);
        let (report, ()) = tokio::join!(queue.finish(), workers(2, consumer, handler));
        let report = report.unwrap();
        assert_eq!((report.statistics.done, report.statistics.retried), (2, 3));
        let letter = &report.dead_letters[0];
        assert_eq!((letter.item, letter.attempts), ("bad", 4));
        assert!(matches!(&letter.cause, DeadCause::Failed(error) if error.to_string() == "attempt 4"));
    });
}

#[test]
fn q_17_a_worker_that_panics_loses_nothing() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(10);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        for n in 0..5 {
            producer.put(n).await.unwrap();
        }
        drop(producer);
        let handler = |n| async move {
            yield_now().await;
            if n == 2 {
                std::panic::panic_any("the payload");
            }
            Ok::<_, Infallible>(())
        };
        let pool = tokio::spawn(workers(2, consumer, handler));
        let payload = pool.await.unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref(), Some(&"the payload"));
        let statistics = queue.statistics();
        assert_eq!((statistics.in_work, statistics.consumers), (0, 0), "the workers have ended");
        assert!(statistics.abandoned >= 1);
        let error = queue.finish().await.unwrap_err();
        assert_eq!(statistics.done + error.left() as u64, 5);
        assert!(queue.abort().contains(&2));
    });
}

#[test]
fn a_deadline_over_the_pool_loses_nothing() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(10);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        for n in 0..5 {
            producer.put(n).await.unwrap();
        }
        let handler = |n| async move {
            if n % 2 == 1 {
                std::future::pending::<()>().await;
            }
            Ok::<_, Infallible>(())
        };
        let late = timeout(Duration::from_millis(30), workers(2, consumer, handler)).await;
        assert!(late.is_err());
        let mut left = queue.abort();
        left.sort_unstable();
        assert_eq!(left, [1, 3, 4]);
        assert_eq!((queue.statistics().in_work, queue.statistics().done), (0, 2));
    });
}

#[test]
fn cancelled_at_every_await_point_the_pool_loses_nothing() {
    assert_cancel_safe(
        async || {
            let queue = Queue::bounded(4);
            let (producer, consumer) = (queue.producer(), queue.consumer());
            for n in 0..4 {
                producer.put(n).await.unwrap();
            }
            drop(producer);
            queue.close();
            let handler = |_| async {
                yield_now().await;
                Ok::<_, Infallible>(())
            };
            (workers(2, consumer, handler), queue)
        },
        async |queue| {
            let left = queue.abort().len() as u64;
            let statistics = queue.statistics();
            assert_eq!((statistics.in_work, statistics.dead, statistics.consumers), (0, 0, 0));
            assert_eq!(statistics.done + left, 4);
        },
    )
    .at_least(1);
}

#[test]
#[should_panic = "a pool of no workers never ends"]
fn a_pool_of_no_workers_is_refused() {
    drop(workers(0, Queue::<u8>::bounded(1).consumer(), |_| async { Ok::<_, Infallible>(()) }));
}
