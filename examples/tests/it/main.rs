//! Tests of the example programs.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic with its line is the report")]

mod checkpoint;
mod header;
#[cfg(unix)]
mod interrupted;
mod page;
mod paging;
mod politeness;
mod program;
mod retry;
mod scope_layer;
mod server;
mod support;
mod trouble;
