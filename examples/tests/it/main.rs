//! Tests of the example programs.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic with its line is the report")]

mod server;
