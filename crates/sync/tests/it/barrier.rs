//! [`Barrier`].

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bowline_sync::{Barrier, BarrierBroken, BarrierTurn, WaitBarrier};
use bowline_testing::assert_cancel_safe;
use proptest::{prelude::*, sample::Index};

use crate::support::{ByHand, on_both_runtimes};

fn barrier(parties: usize) -> Barrier {
    Barrier::new(NonZeroUsize::new(parties).expect("at least one party"))
}

fn index(told: Result<BarrierTurn, BarrierBroken>) -> usize {
    told.expect("the round is complete").index()
}

#[test]
fn ev_12_all_are_released_with_each_index_once() {
    on_both_runtimes(|| async {
        let barrier = Arc::new(barrier(5));
        let before = Arc::new(AtomicUsize::new(0));
        let parties: Vec<_> = (0..5)
            .map(|_| {
                let (barrier, before) = (Arc::clone(&barrier), Arc::clone(&before));
                tokio::spawn(async move {
                    let mut turns = Vec::new();
                    for round in 1..=20 {
                        before.fetch_add(1, Ordering::Relaxed);
                        let turn = barrier.wait().await.unwrap();
                        assert!(before.load(Ordering::Relaxed) >= 5 * round, "released before all had arrived");
                        assert_eq!(turn.is_leader(), turn.index() == 0);
                        turns.push(turn.index());
                    }
                    turns
                })
            })
            .collect();
        let mut turns = Vec::new();
        for party in parties {
            turns.push(party.await.unwrap());
        }
        for round in 0..20 {
            let mut indexes: Vec<_> = turns.iter().map(|turns| turns[round]).collect();
            indexes.sort_unstable();
            assert_eq!(indexes, [0, 1, 2, 3, 4]);
        }
    });
}

#[test]
fn ev_12_the_last_to_arrive_leads_and_does_not_suspend() {
    let barrier = barrier(3);
    let [first, second] = [(); 2].map(|()| ByHand::new(barrier.wait()).waits());
    assert_eq!(barrier.statistics().waiting, 2);
    let last = ByHand::new(barrier.wait()).finish().unwrap();
    assert!(last.is_leader());
    assert_eq!((first.wakes(), second.wakes(), barrier.statistics().waiting), (1, 1, 0));
    assert_eq!((index(first.finish()), index(second.finish())), (2, 1));
}

#[test]
fn a_barrier_for_one_never_waits() {
    static ALONE: Barrier = Barrier::new(NonZeroUsize::MIN);
    for _ in 0..3 {
        assert!(ByHand::new(ALONE.wait()).finish().unwrap().is_leader());
    }
}

#[test]
fn ev_14_a_cancelled_party_frees_its_place() {
    let barrier = barrier(3);
    let first = ByHand::new(barrier.wait()).waits();
    let cancelled = ByHand::new(barrier.wait()).waits();
    assert!(cancelled.leaves_nothing());
    let third = ByHand::new(barrier.wait()).waits();
    assert_eq!((first.wakes(), third.wakes()), (0, 0));
    assert!(ByHand::new(barrier.wait()).finish().unwrap().is_leader());
    assert_eq!((index(first.finish()), index(third.finish())), (2, 1), "no index is missing");
}

#[test]
fn ev_14_a_party_that_was_released_may_go_without_looking() {
    let barrier = barrier(3);
    let [first, second] = [(); 2].map(|()| ByHand::new(barrier.wait()).waits());
    assert!(ByHand::new(barrier.wait()).finish().is_ok());
    drop(first);
    assert_eq!(index(second.finish()), 1);
    let _next_round = ByHand::new(barrier.wait()).waits();
    assert_eq!(barrier.statistics().waiting, 1);
}

#[test]
fn ev_14_dropped_at_any_point_the_others_need_one_more() {
    assert_cancel_safe(
        async || {
            let barrier = Arc::new(barrier(2));
            let (waits, other) = (Arc::clone(&barrier), Arc::clone(&barrier));
            let other = tokio::spawn(async move { other.wait().await });
            (async move { waits.wait().await }, (barrier, other))
        },
        async |(barrier, other)| {
            while !other.is_finished() {
                if barrier.statistics().waiting == 1 {
                    assert_eq!(index(barrier.wait().await), 0);
                }
                tokio::task::yield_now().await;
            }
            assert!(other.await.unwrap().is_ok());
            assert_eq!(barrier.statistics().waiting, 0);
        },
    )
    .at_least(1);
}

#[test]
fn a_late_poll_tells_about_its_own_round() {
    let barrier = barrier(2);
    let mut late = Vec::new();
    for round in 0..10 {
        late.push(ByHand::new(barrier.wait()).waits());
        if round % 2 == 0 {
            assert!(ByHand::new(barrier.wait()).finish().is_ok());
        } else {
            barrier.reset();
        }
    }
    barrier.abort();
    for (round, late) in late.into_iter().enumerate() {
        assert_eq!(late.finish().is_ok(), round % 2 == 0, "round {round}");
    }
}

#[test]
fn ev_15_reset_breaks_who_waits_and_nobody_else() {
    let barrier = barrier(2);
    let waiting = ByHand::new(barrier.wait()).waits();
    barrier.reset();
    assert_eq!(waiting.wakes(), 1);
    let next = ByHand::new(barrier.wait()).waits();
    assert_eq!(waiting.finish(), Err(BarrierBroken));
    assert!(ByHand::new(barrier.wait()).finish().is_ok());
    assert_eq!(index(next.finish()), 1);
}

#[test]
fn ev_16_abort_breaks_who_waits_and_who_comes_until_reset() {
    let barrier = barrier(2);
    let waiting = ByHand::new(barrier.wait()).waits();
    barrier.abort();
    assert_eq!(waiting.wakes(), 1);
    assert_eq!(waiting.finish(), Err(BarrierBroken));
    assert_eq!(ByHand::new(barrier.wait()).finish(), Err(BarrierBroken));
    assert!(barrier.statistics().is_broken);
    barrier.reset();
    assert!(!barrier.statistics().is_broken);
    let waiting = ByHand::new(barrier.wait()).waits();
    assert!(ByHand::new(barrier.wait()).finish().is_ok());
    assert!(waiting.finish().is_ok());
}

#[test]
fn a_waiting_party_is_small() {
    let bytes = size_of::<WaitBarrier<'_>>();
    assert!(bytes <= 56, "{bytes}, and 40 in the list");
}

#[test]
fn debug_and_statistics_tell_the_same() {
    let barrier = barrier(2);
    let waiting = ByHand::new(barrier.wait()).waits();
    let statistics = barrier.statistics();
    assert_eq!((statistics.parties, statistics.waiting, statistics.is_broken), (2, 1, false));
    assert_eq!(format!("{barrier:?}"), "Barrier { parties: 2, waiting: 1, is_broken: false }");
    drop(waiting);
}

#[test]
fn a_party_that_changes_hands_is_woken_by_its_new_waker() {
    let barrier = barrier(2);
    let mut wait = barrier.wait();
    let _ = ByHand::new(&mut wait).waits();
    let second = ByHand::new(&mut wait).waits();
    assert!(ByHand::new(barrier.wait()).finish().is_ok());
    assert_eq!(second.wakes(), 1);
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn polling_after_completion_panics() {
    let barrier = barrier(1);
    let mut wait = ByHand::new(barrier.wait());
    let _ = wait.poll();
    let _ = wait.poll();
}

#[derive(Debug, Clone)]
enum Step {
    Arrive,
    Poll(Index),
    Cancel(Index),
    Reset,
    Abort,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => Just(Step::Arrive),
        3 => any::<Index>().prop_map(Step::Poll),
        3 => any::<Index>().prop_map(Step::Cancel),
        1 => Just(Step::Reset),
        1 => Just(Step::Abort),
    ];
    prop::collection::vec(step, 1..80)
}

type Told = Result<usize, BarrierBroken>;

proptest! {
    #[test]
    fn ev_12_14_15_16_does_what_the_model_does(parties in 1..5usize, steps in steps()) {
        let barrier = barrier(parties);
        // In the order of arrival, with what each will be told.
        let mut futures: Vec<(ByHand<WaitBarrier<'_>>, Option<Told>)> = Vec::new();
        let mut broken = false;
        for step in steps {
            let waiting = futures.iter().filter(|(_, told)| told.is_none()).count();
            match step {
                Step::Arrive => {
                    let mut future = ByHand::new(barrier.wait());
                    let poll = future.poll().map_ok(BarrierTurn::index);
                    if broken {
                        prop_assert_eq!(poll, std::task::Poll::Ready(Err(BarrierBroken)));
                    } else if waiting + 1 == parties {
                        prop_assert_eq!(poll, std::task::Poll::Ready(Ok(0)));
                        let waiters = futures.iter_mut().filter(|(_, told)| told.is_none());
                        waiters.enumerate().for_each(|(before, (_, told))| *told = Some(Ok(waiting - before)));
                    } else {
                        prop_assert!(poll.is_pending());
                        futures.push((future, None));
                    }
                }
                Step::Poll(index) if !futures.is_empty() => {
                    let index = index.index(futures.len());
                    let (mut future, told) = futures.remove(index);
                    match (future.poll().map_ok(BarrierTurn::index), told) {
                        (std::task::Poll::Ready(poll), Some(told)) => prop_assert_eq!(poll, told),
                        (std::task::Poll::Pending, None) => futures.insert(index, (future, None)),
                        (poll, told) => prop_assert!(false, "{poll:?} against {told:?}"),
                    }
                }
                Step::Cancel(index) if !futures.is_empty() => drop(futures.remove(index.index(futures.len()))),
                Step::Reset | Step::Abort => {
                    broken = matches!(step, Step::Abort);
                    if broken { barrier.abort() } else { barrier.reset() }
                    futures.iter_mut().for_each(|(_, told)| *told = told.or(Some(Err(BarrierBroken))));
                }
                Step::Poll(_) | Step::Cancel(_) => {}
            }
            let waiting = futures.iter().filter(|(_, told)| told.is_none()).count();
            prop_assert_eq!((barrier.statistics().waiting, barrier.statistics().is_broken), (waiting, broken));
            for (future, told) in &futures {
                prop_assert_eq!(future.wakes(), usize::from(told.is_some()));
            }
        }
    }
}
