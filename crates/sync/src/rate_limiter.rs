//! A fair bound on how often something happens, in three layers: `grid` is the arithmetic, `line` adds those who wait, both are told the
//! time; `acquire` and this file add the lock, the clock and the timer.

mod acquire;
mod clock;
mod grid;
mod line;
mod rate;

use std::{fmt, num::NonZeroU32, time::Duration};

use tokio::time::Instant;

pub use self::{
    acquire::AcquireSlot,
    rate::{InvalidPeriod, Rate},
};
use self::{
    clock::Clock,
    line::{Line, Wakes},
};
use crate::primitive::{Mutex, lock};

/// Bounds how often tasks do something, first come, first served.
///
/// The slots lie on a fixed grid, one each `period / permits`, and are granted in the order of asking. While somebody waits none is lost: a
/// timer that comes late grants every slot that has passed meanwhile, and the slot of a cancelled waiter goes to the next one. So the limiter
/// reaches its rate and not 90 % of it, whatever the number of waiters. Slots that nobody asked for are lost, except for `burst`, of which
/// there is one unless [`with_burst`](RateLimiter::with_burst) says more.
///
/// Tokio's timer has a resolution of a millisecond: above a thousand a second, the rate is reached with as many waiters, or
/// as large a burst, as there are slots in two milliseconds.
///
/// The clock is Tokio's, so that a paused clock steers it in tests.
///
/// # Examples
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
///
/// use bowline_sync::{Rate, RateLimiter};
/// use tokio::time::Instant;
///
/// static API: RateLimiter = RateLimiter::new(Rate::per_second(NonZeroU32::new(100).unwrap()));
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), bowline_sync::RetryAfter> {
/// let start = Instant::now();
/// API.acquire().await; // at once
/// API.acquire().await; // a hundredth of a second later
/// assert_eq!(start.elapsed(), Duration::from_millis(10));
///
/// // The server answered 429 with `Retry-After: 2`: that concerns everybody.
/// API.pause_for(Duration::from_secs(2));
/// let refused = API.try_acquire().expect_err("paused");
/// assert_eq!(refused.duration(), Duration::from_secs(2));
/// tokio::time::sleep(refused.duration()).await;
/// API.try_acquire()?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "throttle")]
#[doc(alias = "governor")]
#[doc(alias = "GCRA")]
#[doc(alias = "leaky bucket")]
#[doc(alias = "token bucket")]
pub struct RateLimiter {
    state: Mutex<State>,
}

struct State {
    /// The grid begins with the first use: a `static` is made before there is a clock.
    origin: Option<Instant>,
    line: Line,
}

/// What a [`RateLimiter`] is doing at one moment; made by [`RateLimiter::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimiterStatistics {
    /// The rate in force.
    pub rate: Rate,
    /// How many unused slots may be taken at once.
    pub burst: NonZeroU32,
    /// How many slots have been granted so far, those that were given back not counted.
    pub granted: u64,
    /// How many futures wait in line.
    pub waiting: usize,
    /// When the present pause ends; `None` when there is none.
    pub paused_until: Option<Instant>,
}

/// No slot is free yet; returned by [`RateLimiter::try_acquire`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rate is used up: try again in {duration:?}, or wait in line with `acquire`")]
pub struct RetryAfter {
    duration: Duration,
}

impl RetryAfter {
    /// How long until the first slot that is neither taken nor waited for, as far as is known now.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

impl RateLimiter {
    /// Creates a limiter without bursts; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    pub const fn new(rate: Rate) -> Self {
        Self::with_burst(rate, NonZeroU32::MIN)
    }

    /// Creates a limiter that lets up to `burst` slots be taken at once after they were not used. A new one has them all.
    #[cfg(not(bowline_loom))]
    #[must_use]
    pub const fn with_burst(rate: Rate, burst: NonZeroU32) -> Self {
        Self { state: Mutex::new(State { origin: None, line: Line::new(rate, burst) }) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(rate: Rate) -> Self {
        Self { state: Mutex::new(State { origin: None, line: Line::new(rate, NonZeroU32::MIN) }) }
    }

    /// Waits for the next slot, in the order of asking.
    ///
    /// The place in line is taken at the first poll.
    pub fn acquire(&self) -> AcquireSlot<'_> {
        AcquireSlot::new(self)
    }

    /// Takes a slot if one is free now. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`RetryAfter`], with the time to wait, when there is none.
    pub fn try_acquire(&self) -> Result<(), RetryAfter> {
        self.with_line(|line, clock, wakes| {
            line.try_take(clock.now(), wakes).map_err(|due| RetryAfter { duration: clock.until(due) })
        })
    }

    /// Grants no slot before `resume`, to nobody: those who wait already keep their places and wait longer.
    ///
    /// A pause is never shortened: an earlier `resume` than that of a former call changes nothing. Afterwards the grid goes on from `resume`, one
    /// slot at a time; what fell into the pause is not made up for. Who was granted a slot before this call goes ahead.
    #[doc(alias = "Retry-After")]
    #[doc(alias = "backoff")]
    pub fn pause_until(&self, resume: Instant) {
        self.with_line(|line, clock, _| line.pause(clock.now(), clock.nanos(resume)));
    }

    /// Pauses everybody for at least so long from now, like [`pause_until`](RateLimiter::pause_until).
    pub fn pause_for(&self, duration: Duration) {
        self.with_line(|line, clock, _| line.pause(clock.now(), clock.nanos_after(duration)));
    }

    /// Changes the rate, for those who wait too. The burst stays, and so does a pause.
    pub fn set_rate(&self, rate: Rate) {
        self.with_line(|line, clock, wakes| line.set_rate(rate, clock.now(), wakes));
    }

    /// Reports rate, slots granted, length of the line and pause, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> RateLimiterStatistics {
        self.with_line(|line, clock, _| RateLimiterStatistics {
            rate: line.grid().rate(),
            burst: line.grid().burst(),
            granted: line.granted(),
            waiting: line.waiting(),
            paused_until: line
                .grid()
                .resume()
                .filter(|resume| *resume > clock.now())
                .map(|resume| clock.instant(resume)),
        })
    }

    /// Does one thing under the lock, and what it leaves to do after it.
    fn with_line<T>(&self, act: impl FnOnce(&mut Line, Clock, &mut Wakes) -> T) -> T {
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
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.statistics();
        f.debug_struct("RateLimiter")
            .field("rate", &now.rate)
            .field("granted", &now.granted)
            .field("waiting", &now.waiting)
            .field("paused_until", &now.paused_until)
            .finish_non_exhaustive()
    }
}
