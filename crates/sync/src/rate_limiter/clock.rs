//! Tokio's clock in the units of the grid.

use std::time::Duration;

use tokio::time::Instant;

use super::grid::Nanos;

/// One moment, counted from the origin of the grid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    origin: Instant,
    now: Instant,
}

impl Clock {
    pub(super) fn new(origin: Instant, now: Instant) -> Self {
        Self { origin, now }
    }

    pub(super) fn now(&self) -> Nanos {
        self.nanos(self.now)
    }

    /// Zero for what lies before the origin, the end of time for what lies past it.
    pub(super) fn nanos(&self, instant: Instant) -> Nanos {
        saturating_nanos(instant.saturating_duration_since(self.origin))
    }

    /// So long from now.
    pub(super) fn nanos_after(&self, duration: Duration) -> Nanos {
        self.now().saturating_add(saturating_nanos(duration))
    }

    pub(super) fn instant(&self, nanos: Nanos) -> Instant {
        /// Far enough for any timer, near enough for any platform's clock.
        const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
        self.origin.checked_add(Duration::from_nanos(nanos)).unwrap_or_else(|| self.now + THIRTY_YEARS)
    }

    /// How long until then.
    pub(super) fn until(&self, nanos: Nanos) -> Duration {
        Duration::from_nanos(nanos.saturating_sub(self.now()))
    }
}

fn saturating_nanos(duration: Duration) -> Nanos {
    Nanos::try_from(duration.as_nanos()).unwrap_or(Nanos::MAX)
}
