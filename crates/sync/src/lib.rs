//! Events, capacity limiters and fair rate limiters for Tokio
#![forbid(unsafe_code)]
