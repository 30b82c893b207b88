//! Waiting for the whole.

use bowline_concurrency::{ScopeError, TaskGroup, scope, try_scope};
use bowline_pipeline::{Consumer, NoConsumers, Producer, PutError, Queue};
use bowline_testing::{Polled, on_both_runtimes};

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Put(#[from] PutError<u32>),
    #[error(transparent)]
    NoConsumers(#[from] NoConsumers),
}

async fn produce(queue: Producer<u32>) -> Result<(), Error> {
    tokio::task::yield_now().await;
    for n in 0..100 {
        queue.put(n).await?;
    }
    Ok(())
}

async fn consume(queue: Consumer<u32>, _worker: usize) -> Result<(), Error> {
    while let Some(ticket) = queue.get().await {
        tokio::task::yield_now().await;
        ticket.done();
    }
    Ok(())
}

#[test]
fn finish_waits_for_producers_that_have_not_begun() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(10);
        let report = try_scope(async |group: &TaskGroup<Error>| {
            drop(group.try_spawn(produce(queue.producer())));
            for n in 0..4 {
                drop(group.try_spawn(consume(queue.consumer(), n)));
            }
            Ok(queue.finish().await?)
        })
        .await?;
        assert_eq!((report.statistics.put, report.statistics.done), (100, 100));
        assert_eq!((report.statistics.producers, report.statistics.queued), (0, 0));
        assert!(report.is_clean());
        Ok::<_, ScopeError<Error>>(())
    });
}

#[test]
fn q_14_a_join_on_an_empty_queue_is_immediate_twice() {
    let queue = Queue::<u8>::bounded(1);
    let _producer = queue.producer();
    Polled::new(queue.join()).assert_ready().unwrap();
    Polled::new(queue.join()).assert_ready().unwrap();
    assert!(queue.producer().try_put(1).is_ok(), "it does not close");
}

#[test]
fn q_15_a_join_returns_when_everything_is_processed() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(100);
        let producer = queue.producer();
        for n in 0..100 {
            producer.put(n).await.unwrap();
        }
        scope(async |group| {
            for n in 0..2 {
                drop(group.spawn({
                    let consumer = queue.consumer();
                    async move { consume(consumer, n).await.unwrap() }
                }));
            }
            queue.join().await.unwrap();
            assert_eq!(queue.statistics().done, 100);
            queue.close();
        })
        .await;
    });
}

#[test]
fn a_join_does_not_miss_the_moment_because_more_came_at_once() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    let mut join = Polled::new(queue.join());
    join.assert_pending();
    consumer.try_get().unwrap().done();
    producer.try_put(2).unwrap();
    assert!(join.is_woken());
    join.assert_ready().unwrap();
}

#[test]
fn q_17_a_join_survives_a_worker_that_dies_and_waits_for_its_item() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    let mut join = Polled::new(queue.join());
    join.assert_pending();
    drop(consumer.try_get().unwrap());
    join.assert_pending();
    consumer.try_get().unwrap().done();
    assert!(join.is_woken());
    join.assert_ready().unwrap();
}

#[test]
fn q_22_work_without_a_consumer_is_an_error_not_a_hang() {
    // Joined before and after the close.
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    let mut join = Polled::new(queue.join());
    let mut finish = Polled::new(queue.finish());
    join.assert_pending();
    finish.assert_pending();
    queue.close();
    join.assert_pending();
    drop(consumer);
    assert!(join.is_woken() && finish.is_woken());
    let error = join.assert_ready().unwrap_err();
    assert_eq!(error.left(), 1);
    assert!(error.to_string().starts_with("1 items are left in the queue made at "), "{error}");
    assert_eq!(finish.assert_ready().unwrap_err(), error);
    assert_eq!(Polled::new(queue.join()).assert_ready(), Err(error));

    let late = queue.consumer();
    late.try_get().unwrap().done();
    assert!(Polled::new(queue.finish()).assert_ready().expect("a new consumer has done the work").is_clean());
}

#[test]
fn a_ticket_that_outlives_the_last_consumer_is_waited_for() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    drop(producer);
    let first = consumer.try_get().unwrap();
    let second = consumer.try_get().unwrap();
    drop(consumer);
    let mut finish = Polled::new(queue.finish());
    finish.assert_pending();
    first.done();
    finish.assert_pending();
    second.retry();
    assert!(finish.is_woken());
    assert_eq!(finish.assert_ready().unwrap_err().left(), 1);
}

#[test]
fn work_without_a_consumer_is_reported_when_the_last_ticket_is_settled() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    let ticket = consumer.try_get().unwrap();
    drop(consumer);
    let mut join = Polled::new(queue.join());
    join.assert_pending(); // Whoever has the ticket may still make another consumer.
    ticket.done();
    assert!(join.is_woken());
    assert_eq!(join.assert_ready().unwrap_err().left(), 1);
}

#[test]
fn a_put_that_was_told_of_the_last_consumer_goes_on_when_another_one_comes_first() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    let ticket = consumer.try_get().unwrap();
    let mut put = Polled::new(producer.put(2));
    put.assert_pending();
    drop(consumer);
    ticket.done();
    let again = queue.consumer();
    put.assert_ready().expect("there is a place and a consumer");

    // And it is told anew when that one goes.
    let mut put = Polled::new(producer.put(3));
    put.assert_pending();
    drop(again);
    assert!(put.is_woken());
    let revived = queue.consumer();
    put.assert_pending();
    drop(revived);
    assert!(put.is_woken());
    assert_eq!(put.assert_ready().unwrap_err().into_inner(), 3);
}

#[test]
fn a_producer_is_not_left_waiting_for_consumers_that_have_gone() {
    let queue = Queue::bounded(1);
    let producer = queue.producer();
    producer.try_put(0).expect("no consumer *yet* is no reason to refuse");
    let consumer = queue.consumer();
    let mut waiting = Polled::new(producer.put(1));
    waiting.assert_pending();
    drop(consumer);
    assert!(waiting.is_woken());
    let refused = waiting.assert_ready().unwrap_err();
    assert!(!refused.is_closed());
    assert_eq!(refused.to_string(), "the last consumer of the queue has gone: keep the item, or end");
    assert_eq!(refused.into_inner(), 1);

    let consumer = queue.consumer();
    consumer.try_get().unwrap().done();
    producer.try_put(2).expect("a new consumer makes puts welcome again");
}

#[test]
fn finish_wakes_when_the_last_producer_goes_and_then_everybody_ends() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let second = producer.clone();
    let mut finish = Polled::new(queue.finish());
    finish.assert_pending();
    let mut get = Polled::new(consumer.get());
    get.assert_pending();
    drop(producer);
    assert!(!finish.is_woken());
    second.try_put(1).unwrap();
    get.assert_ready().unwrap().done();
    let mut get = Polled::new(consumer.get());
    get.assert_pending();
    drop(second);
    assert!(finish.is_woken() && !get.is_woken());
    assert!(finish.assert_ready().unwrap().is_clean());
    assert!(get.is_woken());
    assert!(get.assert_ready().is_none());
}

#[test]
fn finish_wakes_only_when_its_verdict_may_have_changed() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let mut finish = Polled::new(queue.finish());
    finish.assert_pending();
    assert!(!finish.is_woken(), "it would spin");
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    let one = consumer.try_get().unwrap();
    one.done();
    assert!(!finish.is_woken());
    drop(queue.producer()); // Came and went, with the other one still there.
    assert!(!finish.is_woken());
    consumer.try_get().unwrap().done();
    drop(producer);
    // A producer that is made when the others have gone counts again.
    let again = queue.producer();
    finish.assert_pending();
    drop(again);
    assert!(finish.is_woken());
    assert!(finish.assert_ready().unwrap().is_clean());
}

#[test]
fn a_crawl_is_joined_then_closed() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(200);
        queue.producer().put(1_u32).await.unwrap();
        scope(async |group| {
            for _ in 0..3 {
                let (producer, consumer) = (queue.producer(), queue.consumer());
                drop(group.spawn(async move {
                    while let Some(node) = consumer.get().await {
                        for child in [2 * *node, 2 * *node + 1] {
                            if child < 100 {
                                producer.put(child).await.unwrap();
                            }
                        }
                        node.done();
                    }
                }));
            }
            queue.join().await.unwrap();
            queue.close();
        })
        .await;
        assert_eq!(queue.statistics().done, 99);
    });
}
