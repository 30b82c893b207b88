//! In, out, and in which order.

use bowline_concurrency::scope;
use bowline_pipeline::{Queue, TryGetError};
use bowline_testing::{Polled, on_both_runtimes};

#[test]
fn q_01_first_in_first_out() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(3);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        for item in [1, 3, 2] {
            producer.put(item).await.unwrap();
        }
        for item in [1, 3, 2] {
            let ticket = consumer.get().await.unwrap();
            assert_eq!(*ticket, item);
            ticket.done();
        }
    });
}

#[test]
fn q_02_a_put_into_a_full_queue_waits_for_a_place() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    let mut third = Polled::new(producer.put(3));
    third.assert_pending();

    let first = consumer.try_get().unwrap();
    third.assert_pending(); // An item in work keeps its place, where asyncio frees it at `get`.
    first.done();
    assert!(third.is_woken());
    third.assert_ready().unwrap();
    let rest: Vec<_> = [(); 2].map(|()| consumer.try_get().unwrap().into_inner()).into();
    assert_eq!(rest, [2, 3]);
}

#[test]
fn q_02_puts_get_places_in_the_order_of_asking() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let mut puts: Vec<_> = (0..5).map(|n| Polled::new(producer.put(n))).collect();
    puts[0].assert_ready().unwrap();
    for put in &mut puts[1..] {
        put.assert_pending();
    }
    for (n, put) in (0..).zip(&mut puts).skip(1) {
        let ticket = consumer.try_get().unwrap();
        assert_eq!(*ticket, n - 1);
        ticket.done();
        assert!(producer.try_put(99).unwrap_err().is_full(), "the place is promised to the first in line");
        put.assert_ready().unwrap();
    }
}

#[test]
fn q_04_the_forms_that_do_not_wait_give_the_item_back_or_say_that_there_is_none() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    assert_eq!(consumer.try_get().unwrap_err(), TryGetError::Empty);
    producer.try_put("a").unwrap();
    let full = producer.try_put("b").unwrap_err();
    assert!(full.is_full() && !full.is_closed());
    assert_eq!(full.to_string(), "the queue is full: wait for a place with `put`, or turn the work away");
    assert_eq!(full.into_inner(), "b");
    consumer.try_get().unwrap().done();
    queue.close();
    assert!(producer.try_put("c").unwrap_err().is_closed());
    assert_eq!(consumer.try_get().unwrap_err(), TryGetError::Ended);
}

#[test]
fn q_05_the_counts_are_exact() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    let mut waiting = Polled::new(producer.put(3));
    waiting.assert_pending();
    let ticket = consumer.try_get().unwrap();
    let statistics = queue.statistics();
    assert_eq!((statistics.capacity, statistics.queued, statistics.in_work, statistics.waiting_to_put), (2, 1, 1, 1));
    assert_eq!((statistics.producers, statistics.consumers), (1, 1));
    ticket.done();
    drop(waiting);
    consumer.try_get().unwrap().done();
    let mut getting = Polled::new(consumer.get());
    getting.assert_pending();
    let statistics = queue.statistics();
    assert_eq!((statistics.put, statistics.done, statistics.waiting_to_get), (2, 2, 1));
    assert_eq!((statistics.waiting_to_put, statistics.queued, statistics.in_work), (0, 0, 0));
}

#[test]
fn ch_06_nobody_takes_what_a_waiting_consumer_was_promised() {
    let queue = Queue::bounded(4);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    let mut waiting = Polled::new(consumer.get());
    waiting.assert_pending();
    producer.try_put(1).unwrap();
    assert!(waiting.is_woken());
    assert_eq!(consumer.try_get().unwrap_err(), TryGetError::Empty);
    producer.try_put(2).unwrap();
    // Whoever is polled first gets the first item: the order is that of the items.
    assert_eq!(*consumer.try_get().unwrap(), 1);
    assert_eq!(*waiting.assert_ready().unwrap(), 2);
}

#[test]
fn ch_07_several_consumers_get_each_item_once() {
    on_both_runtimes(async || {
        let queue = Queue::<u32>::bounded(8);
        let producer = queue.producer();
        let mut seen = scope(async |group| {
            let consumers: Vec<_> = (0..4)
                .map(|_| {
                    let consumer = queue.consumer();
                    group.spawn(async move {
                        let mut seen = Vec::new();
                        while let Some(ticket) = consumer.get().await {
                            seen.push(*ticket);
                            tokio::task::yield_now().await;
                            ticket.done();
                        }
                        seen
                    })
                })
                .collect();
            for n in 0..500 {
                producer.put(n).await.unwrap();
            }
            drop(producer);
            assert!(queue.finish().await.unwrap().is_clean());
            let mut seen = Vec::new();
            for consumer in consumers {
                let mut own = consumer.await;
                assert!(!own.is_empty(), "a consumer has starved");
                assert!(own.is_sorted());
                seen.append(&mut own);
            }
            seen
        })
        .await;
        seen.sort_unstable();
        assert_eq!(seen, Vec::from_iter(0..500));
    });
}

#[test]
fn a_loop_on_a_queue_that_is_never_empty_lets_its_neighbours_run() {
    bowline_testing::on_current_thread(async || {
        let queue = Queue::bounded(1);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let busy = tokio::spawn(async move {
            loop {
                producer.put(()).await.unwrap();
                consumer.get().await.unwrap().done();
            }
        });
        tokio::spawn(async {}).await.expect("it gets its turn");
        busy.abort();
        assert!(busy.await.unwrap_err().is_cancelled());
    });
}

#[test]
#[should_panic = "a queue of capacity 0 takes no item"]
fn a_queue_without_room_is_refused() {
    let _ = Queue::<u8>::bounded(0);
}
