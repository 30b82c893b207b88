//! The way past the lock, for one slot: the arrival time of an only grid while nobody waits.
//!
//! # Invariants
//!
//! 1. The arrival time is in one of two places: here, or in the grid, and then [`UNDER_LOCK`] is here. Only who has the lock moves it.
//! 2. It is here only while nobody waits, room is not bounded, and the one rate is the one that this was made for. So nobody is overtaken, and there is nothing else
//!    that taking a slot must look at: the end of a pause is a bound of the arrival time.
//! 3. The numbers are those of the grid, in fewer bits: nothing is rounded. Where they do not fit, the arrival time stays in the grid.
//! 4. Each slot that was taken here is counted once, in the same exchange: in the low bits of the word, which the line adds to its own count. When they are
//!    full, the next one to come asks under the lock. (A second atomic count would cost a fifth of the call.)

use std::num::NonZeroU32;

use super::{
    Rate,
    grid::Nanos,
    line::{Line, Refused},
};
use crate::primitive::{AtomicUsize, Ordering};

/// How many low bits of the word count: with six, every 64th request takes the lock, and there is room for nine years of one tick each nanosecond.
const COUNT_BITS: u32 = 6;
const COUNT_FULL: usize = (1 << COUNT_BITS) - 1;

/// Later than every arrival time that is here. Its count is full.
const UNDER_LOCK: usize = usize::MAX;

#[derive(Debug)]
pub(super) struct Outside {
    /// The arrival time, and below it the count.
    word: AtomicUsize,
    pace: Pace,
}

/// The one rate, in ticks of the grid.
#[derive(Debug)]
struct Pace {
    /// `None` when the numbers of the one asked for do not fit.
    rate: Option<Rate>,
    nanosecond: usize,
    step: usize,
    tolerance: usize,
    /// The time until which no sum is larger than a number.
    last: Nanos,
}

impl Outside {
    /// It begins under the lock.
    #[cfg(not(bowline_loom))]
    pub(super) const fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self { word: AtomicUsize::new(UNDER_LOCK), pace: Pace::new(rate, burst) }
    }

    #[cfg(bowline_loom)]
    pub(super) fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self { word: AtomicUsize::new(UNDER_LOCK), pace: Pace::new(rate, burst) }
    }

    /// The same as [`Line::try_take`] for one slot; `None` when that is to be asked.
    #[inline]
    pub(super) fn take(&self, now: Nanos) -> Option<Result<(), Refused>> {
        let Pace { nanosecond, step, tolerance, last, .. } = self.pace;
        if now > last {
            return None;
        }
        let now = usize::try_from(now).ok()? * nanosecond;
        // Relaxed, here and below: whoever takes a slot reads and writes nothing but this number, of which everybody sees the same order. Who heard of
        // a waiter has seen, in that order, that the number was taken under the lock.
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & COUNT_FULL == COUNT_FULL {
                return None;
            }
            let arrival = word >> COUNT_BITS;
            if arrival > now + tolerance {
                return Some(Err(self.refusal(arrival)));
            }
            let next = ((arrival.max(now) + step) << COUNT_BITS) | ((word & COUNT_FULL) + 1);
            match self.word.compare_exchange_weak(word, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Some(Ok(())),
                Err(other) => word = other,
            }
        }
    }

    fn refusal(&self, arrival: usize) -> Refused {
        let ticks = arrival - self.pace.tolerance;
        // Most rates in lowest terms are one each so many nanoseconds, and a division is a third of the answer.
        let due = if self.pace.nanosecond == 1 { ticks } else { ticks.div_ceil(self.pace.nanosecond) };
        Refused::DueAt(due as Nanos)
    }

    /// Moves the arrival time into the grid; called with the lock held.
    #[inline]
    pub(super) fn take_in(&self, line: &mut Line) {
        // Relaxed: only who has the lock moves it.
        if self.word.load(Ordering::Relaxed) != UNDER_LOCK {
            let word = self.word.swap(UNDER_LOCK, Ordering::Relaxed);
            line.take_in((word >> COUNT_BITS) as u128, (word & COUNT_FULL) as u64);
        }
    }

    /// Moves the arrival time out of the grid, where it may be outside; called with the lock held.
    #[inline]
    pub(super) fn put_out(&self, line: &Line, now: Nanos) {
        let Some(grid) =
            line.only_grid().filter(|grid| now <= self.pace.last && Some(grid.limit().rate) == self.pace.rate)
        else {
            return;
        };
        match usize::try_from(grid.arrival()) {
            // Relaxed: only who has the lock moves it.
            Ok(arrival) if arrival < UNDER_LOCK >> COUNT_BITS => {
                self.word.store(arrival << COUNT_BITS, Ordering::Relaxed)
            }
            _ => {}
        }
    }
}

impl Pace {
    const fn new(rate: Rate, burst: NonZeroU32) -> Self {
        let (nanosecond, step) = (rate.permits_reduced() as u128, rate.period_ns() as u128);
        let tolerance = step * (burst.get() - 1) as u128;
        // The latest arrival time is that of a slot taken at `last`, with the whole burst before it.
        let Some(most) = ((UNDER_LOCK >> COUNT_BITS) as u128 - 1).checked_sub(tolerance + step) else {
            return Self { rate: None, nanosecond: 0, step: 0, tolerance: 0, last: 0 };
        };
        Self {
            rate: Some(rate),
            nanosecond: nanosecond as usize,
            step: step as usize,
            tolerance: tolerance as usize,
            last: (most / nanosecond) as Nanos,
        }
    }
}

#[cfg(all(test, bowline_loom))]
mod loom_tests;
#[cfg(all(test, not(bowline_loom)))]
mod tests;
