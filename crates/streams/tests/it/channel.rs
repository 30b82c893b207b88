//! A model of the channel: random interleavings of emits inside and outside the body, requests, withdrawals and ends.

use std::{
    collections::HashSet,
    future::poll_fn,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
};

use bowline_streams::{Closed, Emitter, TryGenerate, try_generate};
use bowline_testing::Polled;
use futures_util::{StreamExt, future::join_all};
use proptest::prelude::*;
use tokio::sync::mpsc;

#[derive(Clone, Debug)]
enum Step {
    /// Polls a new emit outside the body.
    Emit,
    /// Polls one of the emits outside again, whether it was woken or not.
    Poll(usize),
    Withdraw(usize),
    /// Lets the body emit so many at once.
    Batch(u32),
    /// Lets the body emit and withdraw at once.
    Flicker,
    /// Asks with the same waker as before, or with a new one.
    Ask {
        moved: bool,
    },
    /// Ends the body after its batch.
    End,
    DropStream,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Emit),
        4 => (0..8_usize).prop_map(Step::Poll),
        2 => (0..8_usize).prop_map(Step::Withdraw),
        2 => (1..4_u32).prop_map(Step::Batch),
        1 => Just(Step::Flicker),
        8 => any::<bool>().prop_map(|moved| Step::Ask { moved }),
        1 => Just(Step::End),
        1 => Just(Step::DropStream),
    ]
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

type Emitting = Polled<Pin<Box<dyn Future<Output = Result<(), Closed>>>>>;

struct Emitted {
    item: u32,
    emit: Emitting,
}

struct Model {
    stream: Option<TryGenerate<u32, Closed>>,
    out: Emitter<u32>,
    batches: Option<mpsc::UnboundedSender<Vec<u32>>>,
    next: u32,
    outside: Vec<Emitted>,
    /// Must never arrive, from now on.
    withdrawn: HashSet<u32>,
    inside: HashSet<u32>,
    taken: Vec<u32>,
    /// The consumer asked and got nothing.
    waiting: bool,
    flag: Arc<Flag>,
    ended: bool,
}

impl Model {
    fn new() -> Self {
        let (batches, mut orders) = mpsc::unbounded_channel::<Vec<u32>>();
        let mut emitter = None;
        let stream = try_generate(|out| {
            emitter = Some(out.clone());
            async move {
                while let Some(batch) = orders.recv().await {
                    if batch.is_empty() {
                        let mut lost = out.emit(u32::MAX);
                        poll_fn(|cx| Poll::Ready(Pin::new(&mut lost).poll(cx).is_pending())).await;
                        continue;
                    }
                    join_all(batch.into_iter().map(|item| out.emit(item)))
                        .await
                        .into_iter()
                        .collect::<Result<(), _>>()?;
                }
                Ok(())
            }
        });
        Model {
            stream: Some(stream),
            out: emitter.expect("the closure has run"),
            batches: Some(batches),
            next: 0,
            outside: Vec::new(),
            withdrawn: HashSet::from([u32::MAX]),
            inside: HashSet::new(),
            taken: Vec::new(),
            waiting: false,
            flag: Arc::default(),
            ended: false,
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Emit => {
                let (item, out) = (self.next, self.out.clone());
                self.next += 1;
                let mut emit: Emitting = Polled::new(Box::pin(async move { out.emit(item).await }));
                match emit.poll() {
                    Poll::Pending => self.outside.push(Emitted { item, emit }),
                    Poll::Ready(result) => {
                        assert!(result.is_err() && (self.ended || self.stream.is_none()));
                        self.withdrawn.insert(item);
                    }
                }
            }
            Step::Poll(at) if at < self.outside.len() => self.poll(at),
            Step::Withdraw(at) if at < self.outside.len() => {
                let emitted = self.outside.remove(at);
                if !self.taken.contains(&emitted.item) {
                    self.withdrawn.insert(emitted.item);
                }
            }
            Step::Batch(size) => {
                let batch: Vec<_> = (self.next..self.next + size).collect();
                self.next += size;
                if self.batches.as_ref().is_some_and(|batches| batches.send(batch.clone()).is_ok()) {
                    self.inside.extend(batch);
                }
            }
            Step::Flicker => drop(self.batches.as_ref().map(|batches| batches.send(Vec::new()))),
            Step::Ask { moved } => drop(self.ask(moved)),
            Step::End => self.batches = None,
            Step::DropStream => {
                self.stream = None;
                self.withdrawn.extend((0..self.next).filter(|item| !self.taken.contains(item)));
            }
            Step::Poll(_) | Step::Withdraw(_) => {}
        }
    }

    fn poll(&mut self, at: usize) {
        let Emitted { item, emit } = &mut self.outside[at];
        let (item, woken) = (*item, emit.is_woken());
        if let Poll::Ready(result) = emit.poll() {
            assert!(woken, "the emit of {item} missed its wake-up: {result:?}");
            match result {
                Ok(()) => assert!(self.taken.contains(&item)),
                Err(_) => {
                    assert!(
                        self.stream.is_none(),
                        "an emit that was entered is not refused as long as the stream lives"
                    );
                    assert!(!self.taken.contains(&item) || self.taken.last() == Some(&item));
                }
            }
            self.outside.remove(at);
        }
    }

    fn ask(&mut self, moved: bool) -> Option<u32> {
        let stream = self.stream.as_mut()?;
        let missed = self.waiting && !self.flag.0.swap(false, SeqCst);
        if moved {
            self.flag = Arc::default();
        }
        let poll = stream.poll_next_unpin(&mut Context::from_waker(&Waker::from(self.flag.clone())));
        assert!(!(missed && poll.is_ready()), "the consumer missed its wake-up: {poll:?}");
        self.waiting = poll.is_pending();
        match poll {
            Poll::Ready(Some(item)) => {
                let item = item.expect("the body is not refused as long as the stream lives");
                assert!(!self.withdrawn.contains(&item), "{item} was withdrawn");
                assert!(!self.taken.contains(&item), "{item} arrived twice");
                assert!(!self.ended, "{item} after the end");
                self.taken.push(item);
                Some(item)
            }
            Poll::Ready(None) => {
                self.ended = true;
                self.waiting = false;
                None
            }
            Poll::Pending => None,
        }
    }

    /// Nothing is lost: what is left arrives, and whoever waits has been told.
    fn finish(mut self) {
        while self.ask(false).is_some() {}
        for emitted in &self.outside {
            assert!(self.taken.contains(&emitted.item) || self.stream.is_none(), "{} is lost", emitted.item);
        }
        let inside = |item: &u32| self.inside.contains(item);
        assert!(self.stream.is_none() || self.inside.iter().all(|item| self.taken.contains(item)));
        assert!(self.taken.iter().filter(|item| inside(item)).is_sorted(), "{:?}", self.taken);
        assert!(self.taken.iter().filter(|item| !inside(item)).is_sorted(), "{:?}", self.taken);
        self.stream = None;
        while !self.outside.is_empty() {
            let before = self.outside.len();
            self.poll(before - 1);
            assert!(self.outside.len() < before, "an emit hangs");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn items_arrive_once_in_order_and_no_wake_up_is_missed(steps in prop::collection::vec(step(), 0..60)) {
        let mut model = Model::new();
        for step in &steps {
            model.run(step);
        }
        model.finish();
    }
}
