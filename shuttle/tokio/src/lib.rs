//! `shuttle-tokio`, with what our crates use and it lacks: tasks that have an id, timers, signals, and a runtime that can be shut
//! down.
//!
//! A package that names this one `tokio` in its manifest gets it for every `tokio::…` path.
#![forbid(unsafe_code)]

pub mod runtime;
pub mod signal;
pub mod task;
pub mod time;

// What is named wins over the glob.
pub use shuttle_tokio::*;
pub use task::spawn;
