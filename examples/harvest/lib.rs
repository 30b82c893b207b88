//! `harvest` copies a paginated JSON API into a database, politely and in parallel.
//!
//! The program is `main.rs` next to this file; all that it does is here, so that the tests can call it. Without `--url` it
//! harvests the API of [`server`], which lives in the same process.

#![forbid(unsafe_code)]

pub mod server;
