//! Tests of the public behaviour.

mod admission;
mod auto_traits;
mod barrier;
mod condition;
mod cooperation;
mod event;
mod keyed_lock;
mod keyed_lock_model;
mod keyed_rate_limiter;
mod latch;
mod lifecycle;
mod limiter;
mod limiter_model;
mod locks;
mod mutex;
mod partitioned_limiter;
mod rate_limiter;
mod single_flight;
mod support;
