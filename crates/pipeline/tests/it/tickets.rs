//! What becomes of an item in work.

use std::sync::{Arc, Mutex};

use bowline_concurrency::{Scope, scope};
use bowline_pipeline::{Consumer, DeadCause, Producer, Queue};
use bowline_testing::{Polled, on_both_runtimes};

fn queue_of<T>(capacity: usize, items: impl IntoIterator<Item = T>) -> (Queue<T>, Producer<T>, Consumer<T>) {
    let queue = Queue::bounded(capacity);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    for item in items {
        producer.try_put(item).expect("there is room for them");
    }
    (queue, producer, consumer)
}

#[test]
fn q_16_a_ticket_can_be_answered_once() {
    // A second answer does not compile: the first one consumes the ticket.
    let (queue, _producer, consumer) = queue_of(1, [1]);
    consumer.try_get().unwrap().done();
    assert_eq!((queue.statistics().done, queue.statistics().in_work), (1, 0));
}

#[test]
fn q_17_the_item_of_a_worker_that_dies_is_counted_and_goes_back() {
    on_both_runtimes(async || {
        let (queue, _producer, consumer) = queue_of(2, [1, 2]);
        let worker = consumer.clone();
        let died = tokio::spawn(async move {
            let _ticket = worker.get().await;
            panic!("the worker dies");
        });
        assert!(died.await.is_err());
        let statistics = queue.statistics();
        assert_eq!((statistics.queued, statistics.in_work, statistics.abandoned, statistics.retried), (2, 0, 1, 1));

        let order: Vec<_> = [(); 2]
            .map(|()| {
                let ticket = consumer.try_get().unwrap();
                let seen = (*ticket, ticket.attempt());
                ticket.done();
                seen
            })
            .into();
        assert_eq!(order, [(2, 1), (1, 2)]);
        queue.join().await.unwrap();
    });
}

#[test]
fn q_17_an_item_that_kills_every_worker_ends_among_the_dead_letters() {
    on_both_runtimes(async || {
        let (queue, producer, consumer) = queue_of(1, ["poison"]);
        drop(producer);
        for _ in 0..3 {
            drop(consumer.get().await.expect("it comes back"));
        }
        let report = queue.finish().await.unwrap();
        assert_eq!((report.statistics.dead, report.statistics.abandoned), (1, 3));
        assert!(!report.is_clean());
        let letter = &report.dead_letters[0];
        assert_eq!((letter.item, letter.attempts), ("poison", 3));
        assert!(matches!(letter.cause, DeadCause::Abandoned));
        assert!(consumer.get().await.is_none());
    });
}

#[test]
fn a_retry_never_waits_and_never_exceeds_the_bound() {
    let (queue, producer, consumer) = queue_of(2, [1, 2]);
    let ticket = consumer.try_get().unwrap();
    let mut waiting = Polled::new(producer.put(3));
    waiting.assert_pending();
    ticket.retry();
    waiting.assert_pending();
    assert_eq!((queue.statistics().queued, queue.statistics().in_work), (2, 0));
    assert_eq!(*consumer.try_get().unwrap(), 2);
}

#[test]
fn a_retry_wakes_a_waiting_consumer_and_keeps_what_the_worker_changed() {
    let (_queue, _producer, consumer) = queue_of(1, [1]);
    let mut ticket = consumer.try_get().unwrap();
    let mut other = Polled::new(consumer.get());
    other.assert_pending();
    *ticket += 10;
    ticket.retry();
    assert!(other.is_woken());
    let again = other.assert_ready().unwrap();
    assert_eq!((*again, again.attempt()), (11, 2));
}

#[test]
fn the_cause_of_a_dead_letter_is_that_of_the_last_attempt() {
    let queue = Queue::bounded(4).with_max_attempts(2);
    let (producer, consumer) = (queue.producer(), queue.consumer());
    for item in ["retry", "retry or fail", "fail", "drop"] {
        producer.try_put(item).unwrap();
    }
    while let Ok(ticket) = consumer.try_get() {
        let attempt = ticket.attempt();
        match *ticket {
            "retry" => ticket.retry(),
            "retry or fail" => ticket.retry_or_fail(format!("attempt {attempt} failed")),
            "fail" => ticket.fail("hopeless"),
            _ => drop(ticket),
        }
    }
    let letters: Vec<_> = queue
        .take_dead_letters()
        .into_iter()
        .map(|letter| (letter.item, letter.attempts, letter.cause.to_string()))
        .collect();
    let expected = [
        ("fail", 1, "hopeless"),
        ("retry", 2, "every attempt asked for another one"),
        ("retry or fail", 2, "attempt 2 failed"),
        ("drop", 2, "the worker dropped its ticket"),
    ];
    assert_eq!(letters, expected.map(|(item, attempts, cause)| (item, attempts, cause.to_owned())));
    let statistics = queue.statistics();
    assert_eq!((statistics.put, statistics.dead, statistics.retried, statistics.abandoned), (4, 4, 3, 2));
}

#[test]
fn an_item_can_be_taken_out_of_the_queue() {
    let (queue, producer, consumer) = queue_of(1, [String::from("item")]);
    assert_eq!(consumer.try_get().unwrap().into_inner(), "item");
    assert_eq!((queue.statistics().returned, queue.statistics().in_work), (1, 0));
    producer.try_put(String::new()).expect("its place is free");
}

#[test]
fn dead_letters_that_nobody_has_read_are_reported() {
    on_both_runtimes(async || {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let observer = heard.clone();
        scope(async |_| {
            Scope::current().observe_failures(move |failure| observer.lock().unwrap().push(failure.to_string()));
            let (queue, _producer, consumer) = queue_of(1, [1]);
            consumer.try_get().unwrap().fail("boom");
            drop(queue);
        })
        .await;
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 1);
        assert!(heard[0].contains("tickets.rs") && heard[0].contains("boom"), "{}", heard[0]);
    });
}
