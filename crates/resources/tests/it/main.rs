//! Tests of the public behaviour.

mod abandon;
mod all;
mod auto_traits;
mod every_poll;
mod exit;
mod guard;
mod lease;
mod local;
mod map;
mod nesting;
mod support;
mod transaction;
mod with;
mod with_panics;
mod zip;
