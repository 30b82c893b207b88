//! Async generators with awaited cleanup, and pagination, for Tokio
#![forbid(unsafe_code)]
