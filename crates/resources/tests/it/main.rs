//! Tests of the public behaviour.

mod abandon;
mod auto_traits;
mod every_poll;
mod exit;
mod guard;
mod lease;
mod nesting;
mod support;
mod transaction;
mod with;
mod with_panics;
