//! Tests of the public behaviour.

mod admission;
mod auto_traits;
mod barrier;
mod condition;
mod condition_limits;
mod cooperation;
mod crowds;
mod event;
#[cfg(feature = "inspect")]
mod inspect;
mod keyed_lock;
mod keyed_lock_model;
mod keyed_rate_limiter;
mod latch;
mod lifecycle;
mod limiter;
mod limiter_borrowers;
mod limiter_model;
mod limiter_weights;
mod locks;
mod mutex;
mod panicking_wakers;
mod partitioned_limiter;
mod pauses;
mod rate_limiter;
mod rate_limiter_weights;
mod shutdown;
mod single_flight;
mod support;
#[cfg(feature = "tower")]
mod tower;
