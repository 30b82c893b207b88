//! Tokio's clock in the units of the grid.

use std::time::Duration;

use tokio::time::Instant;

use super::grid::Nanos;

/// One moment, counted from the origin of the grid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
    now: Nanos,
}

impl Clock {
    #[inline]
    pub(crate) fn new(origin: Instant, now: Instant) -> Self {
        Self { origin, now: nanos_between(origin, now) }
    }

    pub(crate) fn now(&self) -> Nanos {
        self.now
    }

    /// Zero for what lies before the origin, the end of time for what lies past it.
    pub(crate) fn nanos(&self, instant: Instant) -> Nanos {
        nanos_between(self.origin, instant)
    }

    /// So long from now.
    pub(crate) fn nanos_after(&self, duration: Duration) -> Nanos {
        self.now.saturating_add(saturating_nanos(duration))
    }

    pub(crate) fn instant(&self, nanos: Nanos) -> Instant {
        /// Far enough for any timer, near enough for any platform's clock.
        const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        let far = || self.origin + Duration::from_nanos(self.now) + THIRTY_YEARS;
        self.origin.checked_add(Duration::from_nanos(nanos)).unwrap_or_else(far)
    }

    /// How long until then.
    pub(crate) fn until(&self, nanos: Nanos) -> Duration {
        Duration::from_nanos(nanos.saturating_sub(self.now))
    }
}

#[inline]
fn nanos_between(origin: Instant, instant: Instant) -> Nanos {
    saturating_nanos(instant.saturating_duration_since(origin))
}

#[inline]
fn saturating_nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}
