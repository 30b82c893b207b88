//! A line, its lock and its clock.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    RetryAfter,
    clock::Clock,
    line::{Line, Refused, Wakes},
};
use crate::primitive::{Mutex, lock};

pub(crate) struct Shared {
    state: Mutex<State>,
}

struct State {
    /// The grid begins with the first use: a `static` is made before there is a clock.
    origin: Option<Instant>,
    line: Line,
}

impl Shared {
    #[cfg(not(bowline_loom))]
    pub(crate) const fn new(line: Line) -> Self {
        Self { state: Mutex::new(State { origin: None, line }) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(line: Line) -> Self {
        Self { state: Mutex::new(State { origin: None, line }) }
    }

    /// Changes a line that nobody else knows yet.
    pub(super) fn build(&mut self, change: impl FnOnce(&mut Line)) {
        change(&mut lock(&self.state).line);
    }

    /// Does one thing under the lock, and what it leaves to do after it.
    #[inline]
    pub(crate) fn with_line<T>(&self, act: impl FnOnce(&mut Line, Clock, &mut Wakes) -> T) -> T {
        let mut wakes = Wakes::default();
        // Asked before the lock, which is held for less long then; that clocks may arrive out of order does no harm (invariant 3 of the grid).
        let now = Instant::now();
        let answer = {
            let mut state = lock(&self.state);
            let origin = *state.origin.get_or_insert(now);
            act(&mut state.line, Clock::new(origin, now), &mut wakes)
        };
        wakes.run();
        answer
    }

    /// Somebody who was admitted leaves.
    pub(crate) fn leave_room(&self) {
        let mut wakes = Wakes::default();
        {
            let State { origin, line } = &mut *lock(&self.state);
            let origin = *origin;
            line.leave_room(
                || {
                    let now = Instant::now();
                    Clock::new(origin.unwrap_or(now), now).now()
                },
                &mut wakes,
            );
        }
        wakes.run();
    }
}

impl Clock {
    /// The answer to somebody who is refused, where room is not bounded.
    pub(crate) fn retry_after(&self, refused: &Refused) -> RetryAfter {
        RetryAfter { duration: self.until_due(refused) }
    }

    /// How long until then.
    pub(crate) fn until_due(&self, refused: &Refused) -> Duration {
        match refused {
            Refused::DueAt(due) => self.until(*due),
            Refused::NoRoom => Duration::ZERO,
        }
    }
}
