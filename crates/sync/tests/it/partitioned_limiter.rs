//! [`PartitionedLimiter`].

use std::{
    collections::VecDeque,
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
};

use bowline_sync::{AcquirePartitionPermit, AtCapacity, PartitionPermit, PartitionedLimiter};
use bowline_testing::assert_cancel_safe;
use proptest::{prelude::*, sample::Index};

use crate::support::{ByHand, on_both_runtimes};

/// in use, waiting, partitions waiting
fn counts<K>(limiter: &PartitionedLimiter<K>) -> (usize, usize, usize) {
    let statistics = limiter.statistics();
    (statistics.in_use, statistics.waiting, statistics.partitions_waiting)
}

/// Asks for each of the keys, then hands one permit from one to the next; tells in which order they got it.
fn order_of(keys: &str) -> String {
    let limiter = PartitionedLimiter::new(0);
    let mut waiting: Vec<_> = keys.chars().map(|key| (key, ByHand::new(limiter.acquire(key)).waits())).collect();
    limiter.set_capacity(1);
    let mut order = String::new();
    while !waiting.is_empty() {
        let next = waiting.iter().position(|(_, waiter)| waiter.wakes() == 1).expect("somebody is served");
        let (key, waiter) = waiting.remove(next);
        drop(waiter.finish());
        order.push(key);
    }
    assert_eq!(counts(&limiter), (0, 0, 0));
    order
}

#[test]
fn lk_30_partitions_take_turns() {
    assert_eq!(order_of("aaabbc"), "abcaba");
    assert_eq!(order_of("caab"), "caba");
    assert_eq!(order_of("aaaa"), "aaaa");
}

#[test]
fn lk_30_a_line_that_forms_again_enters_at_the_end() {
    let limiter = PartitionedLimiter::new(1);
    let held = limiter.try_acquire().unwrap();
    let [a, b, b2] = ['a', 'b', 'b'].map(|key| ByHand::new(limiter.acquire(key)).waits());
    drop(held);
    let again = ByHand::new(limiter.acquire('a')).waits();
    drop(a.finish());
    assert_eq!((b.wakes(), again.wakes()), (1, 0));
    drop(b.finish());
    assert_eq!((b2.wakes(), again.wakes()), (0, 1));
}

#[test]
fn lk_30_within_a_partition_the_order_is_that_of_asking() {
    let limiter = PartitionedLimiter::new(0);
    let [first, second, third] = [(); 3].map(|()| ByHand::new(limiter.acquire("a")).waits());
    limiter.set_capacity(2);
    assert_eq!([&first, &second, &third].map(ByHand::wakes), [1, 1, 0]);
}

#[test]
fn lk_29_a_cancelled_waiter_leaves_no_record() {
    let limiter = PartitionedLimiter::new(0);
    for key in 0..1_000 {
        let key = Arc::new(key);
        assert!(ByHand::new(limiter.acquire(Arc::clone(&key))).waits().leaves_nothing());
        assert_eq!(Arc::strong_count(&key), 1, "the key is gone with its line");
    }
    assert_eq!(counts(&limiter), (0, 0, 0));
    limiter.set_capacity(1);
    drop(ByHand::new(limiter.acquire(Arc::new(0))).finish());
}

#[test]
fn lk_29_a_served_partition_leaves_no_record() {
    let limiter = PartitionedLimiter::new(0);
    let key = Arc::new("tenant");
    let waiter = ByHand::new(limiter.acquire(Arc::clone(&key))).waits();
    limiter.set_capacity(1);
    assert_eq!(counts(&limiter), (1, 0, 0));
    let _permit = waiter.finish();
    assert_eq!(Arc::strong_count(&key), 1);
}

#[test]
fn a_cancelled_line_gives_up_its_turn_and_the_others_keep_theirs() {
    let limiter = PartitionedLimiter::new(0);
    let [a, b, c] = ['a', 'b', 'c'].map(|key| ByHand::new(limiter.acquire(key)).waits());
    drop(a);
    assert_eq!(counts(&limiter), (0, 2, 2));
    limiter.set_capacity(1);
    assert_eq!((b.wakes(), c.wakes()), (1, 0));
    drop(b);
    assert_eq!(c.wakes(), 1, "a permit that was granted is passed on");
    drop(c);
    assert_eq!(counts(&limiter), (0, 0, 0));
}

#[test]
fn never_more_inside_than_the_capacity() {
    on_both_runtimes(|| async {
        let limiter = Arc::new(PartitionedLimiter::new(2));
        let inside = Arc::new(AtomicUsize::new(0));
        let workers: Vec<_> = (0..6)
            .map(|worker| {
                let (limiter, inside) = (Arc::clone(&limiter), Arc::clone(&inside));
                tokio::spawn(async move {
                    for _ in 0..100 {
                        let _permit = limiter.acquire_owned(worker % 3).await;
                        assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
                        tokio::task::yield_now().await;
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        assert_eq!(counts(&limiter), (0, 0, 0));
    });
}

#[test]
fn a_promised_permit_is_taken_by_nobody_else() {
    let limiter = PartitionedLimiter::new(1);
    let held = limiter.try_acquire().unwrap();
    let waiter = ByHand::new(limiter.acquire('a')).waits();
    drop(held);
    assert_eq!(limiter.try_acquire().unwrap_err(), AtCapacity);
    let _newcomer = ByHand::new(limiter.acquire('b')).waits();
    drop(waiter.finish());
}

#[test]
fn lowered_it_takes_nothing_and_admits_nobody_until_below() {
    let limiter = PartitionedLimiter::new(2);
    let held = [limiter.try_acquire().unwrap(), limiter.try_acquire().unwrap()];
    let waiter = ByHand::new(limiter.acquire('a')).waits();
    limiter.set_capacity(0);
    drop(held);
    assert_eq!((counts(&limiter), waiter.wakes()), ((0, 1, 1), 0));
    limiter.set_capacity(usize::MAX);
    drop(waiter.finish());
}

#[test]
fn dropped_at_any_point_the_permit_is_passed_on() {
    assert_cancel_safe(
        async || {
            let limiter = Arc::new(PartitionedLimiter::new(1));
            let held = limiter.acquire_owned("a").await;
            assert!(limiter.try_acquire_owned().is_err());
            let asks = Arc::clone(&limiter);
            tokio::spawn(async move { drop(held) });
            (async move { drop(asks.acquire("b").await) }, limiter)
        },
        async |limiter: Arc<PartitionedLimiter<&str>>| {
            drop(limiter.acquire("c").await);
            assert_eq!(counts(&limiter), (0, 0, 0));
        },
    )
    .at_least(1);
}

/// A key that panics when it is compared or hashed with the wrong one.
#[derive(Debug)]
struct Touchy(&'static str);

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        assert!(self.0 != "touch me not" && other.0 != "touch me not", "compared");
        self.0 == other.0
    }
}

impl Eq for Touchy {}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, _: &mut H) {
        assert!(self.0 != "hash me not", "hashed");
    }
}

#[test]
fn a_key_that_panics_changes_nothing() {
    let limiter = PartitionedLimiter::new(0);
    let waiter = ByHand::new(limiter.acquire(Touchy("a"))).waits();
    for key in ["touch me not", "hash me not"] {
        let mut asks = ByHand::new(limiter.acquire(Touchy(key)));
        assert!(catch_unwind(AssertUnwindSafe(|| asks.poll().is_ready())).is_err());
        drop(asks);
        assert_eq!(counts(&limiter), (0, 1, 1));
    }
    let other = ByHand::new(limiter.acquire(Touchy("b"))).waits();
    assert_eq!(counts(&limiter), (0, 2, 2), "keys of one hash are two keys");
    limiter.set_capacity(2);
    drop((waiter.finish(), other.finish()));
}

#[test]
fn a_waiter_that_changes_hands_is_woken_by_its_new_waker() {
    let limiter = PartitionedLimiter::new(0);
    let mut acquire = limiter.acquire('a');
    let _ = ByHand::new(&mut acquire).waits();
    let second = ByHand::new(&mut acquire).waits();
    limiter.set_capacity(1);
    assert_eq!(second.wakes(), 1);
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn polling_after_completion_panics() {
    let limiter = PartitionedLimiter::new(2);
    let mut acquire = ByHand::new(limiter.acquire('a'));
    let _permit = acquire.poll();
    let _ = acquire.poll();
}

#[test]
fn a_static_limiter_works_and_shows_itself() {
    static LIMITER: PartitionedLimiter<u8> = PartitionedLimiter::new(1);
    let _held = LIMITER.try_acquire().unwrap();
    let _waiter = ByHand::new(LIMITER.acquire(1)).waits();
    let shown = "PartitionedLimiter { capacity: 1, in_use: 1, waiting: 1, partitions_waiting: 1 }";
    assert_eq!(format!("{LIMITER:?}"), shown);
}

#[test]
fn a_waiting_future_is_small() {
    assert!(size_of::<AcquirePartitionPermit<'_, u64>>() <= 64, "{}", size_of::<AcquirePartitionPermit<'_, u64>>());
}

#[derive(Debug, Clone)]
enum Step {
    Ask(u8),
    Try,
    Poll(Index),
    Cancel(Index),
    Release(Index),
    SetCapacity(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4u8).prop_map(Step::Ask),
        1 => Just(Step::Try),
        3 => any::<Index>().prop_map(Step::Poll),
        2 => any::<Index>().prop_map(Step::Cancel),
        4 => any::<Index>().prop_map(Step::Release),
        1 => (0..5usize).prop_map(Step::SetCapacity),
    ];
    prop::collection::vec(step, 1..100)
}

/// A round of lines, each a key with the numbers of those who wait.
#[derive(Default)]
struct Model {
    capacity: usize,
    in_use: usize,
    round: VecDeque<(u8, VecDeque<usize>)>,
    granted: Vec<usize>,
}

impl Model {
    fn take(&mut self) -> bool {
        let free = self.in_use < self.capacity;
        self.in_use += usize::from(free);
        free
    }

    fn join(&mut self, key: u8, number: usize) {
        match self.round.iter_mut().find(|(other, _)| *other == key) {
            Some((_, line)) => line.push_back(number),
            None => self.round.push_back((key, [number].into())),
        }
    }

    fn admit(&mut self) {
        while self.in_use < self.capacity {
            let Some((key, mut line)) = self.round.pop_front() else { return };
            self.granted.extend(line.pop_front());
            self.in_use += 1;
            if !line.is_empty() {
                self.round.push_back((key, line));
            }
        }
    }

    fn leave(&mut self, number: usize) {
        if let Some(granted) = self.granted.iter().position(|other| *other == number) {
            self.granted.remove(granted);
            self.release();
        } else {
            self.round.iter_mut().for_each(|(_, line)| line.retain(|other| *other != number));
            self.round.retain(|(_, line)| !line.is_empty());
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
    fn lk_29_30_does_what_the_model_does(capacity in 0..3usize, steps in steps()) {
        let limiter = PartitionedLimiter::new(capacity);
        let mut model = Model { capacity, ..Model::default() };
        let mut futures: Vec<(usize, ByHand<AcquirePartitionPermit<'_, u8>>)> = Vec::new();
        let mut permits: Vec<PartitionPermit<'_, u8>> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Ask(key) => {
                    let mut future = ByHand::new(limiter.acquire(key));
                    match future.poll() {
                        Poll::Ready(permit) => {
                            prop_assert!(model.take());
                            permits.push(permit);
                        }
                        Poll::Pending => {
                            prop_assert!(!model.take());
                            model.join(key, number);
                            futures.push((number, future));
                        }
                    }
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
                    model.leave(number);
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
            let waiting = model.round.iter().map(|(_, line)| line.len()).sum();
            prop_assert_eq!(counts(&limiter), (model.in_use, waiting, model.round.len()));
            for (number, future) in &futures {
                prop_assert_eq!(future.wakes(), usize::from(model.granted.contains(number)));
            }
        }
        drop((futures, permits));
        prop_assert_eq!(counts(&limiter), (0, 0, 0));
    }
}
