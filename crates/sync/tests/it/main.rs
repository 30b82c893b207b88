//! Tests of the public behaviour.

mod admission;
mod auto_traits;
mod cooperation;
mod event;
mod keyed_rate_limiter;
mod limiter;
mod limiter_model;
mod rate_limiter;
mod support;
