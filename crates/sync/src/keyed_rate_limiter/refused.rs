//! Why there is no slot for a key.

use std::{num::NonZeroUsize, time::Duration};

use crate::rate_limiter::{ExceedsBurst, RetryAfter};

/// The key is a new one, and all that the limiter may remember are busy; returned by [`KeyedRateLimiter::acquire`](crate::KeyedRateLimiter::acquire).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("all {keys_max} keys are busy: try again in {retry_after:?}, or make the limiter for more keys")]
pub struct TooManyKeys {
    pub(super) keys_max: NonZeroUsize,
    pub(super) retry_after: Duration,
}

impl TooManyKeys {
    /// How long until one of the keys may be forgotten, as far as is known now; never zero.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

/// Why a key does not get its slots; returned by [`KeyedRateLimiter::try_acquire`](crate::KeyedRateLimiter::try_acquire).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyRefused {
    /// Not yet.
    #[error(transparent)]
    RetryAfter(#[from] RetryAfter),
    /// Never.
    #[error(transparent)]
    ExceedsBurst(#[from] ExceedsBurst),
    /// There is no place for another key.
    #[error(transparent)]
    TooManyKeys(#[from] TooManyKeys),
}

impl KeyRefused {
    /// How long until it is worth another try; `None` when it never is.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RetryAfter(refused) => Some(refused.duration()),
            Self::ExceedsBurst(_) => None,
            Self::TooManyKeys(refused) => Some(refused.retry_after),
        }
    }
}
