//! Drop futures at every await point, on both runtimes; catch leaks and deadlocks, for Tokio
#![forbid(unsafe_code)]
