//! A line, its lock and its clock.

use std::{sync::OnceLock, time::Duration};

use tokio::time::Instant;

use super::{
    RetryAfter,
    clock::Clock,
    grid::Nanos,
    line::{Line, Refused, Wakes},
    outside::Outside,
};
use crate::primitive::{Mutex, lock};

pub(crate) struct Shared {
    /// The grid begins with the first use: a `static` is made before there is a clock.
    origin: OnceLock<Instant>,
    outside: Outside,
    line: Mutex<Line>,
}

impl Shared {
    #[cfg(not(bowline_loom))]
    pub(crate) const fn new(line: Line) -> Self {
        let limit = line.grids().limit();
        Self { origin: OnceLock::new(), outside: Outside::new(limit.rate, limit.burst), line: Mutex::new(line) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(line: Line) -> Self {
        let limit = line.grids().limit();
        Self { origin: OnceLock::new(), outside: Outside::new(limit.rate, limit.burst), line: Mutex::new(line) }
    }

    /// Changes a line that nobody else has. It may have been asked before.
    pub(super) fn build(&mut self, change: impl FnOnce(&mut Line)) {
        let line = &mut *lock(&self.line);
        self.outside.take_in(line);
        change(line);
    }

    /// Takes one slot, or tells when one comes, past the lock; `None` where the line must be asked.
    #[inline]
    pub(super) fn take_outside(&self, now: Instant) -> Option<(Result<(), Refused>, Clock)> {
        let clock = Clock::new(*self.origin.get()?, now);
        Some((self.outside.take(clock.now())?, clock))
    }

    /// Does one thing under the lock, and what it leaves to do after it.
    #[inline]
    pub(crate) fn with_line<T>(&self, act: impl FnOnce(&mut Line, Clock, &mut Wakes) -> T) -> T {
        // Asked before the lock, which is held for less long then; that clocks may arrive out of order does no harm (invariant 3 of the grid).
        self.with_line_at(Instant::now(), act)
    }

    #[inline]
    pub(super) fn with_line_at<T>(&self, now: Instant, act: impl FnOnce(&mut Line, Clock, &mut Wakes) -> T) -> T {
        let mut wakes = Wakes::default();
        let clock = Clock::new(*self.origin.get_or_init(|| now), now);
        let answer = {
            let line = &mut *lock(&self.line);
            self.outside.take_in(line);
            let answer = act(line, clock, &mut wakes);
            self.outside.put_out(line, clock.now());
            answer
        };
        wakes.run();
        answer
    }

    /// Somebody who was admitted leaves. Where room is bounded, nothing is ever outside.
    pub(crate) fn leave_room(&self) {
        let mut wakes = Wakes::default();
        let clock = || {
            let now = Instant::now();
            Clock::new(*self.origin.get().unwrap_or(&now), now).now()
        };
        lock(&self.line).leave_room(clock, &mut wakes);
        wakes.run();
    }
}

impl Clock {
    /// The answer to somebody who is refused, where room is not bounded.
    #[inline]
    pub(crate) fn retry_after(&self, refused: &Refused) -> RetryAfter {
        RetryAfter { nanos: refused.due().saturating_sub(self.now()) }
    }

    /// How long until then.
    pub(crate) fn until_due(&self, refused: &Refused) -> Duration {
        self.until(refused.due())
    }
}

impl Refused {
    /// From when on the rate does not stand in the way.
    fn due(&self) -> Nanos {
        match self {
            Refused::DueAt(due) => *due,
            Refused::NoRoom => 0,
        }
    }
}
