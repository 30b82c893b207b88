//! Closing, aborting, and ends that come by themselves.

use bowline_pipeline::{DeadCause, Queue, TryGetError};
use bowline_testing::{Polled, on_both_runtimes};

#[test]
fn q_19_a_close_refuses_what_waits_and_delivers_what_is_inside() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    let mut blocked = Polled::new(producer.put(3));
    blocked.assert_pending();
    queue.close();
    assert!(blocked.is_woken());
    let refused = blocked.assert_ready().unwrap_err();
    assert!(refused.is_closed());
    assert_eq!(refused.to_string(), "the queue is closed: keep the item, or end");
    assert_eq!(refused.into_inner(), 3);

    let mut join = Polled::new(queue.join());
    for n in [1, 2] {
        join.assert_pending();
        let ticket = Polled::new(consumer.get()).assert_ready().unwrap();
        assert_eq!(*ticket, n);
        ticket.done();
    }
    join.assert_ready().unwrap();
    assert!(Polled::new(consumer.get()).assert_ready().is_none());
    assert!(Polled::new(consumer.get()).assert_ready().is_none(), "the end is final");
}

#[test]
fn q_19_a_put_that_was_promised_a_place_is_refused_by_a_close_before_it_took_it() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    let mut promised = Polled::new(producer.put(2));
    promised.assert_pending();
    consumer.try_get().unwrap().done();
    assert!(promised.is_woken());
    queue.close();
    assert_eq!(promised.assert_ready().unwrap_err().into_inner(), 2);
    assert!(Polled::new(consumer.get()).assert_ready().is_none());
}

#[test]
fn consumers_end_only_when_no_ticket_can_come_back() {
    let queue = Queue::bounded(1);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    let ticket = consumer.try_get().unwrap();
    queue.close();
    let mut other = Polled::new(consumer.get());
    other.assert_pending();
    assert_eq!(consumer.try_get().unwrap_err(), TryGetError::Empty);
    ticket.retry();
    other.assert_ready().expect("it has come back").done();
    assert_eq!(consumer.try_get().unwrap_err(), TryGetError::Ended);
}

#[test]
fn q_20_an_abort_returns_the_items_and_releases_a_join() {
    let queue = Queue::bounded(3);
    let (producer, _consumer) = (queue.producer(), queue.consumer());
    for n in 1..=3 {
        producer.try_put(n).unwrap();
    }
    let mut blocked = Polled::new(producer.put(4));
    let mut join = Polled::new(queue.join());
    blocked.assert_pending();
    join.assert_pending();
    assert_eq!(queue.abort(), [1, 2, 3]);
    assert_eq!(blocked.assert_ready().unwrap_err().into_inner(), 4);
    assert!(join.is_woken());
    join.assert_ready().unwrap();
    assert_eq!(queue.statistics().returned, 3);
    assert_eq!(queue.abort(), [0; 0]);
}

#[test]
fn q_21_after_an_abort_a_join_waits_for_exactly_what_is_in_work() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    producer.try_put(2).unwrap();
    let ticket = consumer.try_get().unwrap();
    assert_eq!(queue.abort(), [2]);
    let mut join = Polled::new(queue.join());
    let mut get = Polled::new(consumer.get());
    join.assert_pending();
    get.assert_pending();
    ticket.retry();
    join.assert_ready().unwrap();
    assert!(get.is_woken());
    assert!(get.assert_ready().is_none(), "an aborted queue takes nothing back");
    let report = Polled::new(queue.finish()).assert_ready().unwrap();
    assert_eq!(report.dead_letters[0].item, 1);
    assert!(matches!(report.dead_letters[0].cause, DeadCause::Exhausted));
}

#[test]
fn a_getter_whose_promised_item_was_aborted_goes_on_waiting_and_ends_with_the_queue() {
    let queue = Queue::bounded(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    producer.try_put(1).unwrap();
    let in_work = consumer.try_get().unwrap();
    let mut get = Polled::new(consumer.get());
    get.assert_pending();
    producer.try_put(2).unwrap();
    assert_eq!(queue.abort(), [2]);
    get.assert_pending();
    in_work.done();
    assert!(get.is_woken());
    assert!(get.assert_ready().is_none());
}

#[test]
fn ch_16_a_close_wakes_everybody_who_waits() {
    let full = Queue::bounded(1);
    let producer = full.producer();
    producer.try_put(0).unwrap();
    let mut puts: Vec<_> = (0..10).map(|n| Polled::new(producer.put(n))).collect();
    puts.iter_mut().for_each(Polled::assert_pending);
    full.close();
    for (n, mut put) in (0..).zip(puts) {
        assert!(put.is_woken());
        assert_eq!(put.assert_ready().unwrap_err().into_inner(), n);
    }

    let empty = Queue::<u8>::bounded(1);
    let consumer = empty.consumer();
    let mut gets: Vec<_> = (0..10).map(|_| Polled::new(consumer.get())).collect();
    gets.iter_mut().for_each(Polled::assert_pending);
    empty.close();
    for mut get in gets {
        assert!(get.is_woken());
        assert!(get.assert_ready().is_none());
    }
}

#[test]
fn ch_02_ch_04_ch_25_consumers_end_when_nobody_is_left_who_could_put() {
    on_both_runtimes(async || {
        let queue = Queue::bounded(4);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let second = producer.clone();
        drop(queue);
        second.put(1).await.unwrap();
        drop(producer);
        second.put(2).await.unwrap();
        drop(second);
        for n in [1, 2] {
            let ticket = consumer.get().await.unwrap();
            assert_eq!(*ticket, n);
            ticket.done();
        }
        assert!(consumer.get().await.is_none());
    });
}

#[test]
fn consumers_wait_while_the_queue_could_make_another_producer() {
    let queue = Queue::<u8>::bounded(1);
    let consumer = queue.consumer();
    let mut get = Polled::new(consumer.get());
    get.assert_pending();
    drop(queue.producer());
    get.assert_pending();
    drop(queue);
    assert!(get.is_woken());
    assert!(get.assert_ready().is_none());
}
