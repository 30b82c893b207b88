//! Every interleaving of two or three threads: `cargo xtask loom`.

use loom::{
    future::block_on,
    thread::{self, JoinHandle},
};

use crate::{Queue, Ticket};

fn spawn<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> JoinHandle<R> {
    thread::spawn(move || block_on(work))
}

#[test]
fn loom_every_item_arrives_and_then_the_consumer_ends() {
    loom::model(|| {
        let queue = Queue::<u8>::bounded(1);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let got = spawn(async move {
            let mut got = Vec::new();
            while let Some(ticket) = consumer.get().await {
                got.push(*ticket);
                ticket.done();
            }
            got
        });
        block_on(async {
            producer.put(1).await.expect("a consumer is there");
            producer.put(2).await.expect("a consumer is there");
            drop(producer);
            let report = queue.finish().await.expect("a consumer is there");
            assert_eq!(report.statistics.done, 2);
        });
        assert_eq!(got.join().unwrap(), [1, 2]);
    });
}

#[test]
fn loom_q_19_a_close_beside_a_put_refuses_it_or_delivers_it() {
    loom::model(|| {
        let queue = Queue::bounded(1);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        producer.try_put(0).expect("it is empty");
        let put = spawn(async move { producer.put(1).await });
        let got = spawn(async move {
            let mut got = Vec::new();
            while let Some(ticket) = consumer.get().await {
                got.push(ticket.into_inner());
            }
            got
        });
        queue.close();
        let mut items = got.join().unwrap();
        if let Err(refused) = put.join().unwrap() {
            items.push(refused.into_inner());
        }
        assert_eq!(items, [0, 1]);
    });
}

#[test]
fn loom_q_12_the_item_of_a_getter_that_gives_up_reaches_the_other() {
    loom::model(|| {
        let queue = Queue::bounded(1);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let other = consumer.clone();
        let gives_up = thread::spawn(move || {
            let mut get = consumer.get();
            let ticket = bowline_testing::poll_once(std::pin::Pin::new(&mut get));
            drop(get);
            // A ticket dropped here goes back, too.
            drop(ticket);
            consumer
        });
        let gets = spawn(async move { other.get().await.map(Ticket::into_inner) });
        producer.try_put(1).expect("it is empty");
        assert_eq!(gets.join().unwrap(), Some(1));
        drop(gives_up.join().unwrap());
    });
}

#[test]
fn loom_q_12_the_place_of_a_put_that_gives_up_reaches_the_other() {
    loom::model(|| {
        let queue = Queue::bounded(1);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let other = producer.clone();
        producer.try_put(0).expect("it is empty");
        let gives_up = thread::spawn(move || {
            let mut put = producer.put(1);
            drop(bowline_testing::poll_once(std::pin::Pin::new(&mut put)));
            put.into_inner().is_none()
        });
        let puts = spawn(async move { other.put(2).await.is_ok() });
        consumer.try_get().expect("it was put").done();
        let first = gives_up.join().unwrap();
        if first {
            // It was faster, and took the place.
            block_on(consumer.get()).expect("it was put").done();
        }
        assert!(puts.join().unwrap());
        assert_eq!(queue.statistics().put, 2 + u64::from(first));
    });
}

#[test]
fn loom_q_22_the_last_consumer_goes_and_nobody_hangs() {
    loom::model(|| {
        let queue = Queue::bounded(1);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let put = spawn(async move {
            let first = producer.put(1).await.is_ok();
            let second = producer.put(2).await.is_ok();
            (first, second)
        });
        let worker = thread::spawn(move || drop(consumer.try_get()));
        let finished = block_on(queue.finish());
        let (first, second) = put.join().unwrap();
        worker.join().unwrap();
        assert!(first || !second, "the order of puts");
        assert_eq!(finished.is_err(), first, "an item that was accepted is left, and nobody to take it");
        assert_eq!(queue.abort().len(), usize::from(first) + usize::from(second));
    });
}
