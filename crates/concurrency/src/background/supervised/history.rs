//! When a supervised task was started again, and the pause before the next time.

use std::{collections::VecDeque, time::Duration};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::Restart;

pub(super) struct History {
    policy: Restart,
    /// The restarts within the window, the oldest first: never more than the limit.
    restarts: VecDeque<Instant>,
    pauses: ExponentialBackoff,
}

impl History {
    pub(super) fn new(policy: Restart) -> Self {
        History { policy, restarts: VecDeque::new(), pauses: policy.pauses() }
    }

    /// The pause before the restart that is due now, or `None`: that would be one too many. `ran`: how long the run has lasted that ended.
    pub(super) fn pause(&mut self, ran: Duration) -> Option<Duration> {
        let (Restart { at_most, within, .. }, now) = (self.policy, Instant::now());
        if ran >= within {
            self.pauses = self.policy.pauses();
        }
        while self.restarts.front().is_some_and(|restart| now.saturating_duration_since(*restart) >= within) {
            self.restarts.pop_front();
        }
        if self.restarts.len() >= usize::try_from(at_most).unwrap_or(usize::MAX) {
            return None;
        }
        self.restarts.push_back(now);
        Some(self.pauses.next().unwrap_or(self.policy.longest))
    }
}

impl Restart {
    fn pauses(&self) -> ExponentialBackoff {
        // The jitter is added; what is longer than a year overflows nothing, and nobody waits for it.
        let year = Duration::from_secs(86_400 * 365);
        let longest = self.longest.min(year);
        let builder = ExponentialBuilder::new()
            .with_min_delay(self.shortest.min(longest))
            .with_max_delay(longest)
            .without_max_times();
        if self.jitter { builder.with_jitter().build() } else { builder.build() }
    }
}
