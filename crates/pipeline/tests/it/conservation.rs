//! Any order of operations, against the rules that hold after each of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    task::Poll,
};

use bowline_pipeline::{Consumer, Get, Producer, Put, Queue, Ticket};
use bowline_testing::poll_once;
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Operation {
    TryPut,
    Put,
    PollPut(usize),
    CancelPut(usize),
    TryGet,
    Get,
    PollGet(usize),
    CancelGet(usize),
    Done(usize),
    Retry(usize),
    RetryOrFail(usize),
    Fail(usize),
    Abandon(usize),
    TakeOut(usize),
    Close,
    Abort,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let n = 0..8_usize;
    prop_oneof![
        6 => Just(TryPut),
        8 => Just(Put),
        6 => n.clone().prop_map(PollPut),
        3 => n.clone().prop_map(CancelPut),
        6 => Just(TryGet),
        8 => Just(Get),
        6 => n.clone().prop_map(PollGet),
        3 => n.clone().prop_map(CancelGet),
        5 => n.clone().prop_map(Done),
        2 => n.clone().prop_map(Retry),
        2 => n.clone().prop_map(RetryOrFail),
        2 => n.clone().prop_map(Fail),
        2 => n.clone().prop_map(Abandon),
        2 => n.prop_map(TakeOut),
        1 => Just(Close),
        1 => Just(Abort),
    ]
}

/// What the test has in hand, and where it has seen each item end.
struct World<'a> {
    queue: &'a Queue<u32>,
    producer: &'a Producer<u32>,
    consumer: &'a Consumer<u32>,
    puts: Vec<(u32, Put<'a, u32>)>,
    gets: Vec<Get<'a, u32>>,
    tickets: Vec<Ticket<u32>>,
    next: u32,
    ends: BTreeMap<&'static str, BTreeSet<u32>>,
    /// First deliveries, which must come in the order of acceptance.
    delivered: Vec<u32>,
    accepted: Vec<u32>,
    closed: bool,
}

impl World<'_> {
    fn end(&mut self, end: &'static str, item: u32) {
        assert!(self.ends.entry(end).or_default().insert(item), "{item} has ended twice as {end}");
    }

    fn new_item(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn took(&mut self, ticket: Ticket<u32>) {
        if ticket.attempt() == 1 {
            self.delivered.push(*ticket);
        }
        self.tickets.push(ticket);
    }

    fn poll_put(&mut self, index: usize) {
        let (item, put) = &mut self.puts[index];
        let item = *item;
        match poll_once(Pin::new(put)) {
            Poll::Pending => return,
            Poll::Ready(Ok(())) => self.accepted.push(item),
            Poll::Ready(Err(refused)) => {
                assert!(refused.is_closed() && self.closed);
                assert_eq!(refused.into_inner(), item);
                self.end("refused", item);
            }
        }
        drop(self.puts.remove(index));
    }

    fn poll_get(&mut self, index: usize) {
        match poll_once(Pin::new(&mut self.gets[index])) {
            Poll::Pending => return,
            Poll::Ready(Some(ticket)) => self.took(ticket),
            Poll::Ready(None) => assert!(self.closed && self.tickets.is_empty()),
        }
        drop(self.gets.remove(index));
    }

    fn apply(&mut self, operation: &Operation) {
        let pick = |n: &usize, of: usize| (of > 0).then(|| n % of);
        match operation {
            Operation::TryPut => {
                let item = self.new_item();
                match self.producer.try_put(item) {
                    Ok(()) => self.accepted.push(item),
                    Err(error) => self.end("refused", error.into_inner()),
                }
            }
            Operation::Put => {
                let item = self.new_item();
                self.puts.push((item, self.producer.put(item)));
                self.poll_put(self.puts.len() - 1);
            }
            Operation::PollPut(n) => {
                if let Some(n) = pick(n, self.puts.len()) {
                    self.poll_put(n);
                }
            }
            Operation::CancelPut(n) => {
                if let Some(n) = pick(n, self.puts.len()) {
                    let (item, put) = self.puts.remove(n);
                    assert_eq!(put.into_inner(), Some(item));
                    self.end("cancelled", item);
                }
            }
            Operation::TryGet => {
                if let Ok(ticket) = self.consumer.try_get() {
                    self.took(ticket);
                }
            }
            Operation::Get => {
                self.gets.push(self.consumer.get());
                self.poll_get(self.gets.len() - 1);
            }
            Operation::PollGet(n) => {
                if let Some(n) = pick(n, self.gets.len()) {
                    self.poll_get(n);
                }
            }
            Operation::CancelGet(n) => {
                if let Some(n) = pick(n, self.gets.len()) {
                    drop(self.gets.remove(n));
                }
            }
            Operation::Close => {
                self.queue.close();
                self.closed = true;
            }
            Operation::Abort => {
                for item in self.queue.abort() {
                    self.end("returned", item);
                }
                self.closed = true;
            }
            Operation::Done(n)
            | Operation::Retry(n)
            | Operation::RetryOrFail(n)
            | Operation::Fail(n)
            | Operation::Abandon(n)
            | Operation::TakeOut(n) => {
                let Some(n) = pick(n, self.tickets.len()) else { return };
                let ticket = self.tickets.remove(n);
                match operation {
                    Operation::Done(_) => {
                        self.end("done", *ticket);
                        ticket.done();
                    }
                    Operation::Retry(_) => ticket.retry(),
                    Operation::RetryOrFail(_) => ticket.retry_or_fail("an error"),
                    Operation::Fail(_) => ticket.fail("an error"),
                    Operation::TakeOut(_) => {
                        let item = ticket.into_inner();
                        self.end("returned", item);
                    }
                    _ => drop(ticket),
                }
                for letter in self.queue.take_dead_letters() {
                    self.end("dead", letter.item);
                }
            }
        }
    }

    fn check(&self) {
        let statistics = self.queue.statistics();
        let ended = |end| self.ends.get(end).map_or(0, BTreeSet::len) as u64;
        assert_eq!(
            statistics.put,
            statistics.done
                + statistics.dead
                + statistics.returned
                + statistics.queued as u64
                + statistics.in_work as u64,
            "conservation: {statistics:?}"
        );
        assert_eq!(statistics.put, self.accepted.len() as u64);
        assert_eq!(
            (statistics.done, statistics.dead, statistics.returned),
            (ended("done"), ended("dead"), ended("returned"))
        );
        assert_eq!(statistics.in_work, self.tickets.len());
        let used = statistics.queued + statistics.in_work;
        assert!(used <= statistics.capacity, "the bound: {statistics:?}");
        // Who waits does so for a reason; those with a promise no longer count as waiting.
        let promised_puts = self.puts.len() - statistics.waiting_to_put;
        let promised_gets = self.gets.len() - statistics.waiting_to_get;
        if !self.closed {
            assert!(statistics.waiting_to_put == 0 || used + promised_puts == statistics.capacity);
            assert!(statistics.waiting_to_get == 0 || statistics.queued <= promised_gets);
        }
        assert!(self.delivered.is_sorted_by_key(|item| self.accepted.iter().position(|accepted| accepted == item)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_item_is_lost_or_doubled(capacity in 1..5_usize, attempts in 1..4_u32, operations in prop::collection::vec(operation(), 1..120)) {
        let queue = Queue::bounded(capacity).with_max_attempts(attempts);
        let (producer, consumer) = (queue.producer(), queue.consumer());
        let mut world = World {
            queue: &queue,
            producer: &producer,
            consumer: &consumer,
            puts: Vec::new(),
            gets: Vec::new(),
            tickets: Vec::new(),
            next: 0,
            ends: BTreeMap::new(),
            delivered: Vec::new(),
            accepted: Vec::new(),
            closed: false,
        };
        for operation in &operations {
            world.apply(operation);
            world.check();
        }
        // Whatever happened, the rest can be drained.
        world.puts.clear();
        world.gets.clear();
        while let Some(ticket) = world.tickets.pop() {
            ticket.done();
        }
        while let Ok(ticket) = consumer.try_get() {
            ticket.done();
        }
        let statistics = queue.statistics();
        prop_assert_eq!(statistics.put, statistics.done + statistics.dead + statistics.returned);
        drop(queue.take_dead_letters());
    }
}
