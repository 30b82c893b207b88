//! Tests of the public behaviour.

mod abandon;
mod auto_traits;
mod exit;
mod guard;
mod lease;
mod nesting;
#[cfg(feature = "sqlx")]
mod sqlx;
mod support;
mod transaction;
mod with;
