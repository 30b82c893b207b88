//! The same answers as from the line alone, whichever way they take.

use std::{num::NonZeroU32, time::Duration};

use proptest::prelude::*;

use super::{super::grids::Grids, Line, Nanos, Outside, Rate, Refused};
use crate::rate_limiter::{line::Wakes, room::Room};

const ONE: NonZeroU32 = NonZeroU32::MIN;

#[derive(Debug, Clone)]
enum Step {
    /// One slot is asked for, as soon as possible.
    Take,
    /// Several are, under the lock.
    TakeMany(u32),
    Sleep(Nanos),
    Pause(Nanos),
    EndPause,
    SetRate(Rate),
}

/// A line beside its way past the lock.
struct Pair {
    outside: Outside,
    line: Line,
}

fn line(rate: Rate, burst: NonZeroU32) -> Line {
    Line::new(Grids::new(rate, burst), Room::UNLIMITED)
}

impl Pair {
    fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self { outside: Outside::new(rate, burst), line: line(rate, burst) }
    }

    fn under_lock<T>(&mut self, now: Nanos, act: impl FnOnce(&mut Line) -> T) -> T {
        self.outside.take_in(&mut self.line);
        let answer = act(&mut self.line);
        self.outside.put_out(&self.line, now);
        answer
    }

    /// The answer, and whether it came from outside.
    fn take(&mut self, now: Nanos) -> (Result<(), Refused>, bool) {
        match self.outside.take(now) {
            Some(answer) => (answer, true),
            None => (self.under_lock(now, |line| take(line, ONE, now)), false),
        }
    }
}

fn take(line: &mut Line, permits: NonZeroU32, now: Nanos) -> Result<(), Refused> {
    line.try_take(permits, now, &mut Wakes::default())
}

fn rates() -> impl Strategy<Value = Rate> {
    let permits = prop_oneof![1..=10u32, Just(999_999_937), any::<u32>()];
    let period = prop_oneof![1..=20u64, Just(1_000_000_000), Just(3_600_000_000_000), 1..=1u64 << 53];
    (permits, period).prop_map(|(permits, period)| {
        let permits = NonZeroU32::new(permits.max(1)).expect("not zero");
        Rate::new(permits, Duration::from_nanos(period)).expect("less than 500 years")
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let nanos = || prop_oneof![0..3u64, 0..2_000_000_000u64, any::<u64>().prop_map(|nanos| nanos / 64)];
    let step = prop_oneof![
        8 => Just(Step::Take),
        1 => (1..5u32).prop_map(Step::TakeMany),
        4 => nanos().prop_map(Step::Sleep),
        1 => nanos().prop_map(Step::Pause),
        1 => Just(Step::EndPause),
        1 => rates().prop_map(Step::SetRate),
    ];
    prop::collection::vec(step, 1..64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_way_past_the_lock_gives_the_answers_of_the_line(rate in rates(), burst in prop_oneof![1..5u32, Just(u32::MAX)], steps in steps()) {
        let burst = NonZeroU32::new(burst).unwrap();
        let (mut pair, mut alone, mut now) = (Pair::new(rate, burst), line(rate, burst), 0);
        for step in steps {
            match step {
                Step::Take => prop_assert_eq!(pair.take(now).0, take(&mut alone, ONE, now)),
                Step::TakeMany(permits) => {
                    let permits = NonZeroU32::new(permits).unwrap().min(burst);
                    let answer = pair.under_lock(now, |line| take(line, permits, now));
                    prop_assert_eq!(answer, take(&mut alone, permits, now));
                }
                Step::Sleep(nanos) => now += nanos,
                Step::Pause(nanos) => {
                    pair.under_lock(now, |line| line.pause(now, now + nanos));
                    alone.pause(now, now + nanos);
                }
                Step::EndPause => {
                    pair.under_lock(now, |line| line.end_pause(now, &mut Wakes::default()));
                    alone.end_pause(now, &mut Wakes::default());
                }
                Step::SetRate(rate) => {
                    pair.under_lock(now, |line| line.set_rate(0, rate, now, &mut Wakes::default()));
                    alone.set_rate(0, rate, now, &mut Wakes::default());
                }
            }
        }
        prop_assert_eq!(pair.under_lock(now, |line| line.granted()), alone.granted());
    }
}

#[test]
fn only_the_first_of_many_takes_the_lock() {
    let mut pair = Pair::new(Rate::per_second(NonZeroU32::new(3).unwrap()), ONE);
    assert_eq!(pair.take(0), (Ok(()), false));
    assert_eq!(pair.take(0), (Err(Refused::DueAt(333_333_334)), true));
    assert_eq!(pair.take(333_333_333), (Err(Refused::DueAt(333_333_334)), true));
    assert_eq!(pair.take(333_333_334), (Ok(()), true));
    assert_eq!(pair.take(1 << 56), (Ok(()), true), "two years later");
}

#[test]
fn a_new_rate_is_kept_under_the_lock() {
    let second = Rate::per_second(ONE);
    let mut pair = Pair::new(second, ONE);
    pair.under_lock(0, |line| line.set_rate(0, Rate::per_hour(ONE), 0, &mut Wakes::default()));
    assert_eq!((pair.take(0), pair.take(1_000)), ((Ok(()), false), (Err(Refused::DueAt(3_600_000_000_000)), false)));
    pair.under_lock(1_000, |line| line.set_rate(0, second, 1_000, &mut Wakes::default()));
    assert!(pair.take(1_000).1);
}
