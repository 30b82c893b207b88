//! Tests of the public behaviour.

mod auto_traits;
mod exit;
mod lease;
mod nesting;
mod support;
mod transaction;
mod with;
