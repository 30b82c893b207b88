//! Resources whose asynchronous release is awaited, whatever happens, for Tokio
#![forbid(unsafe_code)]
