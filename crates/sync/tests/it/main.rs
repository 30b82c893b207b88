//! Tests of the public behaviour.

mod auto_traits;
mod cooperation;
mod event;
#[cfg(feature = "inspect")]
mod inspect;
mod limiter;
mod limiter_borrowers;
mod limiter_model;
mod limiter_weights;
mod rate_limiter;
mod support;
#[cfg(feature = "tower")]
mod tower;
