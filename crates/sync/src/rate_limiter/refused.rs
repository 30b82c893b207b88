//! Why there is no slot.

use std::{fmt, num::NonZeroU32, time::Duration};

use super::{grid::Nanos, line::Line};

/// No slot is free yet; returned by [`RateLimiter::try_acquire`](crate::RateLimiter::try_acquire).
#[derive(Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("the rate is used up: try again in {:?}, or wait in line with `acquire`", self.duration())]
pub struct RetryAfter {
    /// Who only turns work away has no use for a duration, which takes divisions.
    pub(super) nanos: Nanos,
}

impl RetryAfter {
    /// How long until the first slot that is neither taken nor waited for, as far as is known now.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }
}

impl fmt::Debug for RetryAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryAfter").field("duration", &self.duration()).finish()
    }
}

/// More permits were asked for than can ever be granted at once; returned by [`RateLimiter::acquire_many`](crate::RateLimiter::acquire_many).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{permits} permits at once exceed the burst of {burst}: ask for fewer at a time, or make the limiter with a larger burst"
)]
pub struct ExceedsBurst {
    permits: NonZeroU32,
    burst: NonZeroU32,
}

impl ExceedsBurst {
    /// How many were asked for.
    #[must_use]
    pub fn permits(&self) -> NonZeroU32 {
        self.permits
    }

    /// How many may be asked for: the smallest burst of the limiter.
    #[must_use]
    pub fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    pub(crate) fn check(permits: NonZeroU32, line: &Line) -> Result<(), Self> {
        match line.grids().burst() {
            burst if permits > burst => Err(Self { permits, burst }),
            _ => Ok(()),
        }
    }
}

/// Why several permits are not granted at once; returned by [`RateLimiter::try_acquire_many`](crate::RateLimiter::try_acquire_many).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RateRefused {
    /// Not yet.
    #[error(transparent)]
    RetryAfter(#[from] RetryAfter),
    /// Never.
    #[error(transparent)]
    ExceedsBurst(#[from] ExceedsBurst),
}

impl RateRefused {
    /// How long until it is worth another try; `None` when it never is.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RetryAfter(refused) => Some(refused.duration()),
            Self::ExceedsBurst(_) => None,
        }
    }
}

/// A [`RateLimiter`](crate::RateLimiter) has no limit of this number; returned by [`RateLimiter::set_rate_of`](crate::RateLimiter::set_rate_of).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limiter has no limit number {limit}: they count from zero, in the order in which it was made")]
pub struct NoSuchLimit {
    pub(super) limit: usize,
}
