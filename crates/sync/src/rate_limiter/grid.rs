//! The arithmetic of a rate: which slot is the next, and when.
//!
//! The algorithm is the *generic cell rate algorithm* in its virtual scheduling form (ITU-T Recommendation I.371, annex A): one number, the
//! theoretical arrival time of the next permit. A permit conforms when it comes no earlier than that time less a tolerance; the tolerance of
//! `burst - 1` steps is what makes a burst.
//!
//! What is not in the recommendation is how a line of waiters is served, see [`Grid::take_for_waiter`].
//!
//! # Invariants
//!
//! 1. Time is counted in *ticks* of `1 / permits` nanoseconds: a nanosecond is `permits` ticks, the step between two slots is `period_ns`
//!    ticks, and nothing is ever rounded but the answer. All products fit: 64 bits of time × 32 bits of permits, 32 bits of burst × 64 bits of
//!    step, in 128.
//! 2. `arrival` is never earlier than [`Grid::floor`]: no slot lies before the end of a pause, and a pause leaves no credit behind.
//! 3. No call needs `now` to be monotone: an older `now` grants less, never more.

use std::num::NonZeroU32;

use super::Rate;

/// Nanoseconds since the grid's origin.
pub(super) type Nanos = u64;

#[derive(Debug, Clone)]
pub(super) struct Grid {
    rate: Rate,
    burst: NonZeroU32,
    /// The theoretical arrival time, in ticks since the origin.
    arrival: u128,
    /// When the latest pause ends.
    resume: Option<Nanos>,
}

impl Grid {
    pub(super) const fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self { rate, burst, arrival: 0, resume: None }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate
    }

    pub(super) fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    pub(super) fn resume(&self) -> Option<Nanos> {
        self.resume
    }

    /// Takes a slot for somebody who comes while nobody waits. Slots that passed unused are lost, but for `burst` of them: that is the clamp to
    /// now of the original algorithm.
    pub(super) fn take_for_newcomer(&mut self, now: Nanos) -> bool {
        let now = self.ticks(now);
        if self.arrival > now + self.tolerance() {
            return false;
        }
        self.arrival = self.arrival.max(now) + self.step();
        true
    }

    /// Takes a slot for somebody who has been waiting for it. Here the arrival time is *not* clamped to now: the slot was wanted when it passed, and only
    /// the timer was late. With the clamp, a timer that is a millisecond late costs a millisecond of the rate, each time.
    pub(super) fn take_for_waiter(&mut self, now: Nanos) -> bool {
        if self.arrival > self.ticks(now) + self.tolerance() {
            return false;
        }
        self.arrival += self.step();
        true
    }

    /// Gives a slot back that was taken and not used.
    pub(super) fn give_back(&mut self) {
        self.arrival = self.arrival.saturating_sub(self.step()).max(self.floor());
    }

    /// When the slot behind the next `ahead` ones comes.
    pub(super) fn due(&self, ahead: usize) -> Nanos {
        let slot = self.arrival + ahead as u128 * self.step();
        let due = slot.saturating_sub(self.tolerance());
        Nanos::try_from(due.div_ceil(self.rate.permits())).unwrap_or(Nanos::MAX)
    }

    /// Lets no slot come before `resume`, nor more than one at it. A pause that ends earlier than a former one changes nothing.
    pub(super) fn pause(&mut self, resume: Nanos) {
        self.resume = self.resume.max(Some(resume));
        self.arrival = self.arrival.max(self.floor());
    }

    /// Goes on at another rate. What has been taken ahead of time is kept as a number of permits, so that one slow hour still to wait at the old rate
    /// does not outlive it; a pause keeps its end.
    pub(super) fn set_rate(&mut self, rate: Rate, now: Nanos) {
        let old_step = self.step();
        // No more than this is ever taken ahead; the bound is what keeps the products in range (invariant 1).
        let most = self.tolerance() + old_step;
        let ahead = self.arrival.saturating_sub(self.present(now)).min(most);
        self.rate = rate;
        let permits = ahead / old_step * self.step();
        let rest = (ahead % old_step * self.step()).div_ceil(old_step);
        self.arrival = (self.present(now) + permits + rest).max(self.floor());
    }

    /// The arrival time at which nothing has been taken ahead: now, or the end of the pause.
    fn present(&self, now: Nanos) -> u128 {
        match self.resume {
            Some(resume) if resume > now => self.floor(),
            _ => self.ticks(now),
        }
    }

    fn ticks(&self, time: Nanos) -> u128 {
        u128::from(time) * self.rate.permits()
    }

    fn step(&self) -> u128 {
        self.rate.period_ns()
    }

    fn tolerance(&self) -> u128 {
        u128::from(self.burst.get() - 1) * self.step()
    }

    /// The earliest arrival time that the pauses so far allow (invariant 2).
    fn floor(&self) -> u128 {
        self.resume.map_or(0, |resume| self.ticks(resume) + self.tolerance())
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use proptest::prelude::*;

    use super::{Grid, Nanos, Rate};

    const SECOND: Nanos = 1_000_000_000;

    fn grid(permits: u32, burst: u32) -> Grid {
        let permits = NonZeroU32::new(permits).unwrap();
        Grid::new(Rate::per_second(permits), NonZeroU32::new(burst).unwrap())
    }

    #[test]
    fn a_rate_that_no_nanosecond_divides_is_exact() {
        let mut thirds = grid(3, 1);
        for slot in 0..3_000 {
            assert_eq!(thirds.due(0), (slot * SECOND).div_ceil(3));
            assert!(thirds.take_for_waiter(1_000 * SECOND));
        }
        assert_eq!(thirds.due(0), 1_000 * SECOND);
    }

    #[test]
    fn idle_time_is_worth_a_burst_and_no_more() {
        let mut grid = grid(10, 4);
        let taken = |grid: &mut Grid, now| (0..99).take_while(|_| grid.take_for_newcomer(now)).count();
        assert_eq!(taken(&mut grid, 0), 4);
        assert_eq!(taken(&mut grid, SECOND / 10), 1);
        assert_eq!(taken(&mut grid, 60 * SECOND), 4);
    }

    #[test]
    fn a_pause_never_shortens_and_leaves_no_credit() {
        let mut grid = grid(10, 4);
        assert!(grid.take_for_newcomer(0));
        grid.pause(5 * SECOND);
        grid.give_back();
        assert_eq!(grid.due(0), 5 * SECOND, "a slot given back is no way around the pause");
        grid.pause(2 * SECOND);
        assert_eq!(grid.due(0), 5 * SECOND);
        assert!(!grid.take_for_newcomer(5 * SECOND - 1));
        assert!(grid.take_for_newcomer(5 * SECOND));
        assert!(!grid.take_for_newcomer(5 * SECOND));
    }

    #[test]
    fn a_new_rate_keeps_what_is_owed_as_permits() {
        let mut grid = grid(10, 1);
        assert!(grid.take_for_newcomer(0));
        let hourly = Rate::per_hour(NonZeroU32::MIN);
        grid.set_rate(hourly, SECOND / 20); // half a permit is owed
        assert_eq!(grid.due(0), 1_800 * SECOND + SECOND / 20);
        grid.set_rate(Rate::per_second(NonZeroU32::MIN), SECOND / 20);
        assert_eq!(grid.due(0), SECOND / 2 + SECOND / 20);
        grid.pause(9 * SECOND);
        grid.set_rate(hourly, SECOND);
        assert_eq!(grid.due(0), 9 * SECOND);
    }

    #[test]
    fn the_largest_numbers_fit() {
        let longest = Rate::new(NonZeroU32::MAX, Duration::from_secs(15_000_000_000)).unwrap();
        let mut grid = Grid::new(longest, NonZeroU32::MAX);
        grid.pause(Nanos::MAX);
        grid.set_rate(Rate::per_second(NonZeroU32::MAX), Nanos::MAX);
        grid.set_rate(longest, 0);
        assert!(!grid.take_for_waiter(Nanos::MAX - 1));
        assert!(grid.take_for_waiter(Nanos::MAX));
        assert_eq!(grid.due(usize::MAX), Nanos::MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        /// The definition of the algorithm as two inequalities, for any arrivals and any rate: no window holds more than its share and a burst.
        #[test]
        fn no_window_holds_more_than_its_share_and_a_burst(
            permits in 1..2_000u32, burst in 1..6u32, gaps in prop::collection::vec(0..3_000_000u64, 1..60),
        ) {
            let mut grid = grid(permits, burst);
            let (mut now, mut taken) = (0, Vec::new());
            for gap in gaps {
                now += gap;
                if grid.take_for_newcomer(now) { taken.push(now); } else {
                    prop_assert!(grid.due(0) > now);
                    prop_assert!(grid.clone().take_for_newcomer(grid.due(0)), "the slot is there when it was promised");
                }
            }
            for (first, start) in taken.iter().enumerate() {
                for (last, end) in taken.iter().enumerate().skip(first) {
                    let share = u128::from(end - start) * u128::from(permits) / u128::from(SECOND);
                    prop_assert!((last - first + 1) as u128 <= share + u128::from(burst));
                }
            }
        }
    }
}
