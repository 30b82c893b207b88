//! Tests of the public behaviour.

mod abandon;
mod auto_traits;
mod exit;
mod guard;
mod lease;
mod nesting;
mod pool;
mod pool_close;
mod pool_model;
mod pool_return;
mod pool_support;
mod support;
mod transaction;
mod with;
