//! Blocking work from async code, and back, without hangs, for Tokio
#![forbid(unsafe_code)]
