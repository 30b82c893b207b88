//! Puts, gets and loops that are dropped half-way.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bowline_concurrency::scope;
use bowline_pipeline::Queue;
use bowline_testing::{DropLog, Polled, assert_cancel_safe};

#[test]
fn q_06_the_second_getter_gets_the_item_of_a_cancelled_first() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let mut first = Polled::new(consumer.get());
    let mut second = Polled::new(consumer.get());
    first.assert_pending();
    second.assert_pending();
    drop(first);
    producer.try_put(1).unwrap();
    assert!(second.is_woken());
    assert_eq!(*second.assert_ready().unwrap(), 1);
}

#[test]
fn q_07_ch_10_a_getter_cancelled_after_its_item_came_loses_neither_item_nor_order() {
    let queue = Queue::bounded(3);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let mut getter = Polled::new(consumer.get());
    getter.assert_pending();
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    assert!(getter.is_woken());
    drop(getter);
    assert_eq!(queue.statistics().queued, 2);
    assert_eq!([consumer.try_get().unwrap().into_inner(), consumer.try_get().unwrap().into_inner()], [1, 2]);
}

#[test]
fn q_09_a_cancelled_put_never_happens_and_the_others_keep_their_order() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let log = DropLog::default();
    producer.try_put((0, None)).unwrap();
    let mut puts: Vec<_> = (1..=3).map(|n| Polled::new(producer.put((n, Some(log.probe("item")))))).collect();
    for put in &mut puts {
        put.assert_pending();
    }
    drop(puts.remove(1));
    assert_eq!(log.count("item"), 1, "its item goes with it");
    let mut order = vec![consumer.try_get().unwrap().into_inner().0];
    for mut put in puts {
        put.assert_ready().unwrap();
        order.push(consumer.try_get().unwrap().into_inner().0);
    }
    assert_eq!(order, [0, 1, 3]);
    assert_eq!(queue.statistics().put, 3);
}

#[test]
fn q_10_a_cancelled_producer_gets_its_item_back() {
    let queue = Queue::bounded(1);
    let (producer, _consumer) = (queue.producer(), queue.consumer());
    let never_polled = producer.put("never polled");
    assert_eq!(never_polled.into_inner(), Some("never polled"));
    assert_eq!(queue.statistics().put, 0);

    let mut accepted = producer.put("accepted");
    assert!(bowline_testing::poll_once(std::pin::Pin::new(&mut accepted)).is_ready());
    assert_eq!(accepted.into_inner(), None);

    let mut waiting = producer.put("waiting");
    assert!(bowline_testing::poll_once(std::pin::Pin::new(&mut waiting)).is_pending());
    assert_eq!(waiting.into_inner(), Some("waiting"));
    assert_eq!(queue.statistics().waiting_to_put, 0);
}

#[test]
fn q_11_cancelled_waiters_leave_nothing_behind() {
    let queue = Queue::<u8>::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    for _ in 0..100 {
        let mut get = Polled::new(consumer.get());
        get.assert_pending();
        let mut join = Polled::new(queue.finish());
        join.assert_pending();
    }
    producer.try_put(1).unwrap();
    for _ in 0..100 {
        Polled::new(producer.put(2)).assert_pending();
    }
    let statistics = queue.statistics();
    assert_eq!((statistics.waiting_to_get, statistics.waiting_to_put), (0, 0));
    consumer.try_get().unwrap().done();
    producer.try_put(3).expect("no phantom has taken the place");
}

#[test]
fn q_12_a_woken_getter_that_is_cancelled_passes_its_item_on() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let mut first = Polled::new(consumer.get());
    let mut second = Polled::new(consumer.get());
    first.assert_pending();
    second.assert_pending();
    producer.try_put(1).unwrap();
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken());
    assert_eq!(*second.assert_ready().unwrap(), 1);
}

#[test]
fn q_12_a_woken_put_that_is_cancelled_passes_its_place_on() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(0).unwrap();
    let mut first = Polled::new(producer.put(1));
    let mut second = Polled::new(producer.put(2));
    first.assert_pending();
    second.assert_pending();
    consumer.try_get().unwrap().done();
    assert!(first.is_woken() && !second.is_woken());
    drop(first);
    assert!(second.is_woken());
    second.assert_ready().unwrap();
    assert_eq!(*consumer.try_get().unwrap(), 2);
}

#[test]
fn waiters_that_move_to_another_task_are_woken_there() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let mut get = consumer.get();
    assert!(bowline_testing::poll_once(std::pin::Pin::new(&mut get)).is_pending());
    let mut get = Polled::new(get);
    get.assert_pending();
    producer.try_put(1).unwrap();
    assert!(get.is_woken());
    let ticket = get.assert_ready().unwrap();

    let mut put = producer.put(2);
    assert!(bowline_testing::poll_once(std::pin::Pin::new(&mut put)).is_pending());
    let mut put = Polled::new(put);
    put.assert_pending();
    ticket.done();
    assert!(put.is_woken());
    put.assert_ready().unwrap();
}

#[test]
fn cancelled_at_every_await_point_nothing_is_lost() {
    assert_cancel_safe(
        async || {
            let queue = Arc::new(Queue::bounded(2));
            let done = Arc::new(AtomicUsize::new(0));
            let (own, count) = (queue.clone(), done.clone());
            let (producer, consumer) = (queue.producer(), queue.consumer());
            let future = async move {
                let put = async {
                    for n in 0..5 {
                        producer.put(n).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    drop(producer);
                };
                let get = async {
                    while let Some(ticket) = consumer.get().await {
                        tokio::task::yield_now().await;
                        count.fetch_add(1, Ordering::Relaxed);
                        ticket.done();
                    }
                };
                let (report, (), ()) = tokio::join!(own.finish(), put, get);
                assert!(report.unwrap().is_clean());
            };
            (future, (queue, done))
        },
        async |(queue, done)| check_accounts(&queue, done.load(Ordering::Relaxed)),
    )
    .at_least(8);
}

#[test]
fn cancelled_at_every_await_point_tasks_lose_nothing_either() {
    assert_cancel_safe(
        async || {
            let queue = Arc::new(Queue::bounded(2));
            let done = Arc::new(AtomicUsize::new(0));
            let (own, count) = (queue.clone(), done.clone());
            let future = async move {
                scope(async |group| {
                    let producer = own.producer();
                    drop(group.spawn(async move {
                        for n in 0..5 {
                            producer.put(n).await.unwrap();
                        }
                    }));
                    for _ in 0..3 {
                        let (consumer, count) = (own.consumer(), count.clone());
                        drop(group.spawn(async move {
                            while let Some(ticket) = consumer.get().await {
                                tokio::task::yield_now().await;
                                count.fetch_add(1, Ordering::Relaxed);
                                ticket.done();
                            }
                        }));
                    }
                    assert!(own.finish().await.unwrap().is_clean());
                })
                .await;
            };
            (future, (queue, done))
        },
        async |(queue, done)| check_accounts(&queue, done.load(Ordering::Relaxed)),
    )
    .at_least(2);
}

/// Nothing is in work, nobody waits, and every item is accounted for.
fn check_accounts(queue: &Queue<i32>, done: usize) {
    let before = queue.statistics();
    assert_eq!((before.in_work, before.waiting_to_get, before.waiting_to_put), (0, 0, 0));
    assert_eq!((before.producers, before.consumers), (0, 0));
    assert_eq!(before.done, done as u64);
    let left = queue.abort();
    let after = queue.statistics();
    assert_eq!(after.put, after.done + after.dead + after.returned);
    assert_eq!(left.len() as u64, after.returned);
    assert_eq!(queue.take_dead_letters().len() as u64, after.dead);
}
