//! A fair bound on how often something happens, in layers: `grid` is the arithmetic of one rate, `grids` that of several, `room` bounds how
//! many at once (for [`Admission`](crate::Admission)), `line` adds those who wait; all are told the time. `shared` adds the lock and the clock, `outside` a way past the lock, `request` the timer.

mod acquire;
pub(crate) mod clock;
pub(crate) mod grid;
pub(crate) mod grids;
pub(crate) mod line;
mod outside;
mod rate;
mod refused;
pub(crate) mod request;
pub(crate) mod room;
pub(crate) mod shared;
mod statistics;

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::time::Instant;

pub use self::{
    acquire::{AcquireOwnedSlot, AcquireSlot, AcquireSlots},
    rate::{InvalidPeriod, Rate},
    refused::{ExceedsBurst, NoSuchLimit, RateRefused, RetryAfter},
    statistics::{RateLimit, RateLimiterStatistics},
};
use self::{
    clock::Clock,
    grids::Grids,
    line::{Line, Refused},
    request::Request,
    room::Room,
    shared::Shared,
};
use crate::inspected::Resource;

/// Bounds how often tasks do something, first come, first served.
///
/// The slots lie on a fixed grid, one each `period / permits`, and are granted in the order of asking. While somebody waits none is lost: a
/// timer that comes late grants every slot that has passed meanwhile, and the slot of a cancelled waiter goes to the next one. So the limiter
/// reaches its rate and not 90 % of it, whatever the number of waiters. Slots that nobody asked for are lost, except for `burst`, of which
/// there is one unless [`with_burst`](RateLimiter::with_burst) says more. Several limits can be kept at once, see [`and`](RateLimiter::and).
///
/// Tokio's timer has a resolution of a millisecond: above a thousand a second, the rate is reached with as many waiters, or
/// as large a burst, as there are slots in two milliseconds.
///
/// The clock is Tokio's, so that a paused clock steers it in tests. Give each test a limiter of its own: one in a `static` remembers the clock of the test
/// before, which may have run three days ahead, and waits for it.
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
    shared: Shared,
    resource: Resource,
}

impl RateLimiter {
    /// Creates a limiter without bursts; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(rate: Rate) -> Self {
        Self::with_burst(rate, NonZeroU32::MIN)
    }

    /// Creates a limiter that lets up to `burst` slots be taken at once after they were not used. A new one has them all.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn with_burst(rate: Rate, burst: NonZeroU32) -> Self {
        let line = Line::new(Grids::new(rate, burst), Room::UNLIMITED);
        Self { shared: Shared::new(line), resource: Resource::new("rate limiter") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(rate: Rate) -> Self {
        let line = Line::new(Grids::new(rate, NonZeroU32::MIN), Room::UNLIMITED);
        Self { shared: Shared::new(line), resource: Resource::new("rate limiter") }
    }

    /// Adds a limit. A request is granted when all limits allow it, and then counts in all of them: a refusal takes nothing from any.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{num::NonZeroU32, sync::LazyLock, time::Duration};
    ///
    /// use bowline_sync::{Rate, RateLimiter};
    ///
    /// const fn count(permits: u32) -> NonZeroU32 {
    ///     NonZeroU32::new(permits).expect("not zero")
    /// }
    ///
    /// /// As the server documents it: ten a second, and two hundred a minute.
    /// static API: LazyLock<RateLimiter> = LazyLock::new(|| {
    ///     RateLimiter::with_burst(Rate::per_second(count(10)), count(10)).and(Rate::per_minute(count(200)), count(200))
    /// });
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let start = tokio::time::Instant::now();
    /// for _ in 0..200 {
    ///     API.acquire().await;
    /// }
    /// assert_eq!(start.elapsed(), Duration::from_secs(19), "ten at once, then ten a second");
    /// // By now, 63 of the two hundred have come back.
    /// for _ in 0..73 {
    ///     API.acquire().await;
    /// }
    /// assert!(start.elapsed() > Duration::from_secs(21), "from now on, one each 300 ms");
    /// # }
    /// ```
    #[doc(alias = "composite")]
    #[must_use]
    pub fn and(mut self, rate: Rate, burst: NonZeroU32) -> Self {
        self.shared.build(|line| line.and(rate, burst));
        self
    }

    /// Waits for the next slot, in the order of asking.
    ///
    /// The place in line is taken at the first poll.
    #[doc(alias = "until_ready")]
    pub fn acquire(&self) -> AcquireSlot<'_> {
        AcquireSlot::new(self)
    }

    /// Waits for the next slot, like [`acquire`](RateLimiter::acquire), in a future that may outlive the borrow: to be kept in a structure, or moved into a task.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{num::NonZeroU32, sync::Arc};
    ///
    /// use bowline_sync::{Rate, RateLimiter};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tokio::task::JoinError> {
    /// let limiter = Arc::new(RateLimiter::new(Rate::per_second(NonZeroU32::MIN)));
    /// tokio::spawn(limiter.acquire_owned()).await?;
    /// assert_eq!(limiter.statistics().granted, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireOwnedSlot {
        AcquireOwnedSlot::new(Arc::clone(self))
    }

    /// Waits for so many slots at once, in the order of asking: for requests that cost more than others.
    ///
    /// A request of `permits` is granted before any that came later, at the latest `permits / rate` after it has become the first in line: the small ones behind
    /// it wait, they do not starve it. The place in line is taken at the first poll.
    ///
    /// # Errors
    ///
    /// [`ExceedsBurst`], at the first poll, when there are never so many at once. Nobody is held up by it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{num::NonZeroU32, time::Duration};
    ///
    /// use bowline_sync::{Rate, RateLimiter};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (kilobytes, burst) = (NonZeroU32::try_from(100)?, NonZeroU32::try_from(64)?);
    /// let uplink = RateLimiter::with_burst(Rate::per_second(kilobytes), burst);
    /// uplink.acquire_many(burst).await?; // at once
    /// assert_eq!(uplink.peek_many(NonZeroU32::try_from(50)?)?, Duration::from_millis(500));
    /// assert!(uplink.acquire_many(kilobytes).await.is_err(), "a hundred are more than the burst");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "until_n_ready")]
    #[doc(alias = "weight")]
    #[doc(alias = "cost")]
    pub fn acquire_many(&self, permits: NonZeroU32) -> AcquireSlots<'_> {
        AcquireSlots::new(self, permits)
    }

    /// Takes a slot if one is free now. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`RetryAfter`], with the time to wait, when there is none.
    #[doc(alias = "check")]
    #[inline]
    pub fn try_acquire(&self) -> Result<(), RetryAfter> {
        let now = Instant::now();
        let (answer, clock) = self.shared.take_outside(now).unwrap_or_else(|| self.ask_line(now));
        answer.map_err(|refused| clock.retry_after(&refused))
    }

    /// Takes so many slots if all are free now. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`RateRefused::RetryAfter`], with the time to wait, when they are not; [`RateRefused::ExceedsBurst`] when there are never so many at once.
    #[doc(alias = "check_n")]
    pub fn try_acquire_many(&self, permits: NonZeroU32) -> Result<(), RateRefused> {
        self.shared.with_line(|line, clock, wakes| {
            ExceedsBurst::check(permits, line)?;
            Ok(line.try_take(permits, clock.now(), wakes).map_err(|refused| clock.retry_after(&refused))?)
        })
    }

    /// Tells how long a request would wait if it came now, as far as is known; zero when it would be granted at once. It takes nothing.
    ///
    /// It is an estimate: those before it may go away, the rate may change, others may be faster. Do not sleep and ask again: [`acquire`](RateLimiter::acquire)
    /// keeps the place.
    #[must_use]
    pub fn peek(&self) -> Duration {
        self.shared.with_line(|line, clock, wakes| {
            let answer = line.peek(NonZeroU32::MIN, clock.now(), wakes);
            answer.map_or_else(|refused| clock.until_due(&refused), |()| Duration::ZERO)
        })
    }

    /// Tells how long a request for so many slots would wait if it came now, like [`peek`](RateLimiter::peek).
    ///
    /// # Errors
    ///
    /// [`ExceedsBurst`] when it would never be granted.
    pub fn peek_many(&self, permits: NonZeroU32) -> Result<Duration, ExceedsBurst> {
        self.shared.with_line(|line, clock, wakes| {
            ExceedsBurst::check(permits, line)?;
            let answer = line.peek(permits, clock.now(), wakes);
            Ok(answer.map_or_else(|refused| clock.until_due(&refused), |()| Duration::ZERO))
        })
    }

    /// Grants no slot before `resume`, to nobody: those who wait already keep their places and wait longer.
    ///
    /// A pause is never shortened by another: an earlier `resume` than that of a former call changes nothing; [`resume`](RateLimiter::resume) ends it. Afterwards the grid goes on from `resume`, one
    /// slot at a time; what fell into the pause is not made up for. Who was granted a slot before this call goes ahead.
    #[doc(alias = "Retry-After")]
    #[doc(alias = "backoff")]
    pub fn pause_until(&self, resume: Instant) {
        self.shared.with_line(|line, clock, _| line.pause(clock.now(), clock.nanos(resume)));
    }

    /// Pauses everybody for at least so long from now, like [`pause_until`](RateLimiter::pause_until).
    pub fn pause_for(&self, duration: Duration) {
        self.shared.with_line(|line, clock, _| line.pause(clock.now(), clock.nanos_after(duration)));
    }

    /// Ends the pause now, if there is one: the grid goes on from this moment, one slot at a time. What was granted before the pause still counts, so that no
    /// series of pauses raises the rate.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{num::NonZeroU32, time::Duration};
    ///
    /// use bowline_sync::{Rate, RateLimiter};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), bowline_sync::RetryAfter> {
    /// let limiter = RateLimiter::new(Rate::per_second(NonZeroU32::MIN));
    /// limiter.pause_for(Duration::MAX); // until the operator has looked at it
    /// assert!(limiter.try_acquire().is_err());
    /// limiter.resume();
    /// limiter.try_acquire()?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "unpause")]
    pub fn resume(&self) {
        self.shared.with_line(|line, clock, wakes| line.end_pause(clock.now(), wakes));
    }

    /// Changes the rate, for those who wait too. The burst stays, and so does a pause. Of several limits it is the first one's.
    pub fn set_rate(&self, rate: Rate) {
        self.shared.with_line(|line, clock, wakes| line.set_rate(0, rate, clock.now(), wakes));
    }

    /// Changes the rate of one of several limits. They count from zero, in the order in which the limiter was made: the first
    /// [`and`](RateLimiter::and) added number one.
    ///
    /// # Errors
    ///
    /// [`NoSuchLimit`] when there are fewer.
    pub fn set_rate_of(&self, limit: usize, rate: Rate) -> Result<(), NoSuchLimit> {
        let is_there = self.shared.with_line(|line, clock, wakes| line.set_rate(limit, rate, clock.now(), wakes));
        if is_there { Ok(()) } else { Err(NoSuchLimit { limit }) }
    }

    /// Reports the limits, permits granted, length of the line and pause, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> RateLimiterStatistics {
        self.shared.with_line(|line, clock, _| RateLimiterStatistics {
            limits: line.grids().limits(),
            granted: line.granted(),
            waiting: line.waiting(),
            paused_until: line.resume(clock.now()).map(|resume| clock.instant(resume)),
        })
    }

    #[cold]
    fn ask_line(&self, now: Instant) -> (Result<(), Refused>, Clock) {
        self.shared.with_line_at(now, |line, clock, wakes| (line.try_take(NonZeroU32::MIN, clock.now(), wakes), clock))
    }

    fn give_up(&self, request: &mut Request) {
        if request.is_in_line() {
            self.shared.with_line(|line, clock, wakes| request.give_up(line, clock, wakes));
        }
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.statistics();
        f.debug_struct("RateLimiter")
            .field("limits", &now.limits)
            .field("granted", &now.granted)
            .field("waiting", &now.waiting)
            .field("paused_until", &now.paused_until)
            .finish_non_exhaustive()
    }
}
