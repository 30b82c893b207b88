//! [`Limiter`] against a model: what a queue of numbers and a count would do.

use std::{collections::VecDeque, task::Poll};

use bowline_sync::{AcquirePermit, Limiter, Permit};
use proptest::{prelude::*, sample::Index};

use crate::support::ByHand;

#[derive(Debug, Clone)]
enum Step {
    Ask,
    Try,
    Poll(Index),
    Cancel(Index),
    Release(Index),
    SetCapacity(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Ask),
        1 => Just(Step::Try),
        3 => any::<Index>().prop_map(Step::Poll),
        2 => any::<Index>().prop_map(Step::Cancel),
        4 => any::<Index>().prop_map(Step::Release),
        1 => (0..5usize).prop_map(Step::SetCapacity),
    ];
    prop::collection::vec(step, 1..100)
}

/// Who waits or was granted, by number; granted ones hold a permit already.
#[derive(Default)]
struct Model {
    capacity: usize,
    in_use: usize,
    waiting: VecDeque<usize>,
    granted: Vec<usize>,
}

impl Model {
    fn take(&mut self) -> bool {
        let free = self.in_use < self.capacity;
        self.in_use += usize::from(free);
        free
    }

    fn admit(&mut self) {
        while self.in_use < self.capacity {
            let Some(number) = self.waiting.pop_front() else { return };
            self.granted.push(number);
            self.in_use += 1;
        }
    }

    fn release(&mut self) {
        self.in_use -= 1;
        self.admit();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn lk_14_15_26_27_does_what_the_model_does(capacity in 0..4usize, steps in steps()) {
        let limiter = Limiter::new(capacity);
        let mut model = Model { capacity, ..Model::default() };
        let mut futures: Vec<(usize, ByHand<AcquirePermit<'_>>)> = Vec::new();
        let mut permits: Vec<Permit<'_>> = Vec::new();
        let mut asked = 0;
        for step in steps {
            match step {
                Step::Ask => {
                    let mut future = ByHand::new(limiter.acquire());
                    match future.poll() {
                        Poll::Ready(permit) => {
                            prop_assert!(model.take());
                            permits.push(permit);
                        }
                        Poll::Pending => {
                            prop_assert!(!model.take());
                            model.waiting.push_back(asked);
                            futures.push((asked, future));
                        }
                    }
                    asked += 1;
                }
                Step::Try => {
                    let permit = limiter.try_acquire();
                    prop_assert_eq!(permit.is_ok(), model.take());
                    permits.extend(permit.ok());
                }
                Step::Poll(index) if !futures.is_empty() => {
                    let index = index.index(futures.len());
                    let (number, future) = &mut futures[index];
                    let granted = model.granted.iter().position(|other| other == number);
                    match (future.poll(), granted) {
                        (Poll::Ready(permit), Some(granted)) => {
                            model.granted.remove(granted);
                            permits.push(permit);
                            futures.remove(index);
                        }
                        (Poll::Pending, None) => {}
                        (poll, _) => prop_assert!(false, "{poll:?} against the model"),
                    }
                }
                Step::Cancel(index) if !futures.is_empty() => {
                    let (number, future) = futures.remove(index.index(futures.len()));
                    drop(future);
                    if let Some(granted) = model.granted.iter().position(|other| *other == number) {
                        model.granted.remove(granted);
                        model.release();
                    } else {
                        model.waiting.retain(|other| *other != number);
                    }
                }
                Step::Release(index) if !permits.is_empty() => {
                    drop(permits.swap_remove(index.index(permits.len())));
                    model.release();
                }
                Step::SetCapacity(capacity) => {
                    limiter.set_capacity(capacity);
                    model.capacity = capacity;
                    model.admit();
                }
                Step::Poll(_) | Step::Cancel(_) | Step::Release(_) => {}
            }
            let now = limiter.statistics();
            prop_assert_eq!(now.capacity, model.capacity);
            prop_assert_eq!((now.in_use, now.waiting), (model.in_use, model.waiting.len()));
            for (number, future) in &futures {
                prop_assert_eq!(future.wakes(), usize::from(model.granted.contains(number)));
            }
        }
        drop((futures, permits));
        let end = limiter.statistics();
        prop_assert_eq!((end.in_use, end.waiting), (0, 0));
    }
}
