//! Joinable queues that lose nothing when a worker dies, and worker pools, for Tokio
#![forbid(unsafe_code)]
