//! Several rates at once: all of them grant, or none.
//!
//! # Invariants
//!
//! 1. The first grid is always there and lies in place: one rate costs no allocation, and no look at the heap.
//! 2. A request is due when the last of the grids says so. Slots of the others that pass until then are not wanted, since the request could not have used them:
//!    invariant 4 of the line.

use std::{iter, num::NonZeroU32};

use super::{
    Rate, RateLimit,
    grid::{Grid, Nanos},
};

#[derive(Debug, Clone)]
pub(crate) struct Grids {
    first: Grid,
    more: Vec<Grid>,
}

impl Grids {
    pub(crate) const fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self { first: Grid::new(rate, burst), more: Vec::new() }
    }

    pub(super) fn push(&mut self, rate: Rate, burst: NonZeroU32) {
        self.more.push(Grid::new(rate, burst));
    }

    fn iter(&self) -> impl Iterator<Item = &Grid> {
        iter::once(&self.first).chain(&self.more)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Grid> {
        iter::once(&mut self.first).chain(&mut self.more)
    }

    /// The first limit.
    pub(crate) const fn limit(&self) -> RateLimit {
        self.first.limit()
    }

    /// The largest request that all of them can grant.
    pub(crate) fn burst(&self) -> NonZeroU32 {
        self.more.iter().map(Grid::burst).fold(self.first.burst(), NonZeroU32::min)
    }

    pub(super) fn limits(&self) -> Vec<RateLimit> {
        self.iter().map(Grid::limit).collect()
    }

    pub(super) fn resume(&self) -> Option<Nanos> {
        self.first.resume()
    }

    /// The grid, if there is only one.
    #[inline]
    pub(super) fn only(&self) -> Option<&Grid> {
        self.more.is_empty().then_some(&self.first)
    }

    pub(super) fn set_arrival(&mut self, arrival: u128) {
        self.first.set_arrival(arrival);
    }

    #[inline]
    pub(super) fn conform(&self, now: Nanos, permits: NonZeroU32) -> bool {
        self.first.conforms(now, permits) && self.more.iter().all(|grid| grid.conforms(now, permits))
    }

    #[inline]
    pub(super) fn take_for_newcomer(&mut self, now: Nanos, permits: NonZeroU32) -> bool {
        let conform = self.conform(now, permits);
        if conform {
            self.first.take_for_newcomer(now, permits);
            self.more.iter_mut().for_each(|grid| grid.take_for_newcomer(now, permits));
        }
        conform
    }

    pub(super) fn take_for_waiter(&mut self, now: Nanos, permits: NonZeroU32) -> bool {
        let conform = self.conform(now, permits);
        if conform {
            self.iter_mut().for_each(|grid| grid.take_for_waiter(permits));
        }
        conform
    }

    pub(super) fn forget_unused(&mut self, now: Nanos) {
        self.iter_mut().for_each(|grid| grid.forget_unused(now));
    }

    pub(super) fn give_back(&mut self, permits: NonZeroU32) {
        self.iter_mut().for_each(|grid| grid.give_back(permits));
    }

    /// When a request conforms that stands behind so many permits: at the earliest, where there are several rates.
    pub(super) fn due(&self, ahead: u64, permits: NonZeroU32) -> Nanos {
        self.more.iter().map(|grid| grid.due(ahead, permits)).fold(self.first.due(ahead, permits), Nanos::max)
    }

    pub(super) fn idle_at(&self) -> Nanos {
        self.more.iter().map(Grid::idle_at).fold(self.first.idle_at(), Nanos::max)
    }

    pub(super) fn pause(&mut self, now: Nanos, resume: Nanos) {
        self.iter_mut().for_each(|grid| grid.pause(now, resume));
    }

    pub(super) fn end_pause(&mut self, now: Nanos) {
        self.iter_mut().for_each(|grid| grid.end_pause(now));
    }

    /// Tells whether there is such a limit.
    pub(super) fn set_rate(&mut self, limit: usize, rate: Rate, now: Nanos) -> bool {
        let grid = self.iter_mut().nth(limit);
        grid.map(|grid| grid.set_rate(rate, now)).is_some()
    }
}
