//! The arithmetic of one rate: which slot is the next, and when.
//!
//! The algorithm is the *generic cell rate algorithm* in its virtual scheduling form (ITU-T Recommendation I.371, annex A): one number, the
//! theoretical arrival time of the next permit. A permit conforms when it comes no earlier than that time less a tolerance; the tolerance of
//! `burst - 1` steps is what makes a burst. A request of several permits is that many cells that arrive at once: it conforms when the last of them does.
//!
//! What is not in the recommendation is how a line of waiters is served, see [`Grid::take_for_waiter`].
//!
//! # Invariants
//!
//! 1. Time is counted in *ticks* of `1 / permits` nanoseconds (of a rate in lowest terms): a nanosecond is `permits` ticks, the step between two slots is `period_ns`
//!    ticks, and nothing is ever rounded but the answer. All products fit: 64 bits of time × 32 bits of permits, 32 bits of burst × 64 bits of
//!    step, in 128. Where the length of the line comes in, the sum ends at the end of time.
//! 2. `arrival` is never earlier than [`Grid::floor`]: no slot lies before the end of a pause, and a pause leaves no credit behind.
//! 3. No call needs `now` to be monotone: an older `now` grants less, never more.
//! 4. No request is larger than the burst. So one that does not conform finds an arrival time later than now: while the first in line waits for this
//!    grid, no slot of it passes unused.

use std::num::NonZeroU32;

use super::{Rate, RateLimit};

/// Nanoseconds since the grid's origin.
pub(crate) type Nanos = u64;

#[derive(Debug, Clone)]
pub(super) struct Grid {
    rate: Rate,
    burst: NonZeroU32,
    /// The theoretical arrival time, in ticks since the origin.
    arrival: u128,
    /// What the arrival time would be without the pause that lasts, if one does.
    unpaused: u128,
    /// When the latest pause ends.
    resume: Option<Nanos>,
}

impl Grid {
    pub(super) const fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self { rate, burst, arrival: 0, unpaused: 0, resume: None }
    }

    pub(super) const fn limit(&self) -> RateLimit {
        RateLimit { rate: self.rate, burst: self.burst }
    }

    pub(super) fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    pub(super) fn resume(&self) -> Option<Nanos> {
        self.resume
    }

    /// Whether a request could be granted now.
    #[inline]
    pub(super) fn conforms(&self, now: Nanos, permits: NonZeroU32) -> bool {
        self.arrival + self.steps(permits.get() - 1) <= self.ticks(now) + self.tolerance()
    }

    /// Takes the slots of a request that conforms, for somebody who comes while nobody waits. Slots that passed unused are lost, but for `burst`
    /// of them: that is the clamp to now of the original algorithm.
    #[inline]
    pub(super) fn take_for_newcomer(&mut self, now: Nanos, permits: NonZeroU32) {
        self.forget_unused(now);
        self.arrival += self.steps(permits.get());
    }

    /// Takes the slots of a request that conforms, for somebody who has been waiting for them. Here the arrival time is *not* clamped to now: the slot
    /// was wanted when it passed, and only the timer was late. With the clamp, a timer that is a millisecond late costs a millisecond of the rate, each
    /// time.
    pub(super) fn take_for_waiter(&mut self, permits: NonZeroU32) {
        self.arrival += self.steps(permits.get());
    }

    /// Slots that have passed by now and that nobody wanted are lost, but for the burst.
    #[inline]
    pub(super) fn forget_unused(&mut self, now: Nanos) {
        self.arrival = self.arrival.max(self.ticks(now));
    }

    /// Gives slots back that were taken and not used.
    pub(super) fn give_back(&mut self, permits: NonZeroU32) {
        let steps = self.steps(permits.get());
        self.unpaused = self.unpaused.saturating_sub(steps);
        self.arrival = self.arrival.saturating_sub(steps).max(self.floor());
    }

    /// When a request conforms that stands behind so many permits.
    pub(super) fn due(&self, ahead: u64, permits: NonZeroU32) -> Nanos {
        let before_last = u128::from(ahead) + u128::from(permits.get() - 1);
        let slot = self.arrival.saturating_add(before_last.saturating_mul(self.step()));
        self.nanos(slot.saturating_sub(self.tolerance()))
    }

    pub(super) fn arrival(&self) -> u128 {
        self.arrival
    }

    pub(super) fn set_arrival(&mut self, arrival: u128) {
        self.arrival = arrival;
    }

    /// From when on the grid is as good as a new one.
    pub(super) fn idle_at(&self) -> Nanos {
        self.nanos(self.arrival).max(self.resume.unwrap_or(0))
    }

    /// Lets no slot come before `resume`, nor more than one at it. A pause that ends earlier than a former one changes nothing.
    pub(super) fn pause(&mut self, now: Nanos, resume: Nanos) {
        if !self.is_paused(now) {
            self.unpaused = self.arrival;
        }
        self.resume = self.resume.max(Some(resume));
        self.arrival = self.arrival.max(self.floor());
    }

    /// Lets the pause end now, as if that had been its end from the beginning: what was taken before it still counts.
    pub(super) fn end_pause(&mut self, now: Nanos) {
        if self.is_paused(now) {
            self.resume = Some(now);
            self.arrival = self.unpaused.max(self.floor());
        }
    }

    /// Goes on at another rate. What has been taken ahead of time is kept as a number of permits, so that one slow hour still to wait at the old rate
    /// does not outlive it; a pause keeps its end.
    pub(super) fn set_rate(&mut self, rate: Rate, now: Nanos) {
        // The bound of a pause that is over is worth as many permits as the tolerance, which are not to be counted again at the new rate.
        self.resume = self.resume.filter(|resume| *resume > now);
        let old_step = self.step();
        // No more than this is ever taken ahead; the bound is what keeps the products in range (invariant 1).
        let most = self.tolerance() + old_step;
        let ahead = self.arrival.saturating_sub(self.present(now)).min(most);
        let unpaused = self.unpaused.saturating_sub(self.ticks(now)).min(most);
        self.rate = rate;
        let step = self.step();
        let at_new_rate = |ahead: u128| ahead / old_step * step + (ahead % old_step * step).div_ceil(old_step);
        self.unpaused = self.ticks(now) + at_new_rate(unpaused);
        self.arrival = (self.present(now) + at_new_rate(ahead)).max(self.floor());
    }

    /// The arrival time at which nothing has been taken ahead: now, or the end of the pause.
    fn present(&self, now: Nanos) -> u128 {
        if self.is_paused(now) { self.floor() } else { self.ticks(now) }
    }

    fn is_paused(&self, now: Nanos) -> bool {
        self.resume.is_some_and(|resume| resume > now)
    }

    fn ticks(&self, time: Nanos) -> u128 {
        u128::from(time) * u128::from(self.rate.permits_reduced())
    }

    /// The first nanosecond that is not before it.
    fn nanos(&self, ticks: u128) -> Nanos {
        // Nearly always the numbers are small, and a division of 64 bits is several times faster.
        match u64::try_from(ticks) {
            Ok(ticks) => ticks.div_ceil(u64::from(self.rate.permits_reduced())),
            Err(_) => Nanos::try_from(ticks.div_ceil(u128::from(self.rate.permits_reduced()))).unwrap_or(Nanos::MAX),
        }
    }

    fn step(&self) -> u128 {
        u128::from(self.rate.period_ns())
    }

    fn steps(&self, permits: u32) -> u128 {
        u128::from(permits) * self.step()
    }

    fn tolerance(&self) -> u128 {
        self.steps(self.burst.get() - 1)
    }

    /// The earliest arrival time that the pauses so far allow (invariant 2).
    fn floor(&self) -> u128 {
        self.resume.map_or(0, |resume| self.ticks(resume) + self.tolerance())
    }
}

#[cfg(test)]
mod tests;
