//! What lies under the lock.

use std::{
    borrow::Borrow,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use tokio::time::Instant;

use super::{
    KeyedRateLimiterStatistics, TooManyKeys,
    table::{Index, Table},
};
use crate::rate_limiter::{
    Rate, RateLimit,
    clock::Clock,
    grid::Nanos,
    grids::Grids,
    line::{Line, Wakes},
    room::Room,
};

/// The sums are kept here, because lines are forgotten.
#[derive(Debug)]
pub(super) struct State<K> {
    /// All grids begin with the first use.
    origin: Option<Instant>,
    limit: RateLimit,
    /// When the latest pause of all keys ends.
    resume: Nanos,
    table: Table<K>,
    granted: u64,
    waiting: usize,
}

impl<K> State<K> {
    pub(super) fn new(limit: RateLimit, table: Table<K>) -> Self {
        Self { origin: None, limit, resume: 0, table, granted: 0, waiting: 0 }
    }

    pub(super) fn clock(&mut self, now: Instant) -> Clock {
        Clock::new(*self.origin.get_or_insert(now), now)
    }

    pub(super) fn find<Q>(&self, hash: u64, key: &Q) -> Option<Index>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.table.find(hash, key)
    }

    /// A line as it is for a key that was never seen. A pause of all has left no credit for it either, as long as that matters.
    pub(super) fn new_line(&self) -> Line {
        let mut line = Line::new(Grids::new(self.limit.rate, self.limit.burst), Room::UNLIMITED);
        line.pause(0, self.resume);
        line
    }

    pub(super) fn make_room(&mut self, clock: Clock, forgotten: &mut Vec<K>) -> Result<(), TooManyKeys> {
        let made = self.table.make_room(clock.now(), forgotten);
        made.map_err(|hint| {
            let known = Some(clock.until(hint)).filter(|wait| !wait.is_zero());
            // That time has passed, and the key is busy still: one that takes no other slot is idle after this.
            let retry_after = known.unwrap_or_else(|| self.limit.rate.step());
            TooManyKeys { keys_max: self.table.keys_max(), retry_after }
        })
    }

    pub(super) fn insert(&mut self, hash: u64, key: K, line: Line) -> Index {
        self.granted += line.granted();
        self.waiting += line.waiting();
        self.table.insert(hash, key, line)
    }

    /// Does one thing with a line.
    pub(super) fn act<T>(
        &mut self,
        index: Index,
        clock: Clock,
        wakes: &mut Wakes,
        act: impl FnOnce(&mut Line, Clock, &mut Wakes) -> T,
    ) -> T {
        let line = self.table.line(index);
        let (granted, waiting, in_use) = (line.granted(), line.waiting(), line.is_in_use());
        // A waker's clone may panic in there, after others have been granted their slots.
        let answer = catch_unwind(AssertUnwindSafe(|| act(line, clock, wakes)));
        self.granted = self.granted - granted + line.granted();
        self.waiting = self.waiting - waiting + line.waiting();
        if in_use && !line.is_in_use() {
            let idle_at = line.idle_at();
            self.table.may_be_idle_at(idle_at);
        }
        answer.unwrap_or_else(|payload| resume_unwind(payload))
    }

    pub(super) fn pause_all(&mut self, clock: Clock, resume: Nanos) {
        if resume > clock.now() {
            self.resume = self.resume.max(resume);
        }
        self.table.lines().for_each(|line| line.pause(clock.now(), resume));
    }

    pub(super) fn resume(&mut self, index: Index, clock: Clock, wakes: &mut Wakes) {
        self.act(index, clock, wakes, |line, clock, wakes| line.end_pause(clock.now(), wakes));
        let idle_at = self.table.line(index).idle_at();
        self.table.may_be_idle_at(idle_at);
    }

    pub(super) fn resume_all(&mut self, clock: Clock, wakes: &mut Wakes) {
        self.resume = self.resume.min(clock.now());
        self.act_on_all(|line| line.end_pause(clock.now(), wakes));
    }

    pub(super) fn set_rate(&mut self, rate: Rate, clock: Clock, wakes: &mut Wakes) {
        self.limit.rate = rate;
        self.act_on_all(|line| _ = line.set_rate(0, rate, clock.now(), wakes));
    }

    fn act_on_all(&mut self, mut act: impl FnMut(&mut Line)) {
        for line in self.table.lines() {
            let (granted, waiting) = (line.granted(), line.waiting());
            act(line);
            self.granted += line.granted() - granted;
            self.waiting -= waiting - line.waiting();
        }
        self.table.may_be_idle_at(0);
    }

    pub(super) fn statistics(&self) -> KeyedRateLimiterStatistics {
        KeyedRateLimiterStatistics {
            limit: self.limit,
            keys: self.table.keys(),
            keys_max: self.table.keys_max(),
            waiting: self.waiting,
            granted: self.granted,
            evicted: self.table.evicted(),
        }
    }
}
