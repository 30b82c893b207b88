//! [`Limiter`] against a model: what a queue of numbers and a count would do.

use std::{
    collections::{HashMap, VecDeque},
    num::NonZeroUsize,
    task::Poll,
};

use bowline_sync::{AcquireManyPermits, Limiter, Permit, TryAcquireManyError};
use proptest::{prelude::*, sample::Index};

use crate::support::ByHand;

#[derive(Debug, Clone)]
enum Step {
    Ask(NonZeroUsize),
    Try(NonZeroUsize),
    Poll(Index),
    Cancel(Index),
    Release(Index),
    Split(Index),
    SetCapacity(usize),
}

/// Mostly one.
fn weights() -> impl Strategy<Value = NonZeroUsize> {
    prop_oneof![2 => Just(1usize), 2 => 1..6usize]
        .prop_map(|weight| NonZeroUsize::new(weight).expect("no range begins at zero"))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => weights().prop_map(Step::Ask),
        1 => weights().prop_map(Step::Try),
        3 => any::<Index>().prop_map(Step::Poll),
        2 => any::<Index>().prop_map(Step::Cancel),
        4 => any::<Index>().prop_map(Step::Release),
        1 => any::<Index>().prop_map(Step::Split),
        1 => (0..7usize).prop_map(Step::SetCapacity),
    ];
    prop::collection::vec(step, 1..100)
}

/// Who waits, with what it asks for, and whose wait is over, by number; granted ones hold their permits already.
#[derive(Default)]
struct Model {
    capacity: usize,
    in_use: usize,
    waiting: VecDeque<(usize, usize)>,
    over: HashMap<usize, Over>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Over {
    Granted(usize),
    RefusedAt(usize),
}

#[derive(Debug, PartialEq)]
enum Taken {
    Now,
    Later,
    Never,
}

impl Model {
    fn fits(&self, weight: usize) -> bool {
        self.in_use + weight <= self.capacity
    }

    fn take(&mut self, weight: usize) -> Taken {
        if self.capacity > 0 && weight > self.capacity {
            Taken::Never
        } else if self.waiting.is_empty() && self.fits(weight) {
            self.in_use += weight;
            Taken::Now
        } else {
            Taken::Later
        }
    }

    fn admit(&mut self) {
        while let Some((number, weight)) = self.waiting.front().copied().filter(|(_, weight)| self.fits(*weight)) {
            self.waiting.pop_front();
            self.over.insert(number, Over::Granted(weight));
            self.in_use += weight;
        }
    }

    fn release(&mut self, weight: usize) {
        self.in_use -= weight;
        self.admit();
    }

    fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        let (stay, refused) = self.waiting.drain(..).partition(|(_, weight)| capacity == 0 || *weight <= capacity);
        self.waiting = stay;
        let refused: VecDeque<(usize, usize)> = refused;
        self.over.extend(refused.into_iter().map(|(number, _)| (number, Over::RefusedAt(capacity))));
        self.admit();
    }

    fn cancel(&mut self, number: usize) {
        match self.over.remove(&number) {
            Some(Over::Granted(weight)) => self.release(weight),
            Some(Over::RefusedAt(_)) => {}
            None => {
                self.waiting.retain(|(other, _)| *other != number);
                self.admit();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn lk_14_15_20_21_22_26_27_does_what_the_model_does(capacity in 0..6usize, steps in steps()) {
        let limiter = Limiter::new(capacity);
        let mut model = Model { capacity, ..Model::default() };
        let mut futures: Vec<(usize, ByHand<AcquireManyPermits<'_>>)> = Vec::new();
        let mut permits: Vec<Permit<'_>> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Ask(weight) => {
                    let mut future = ByHand::new(limiter.acquire_many(weight));
                    match (future.poll(), model.take(weight.get())) {
                        (Poll::Ready(Ok(permit)), Taken::Now) => permits.push(permit),
                        (Poll::Ready(Err(refused)), Taken::Never) => prop_assert_eq!(refused.capacity(), model.capacity),
                        (Poll::Pending, Taken::Later) => {
                            model.waiting.push_back((number, weight.get()));
                            futures.push((number, future));
                        }
                        different => prop_assert!(false, "{different:?}"),
                    }
                }
                Step::Try(weight) => match (limiter.try_acquire_many(weight), model.take(weight.get())) {
                    (Ok(permit), Taken::Now) => permits.push(permit),
                    (Err(TryAcquireManyError::ExceedsCapacity(_)), Taken::Never)
                    | (Err(TryAcquireManyError::AtCapacity(_)), Taken::Later) => {}
                    different => prop_assert!(false, "{different:?}"),
                },
                Step::Poll(index) if !futures.is_empty() => {
                    let index = index.index(futures.len());
                    let (number, future) = &mut futures[index];
                    let over = model.over.remove(number);
                    match (future.poll(), over) {
                        (Poll::Ready(Ok(permit)), Some(Over::Granted(weight))) => {
                            prop_assert_eq!(permit.weight().get(), weight);
                            permits.push(permit);
                        }
                        (Poll::Ready(Err(refused)), Some(Over::RefusedAt(capacity))) => {
                            prop_assert_eq!(refused.capacity(), capacity);
                        }
                        (Poll::Pending, None) => {}
                        different => prop_assert!(false, "{different:?}"),
                    }
                    if over.is_some() {
                        futures.remove(index);
                    }
                }
                Step::Cancel(index) if !futures.is_empty() => {
                    let (number, future) = futures.remove(index.index(futures.len()));
                    drop(future);
                    model.cancel(number);
                }
                Step::Release(index) if !permits.is_empty() => {
                    let permit = permits.swap_remove(index.index(permits.len()));
                    let weight = permit.weight().get();
                    drop(permit);
                    model.release(weight);
                }
                Step::Split(index) if !permits.is_empty() => {
                    let index = index.index(permits.len());
                    let part = permits[index].split(NonZeroUsize::MIN);
                    permits.extend(part);
                }
                Step::SetCapacity(capacity) => {
                    limiter.set_capacity(capacity);
                    model.set_capacity(capacity);
                }
                Step::Poll(_) | Step::Cancel(_) | Step::Release(_) | Step::Split(_) => {}
            }
            let now = limiter.statistics();
            prop_assert_eq!((now.capacity, now.in_use, now.waiting), (model.capacity, model.in_use, model.waiting.len()));
            for (number, future) in &futures {
                prop_assert_eq!(future.wakes(), usize::from(model.over.contains_key(number)));
            }
        }
        drop((futures, permits));
        let end = limiter.statistics();
        prop_assert_eq!((end.in_use, end.waiting), (0, 0));
    }
}
