//! Instants that fit into an atomic.

use std::{sync::OnceLock, time::Duration};

use tokio::time::Instant;

/// Nanoseconds since the first moment of the process, on Tokio's clock, which tests may pause. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) fn now() -> Self {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        let since = Instant::now().saturating_duration_since(*FIRST.get_or_init(Instant::now));
        Moment(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX >> 2).max(1)) // 146 years, and room for two bits.
    }

    pub(super) fn bits(self) -> u64 {
        self.0
    }

    /// `None` for zero: it has not happened.
    pub(super) fn from_bits(bits: u64) -> Option<Self> {
        (bits != 0).then_some(Moment(bits))
    }

    pub(super) fn until(self, later: Moment) -> Duration {
        Duration::from_nanos(later.0.saturating_sub(self.0))
    }
}
