//! Tests of the public behaviour.

mod auto_traits;
mod condition;
mod cooperation;
mod event;
mod keyed_lock;
mod keyed_lock_model;
mod lifecycle;
mod limiter;
mod limiter_model;
mod locks;
mod mutex;
mod rate_limiter;
mod support;
