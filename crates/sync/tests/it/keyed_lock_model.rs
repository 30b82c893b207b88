//! [`KeyedLock`] against a model: a queue of numbers for each key.

use std::{
    collections::{HashMap, VecDeque},
    task::Poll,
};

use bowline_sync::{KeyedGuard, KeyedLock, LockKey};
use proptest::{prelude::*, sample::Index};

use crate::support::ByHand;

#[derive(Debug, Clone)]
enum Step {
    Ask(u8),
    Try(u8),
    Poll(Index),
    Cancel(Index),
    Release(Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..3u8).prop_map(Step::Ask),
        1 => (0..3u8).prop_map(Step::Try),
        3 => any::<Index>().prop_map(Step::Poll),
        2 => any::<Index>().prop_map(Step::Cancel),
        4 => any::<Index>().prop_map(Step::Release),
    ];
    prop::collection::vec(step, 1..100)
}

/// The number that holds the key, or was granted it, and those that wait.
#[derive(Default)]
struct Model(HashMap<u8, (usize, VecDeque<usize>)>);

impl Model {
    /// Tells whether the key was free.
    fn ask(&mut self, key: u8, number: usize, waits: bool) -> bool {
        match self.0.get_mut(&key) {
            Some((_, line)) => {
                line.extend(waits.then_some(number));
                false
            }
            None => self.0.insert(key, (number, VecDeque::new())).is_none(),
        }
    }

    fn holds(&self, key: u8, number: usize) -> bool {
        self.0.get(&key).is_some_and(|(holder, _)| *holder == number)
    }

    fn leave(&mut self, key: u8, number: usize) {
        let (holder, line) = self.0.get_mut(&key).expect("held or waited for");
        if *holder != number {
            line.retain(|other| *other != number);
        } else if let Some(next) = line.pop_front() {
            *holder = next;
        } else {
            self.0.remove(&key);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn lk_01_04_10_does_what_the_model_does(steps in steps()) {
        let locks = KeyedLock::new();
        let mut model = Model::default();
        let mut futures: Vec<(usize, u8, ByHand<LockKey<'_, u8>>)> = Vec::new();
        let mut guards: Vec<(usize, KeyedGuard<'_, u8>)> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Ask(key) => {
                    let mut future = ByHand::new(locks.lock(key));
                    let free = model.ask(key, number, true);
                    match future.poll() {
                        Poll::Ready(guard) => {
                            prop_assert!(free);
                            guards.push((number, guard));
                        }
                        Poll::Pending => {
                            prop_assert!(!free);
                            futures.push((number, key, future));
                        }
                    }
                }
                Step::Try(key) => {
                    let guard = locks.try_lock(key);
                    prop_assert_eq!(guard.is_ok(), model.ask(key, number, false));
                    guards.extend(guard.ok().map(|guard| (number, guard)));
                }
                Step::Poll(index) if !futures.is_empty() => {
                    let index = index.index(futures.len());
                    let (number, key, future) = &mut futures[index];
                    let number = *number;
                    match (future.poll(), model.holds(*key, number)) {
                        (Poll::Ready(guard), true) => {
                            guards.push((number, guard));
                            futures.remove(index);
                        }
                        (Poll::Pending, false) => {}
                        (poll, _) => prop_assert!(false, "{poll:?} against the model"),
                    }
                }
                Step::Cancel(index) if !futures.is_empty() => {
                    let (number, key, future) = futures.remove(index.index(futures.len()));
                    drop(future);
                    model.leave(key, number);
                }
                Step::Release(index) if !guards.is_empty() => {
                    let (number, guard) = guards.swap_remove(index.index(guards.len()));
                    let key = *guard.key();
                    drop(guard);
                    model.leave(key, number);
                }
                Step::Poll(_) | Step::Cancel(_) | Step::Release(_) => {}
            }
            let now = locks.statistics();
            let waiting = model.0.values().map(|(_, line)| line.len()).sum();
            prop_assert_eq!((now.keys, now.waiting), (model.0.len(), waiting));
            for (number, key, future) in &futures {
                prop_assert_eq!(future.wakes(), usize::from(model.holds(*key, *number)));
            }
            for key in 0..3 {
                prop_assert_eq!(locks.is_locked(&key), model.0.contains_key(&key));
            }
        }
        drop((futures, guards));
        let end = locks.statistics();
        prop_assert_eq!((end.keys, end.waiting), (0, 0));
    }
}
