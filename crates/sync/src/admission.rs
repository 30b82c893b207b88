//! How often and how many at once, in one line: the [`Line`] of the rate limiter, with bounded [`Room`].

mod acquire;
mod permit;

use std::{fmt, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::time::Instant;

pub use self::{
    acquire::{AcquireAdmission, AcquireOwnedAdmission},
    permit::{AdmissionPermit, OwnedAdmissionPermit},
};
use crate::{
    inspected::{Holding, Resource},
    rate_limiter::{
        Rate, RateLimit, RetryAfter,
        grids::Grids,
        line::{Line, Refused},
        request::Request,
        room::Room,
        shared::Shared,
    },
};

/// Bounds how often tasks begin something and how many do it at the same time, first come, first served.
///
/// A permit is granted when there is room *and* the rate allows it, strictly in the order of asking. A [`Limiter`](crate::Limiter) behind a
/// [`RateLimiter`](crate::RateLimiter) is not the same: whoever has a slot of the rate and waits for room has spent it, or is overtaken, and slots that passed
/// meanwhile pile up into a burst. Here slots that pass while there is no room are lost, but for the burst.
///
/// The place comes back when the permit is dropped; the slot of the rate is spent. A request that is cancelled before it has its permit costs neither.
///
/// The capacity and the rate can be changed at any time, as with the two others: a capacity below what is in use takes nothing away, zero
/// closes the gate.
///
/// Where only one of the two is bounded, use a [`Limiter`](crate::Limiter) or a [`RateLimiter`](crate::RateLimiter) alone: a limiter asks no clock.
///
/// # Examples
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
///
/// use bowline_sync::{Admission, AdmissionRefused, Rate};
/// use tokio::time::{Instant, sleep};
///
/// // At most two connections, and ten new ones a second.
/// static UPSTREAM: Admission = Admission::new(2, Rate::per_second(NonZeroU32::new(10).unwrap()));
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), AdmissionRefused> {
/// let start = Instant::now();
/// let first = UPSTREAM.acquire().await;
/// let second = UPSTREAM.acquire().await;
/// assert_eq!(start.elapsed(), Duration::from_millis(100));
///
/// sleep(Duration::from_secs(1)).await;
/// assert_eq!(UPSTREAM.try_acquire().unwrap_err(), AdmissionRefused::AtCapacity);
/// drop(first);
/// let _third = UPSTREAM.try_acquire()?;
/// # drop(second);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "bulkhead")]
#[doc(alias = "throttle")]
#[doc(alias = "ConcurrencyLimit")]
pub struct Admission {
    shared: Shared,
    resource: Resource,
}

/// What an [`Admission`] is doing at one moment; made by [`Admission::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdmissionStatistics {
    /// How many may be inside at once.
    pub capacity: usize,
    /// How many are inside. More than `capacity` after that was lowered.
    pub in_use: usize,
    /// The rate, and the burst.
    pub limit: RateLimit,
    /// How many have been admitted so far, those that gave their grant back unused not counted.
    pub granted: u64,
    /// How many futures wait in line.
    pub waiting: usize,
    /// When the present pause ends; `None` when there is none.
    pub paused_until: Option<Instant>,
}

/// Nobody can be admitted now; returned by [`Admission::try_acquire`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AdmissionRefused {
    /// Every place is taken or promised. Nobody knows when one comes back.
    #[error("the admission is at capacity: wait in line with `acquire`, or turn the work away")]
    AtCapacity,
    /// There is room, and the rate is used up.
    #[error(transparent)]
    RetryAfter(#[from] RetryAfter),
}

impl AdmissionRefused {
    /// How long until it is worth another try, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::AtCapacity => None,
            Self::RetryAfter(refused) => Some(refused.duration()),
        }
    }
}

impl Admission {
    /// Creates an admission without bursts; in a `static` too. A capacity of zero makes everybody wait for [`set_capacity`](Admission::set_capacity).
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(capacity: usize, rate: Rate) -> Self {
        Self::with_burst(capacity, rate, NonZeroU32::MIN)
    }

    /// Creates an admission that lets up to `burst` begin at once after slots were not used. A new one has them all.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn with_burst(capacity: usize, rate: Rate, burst: NonZeroU32) -> Self {
        let line = Line::new(Grids::new(rate, burst), Room::limited(capacity));
        Self { shared: Shared::new(line), resource: Resource::new("admission") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn with_burst(capacity: usize, rate: Rate, burst: NonZeroU32) -> Self {
        let line = Line::new(Grids::new(rate, burst), Room::limited(capacity));
        Self { shared: Shared::new(line), resource: Resource::new("admission") }
    }

    /// Waits for room and a slot of the rate, in the order of asking.
    ///
    /// The place in line is taken at the first poll.
    pub fn acquire(&self) -> AcquireAdmission<'_> {
        AcquireAdmission::new(self)
    }

    /// Waits for a permit that may outlive the borrow: to be moved into a task.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{num::NonZeroU32, sync::Arc};
    ///
    /// use bowline_sync::{Admission, Rate};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), tokio::task::JoinError> {
    /// let admission = Arc::new(Admission::new(1, Rate::per_second(NonZeroU32::MIN)));
    /// let permit = admission.acquire_owned().await; // before the spawn: waiting work costs no task
    /// let work = tokio::spawn(async move {
    ///     let _permit = permit;
    ///     42
    /// });
    /// assert_eq!(work.await?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireOwnedAdmission {
        AcquireOwnedAdmission::new(Arc::clone(self))
    }

    /// Takes a place and a slot if both are free now. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`AdmissionRefused::AtCapacity`] when there is no room, otherwise [`AdmissionRefused::RetryAfter`] with the time until a slot comes that is neither
    /// taken nor waited for.
    pub fn try_acquire(&self) -> Result<AdmissionPermit<'_>, AdmissionRefused> {
        self.try_take(|| AdmissionPermit::new(self))
    }

    /// Takes a place that may outlive the borrow and a slot, if both are free now.
    ///
    /// # Errors
    ///
    /// The same as those of [`try_acquire`](Admission::try_acquire).
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedAdmissionPermit, AdmissionRefused> {
        self.try_take(|| OwnedAdmissionPermit::new(Arc::clone(self)))
    }

    /// The guard is there before anybody is woken: should a waker panic, the place comes back.
    fn try_take<P>(&self, guard: impl FnOnce() -> P) -> Result<P, AdmissionRefused> {
        self.shared.with_line(|line, clock, wakes| {
            let taken = line.try_take(NonZeroU32::MIN, clock.now(), wakes);
            taken.map(|()| guard()).map_err(|refused| match refused {
                Refused::NoRoom => AdmissionRefused::AtCapacity,
                Refused::DueAt(_) => AdmissionRefused::RetryAfter(clock.retry_after(&refused)),
            })
        })
    }

    /// Changes the capacity. Waiters for whom there is room now, and a slot, are admitted at once, in order; permits that are out stay out.
    pub fn set_capacity(&self, capacity: usize) {
        self.shared.with_line(|line, clock, wakes| line.set_capacity(capacity, clock.now(), wakes));
    }

    /// Changes the rate, for those who wait too. The burst stays, and so does a pause.
    pub fn set_rate(&self, rate: Rate) {
        self.shared.with_line(|line, clock, wakes| line.set_rate(0, rate, clock.now(), wakes));
    }

    /// Admits nobody before `resume`; for the rest like [`RateLimiter::pause_until`](crate::RateLimiter::pause_until).
    #[doc(alias = "Retry-After")]
    pub fn pause_until(&self, resume: Instant) {
        self.shared.with_line(|line, clock, _| line.pause(clock.now(), clock.nanos(resume)));
    }

    /// Admits nobody for at least so long from now, like [`pause_until`](Admission::pause_until).
    pub fn pause_for(&self, duration: Duration) {
        self.shared.with_line(|line, clock, _| line.pause(clock.now(), clock.nanos_after(duration)));
    }

    /// Ends the pause now, if there is one, like [`RateLimiter::resume`](crate::RateLimiter::resume).
    pub fn resume(&self) {
        self.shared.with_line(|line, clock, wakes| line.end_pause(clock.now(), wakes));
    }

    /// Reports capacity, rate, permits out, length of the line and pause, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> AdmissionStatistics {
        self.shared.with_line(|line, clock, _| AdmissionStatistics {
            capacity: line.room().capacity(),
            in_use: line.room().in_use(),
            limit: line.grids().limit(),
            granted: line.granted(),
            waiting: line.waiting(),
            paused_until: line.resume(clock.now()).map(|resume| clock.instant(resume)),
        })
    }

    fn hold(&self) -> Holding {
        self.resource.hold()
    }

    /// Takes a place back.
    fn release(&self) {
        self.shared.leave_room();
    }

    fn give_up(&self, request: &mut Request) {
        if request.is_in_line() {
            self.shared.with_line(|line, clock, wakes| request.give_up(line, clock, wakes));
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.statistics();
        f.debug_struct("Admission")
            .field("capacity", &now.capacity)
            .field("in_use", &now.in_use)
            .field("limit", &now.limit)
            .field("waiting", &now.waiting)
            .field("paused_until", &now.paused_until)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, bowline_loom))]
mod loom_tests;
