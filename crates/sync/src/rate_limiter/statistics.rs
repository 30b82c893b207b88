//! What a limiter tells of itself.

use std::num::NonZeroU32;

use tokio::time::Instant;

use super::Rate;

/// One of the limits of a [`RateLimiter`](crate::RateLimiter).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RateLimit {
    /// The rate in force.
    pub rate: Rate,
    /// How many unused slots may be taken at once.
    pub burst: NonZeroU32,
}

/// What a [`RateLimiter`](crate::RateLimiter) is doing at one moment; made by [`RateLimiter::statistics`](crate::RateLimiter::statistics).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimiterStatistics {
    /// All limits, in the order in which the limiter was made; at least one.
    pub limits: Vec<RateLimit>,
    /// How many permits have been granted so far, those that were given back not counted.
    pub granted: u64,
    /// How many futures wait in line.
    pub waiting: usize,
    /// When the present pause ends; `None` when there is none.
    pub paused_until: Option<Instant>,
}
