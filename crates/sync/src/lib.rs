//! Events, capacity limiters and fair rate limiters for Tokio.
#![forbid(unsafe_code)]

mod event;
mod limiter;
mod primitive;
mod rate_limiter;
mod wait_list;

#[cfg(all(test, bowline_loom))]
mod loom_tests;

pub use event::{Event, Wait};
pub use limiter::{AcquireOwnedPermit, AcquirePermit, AtCapacity, Limiter, LimiterStatistics, OwnedPermit, Permit};
pub use rate_limiter::{AcquireSlot, InvalidPeriod, Rate, RateLimiter, RateLimiterStatistics, RetryAfter};
