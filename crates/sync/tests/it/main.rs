//! Tests of the public behaviour.

mod auto_traits;
mod barrier;
mod cooperation;
mod event;
mod latch;
mod limiter;
mod limiter_model;
mod partitioned_limiter;
mod rate_limiter;
mod single_flight;
mod support;
