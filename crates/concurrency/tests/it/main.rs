//! Tests of the public behaviour. Names carry the IDs of the behaviour catalogue; see CONTRIBUTING.md.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with the place and the cause")]

mod adoption;
mod auto_traits;
mod background;
mod cancel_safety;
mod cancelled;
mod destructors;
mod every_future;
mod failures;
mod grandchildren;
#[cfg(feature = "tower")]
mod handler;
mod hang_cases;
mod links;
mod memory;
mod panics;
#[cfg(feature = "tower")]
mod request;
mod root;
mod run_blocking;
mod runtime_end;
mod scope;
mod shield;
mod storm;
mod support;
mod timeout;
#[cfg(feature = "tracing")]
mod trace;
mod world;
