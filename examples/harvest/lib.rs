//! `harvest` copies a paginated JSON API into a database, politely and in parallel.
//!
//! The program is `main.rs` next to this file; all that it does is here, so that the tests can call it. Without `--url` it
//! harvests the API of [`server`], which lives in the same process.
//!
//! | to see | read |
//! |---|---|
//! | how a run works: fetch, queue, store | [`copy`] |
//! | why a crash loses nothing | [`checkpoint`], [`store`] |
//! | how politeness is shared | [`fetch`], [`retry`] |
//! | the five ways to page | [`paging`] |

#![forbid(unsafe_code)]

pub mod args;
pub mod checkpoint;
pub mod copy;
pub mod demo;
pub mod error;
pub mod fetch;
pub mod header;
pub mod own_api;
pub mod page;
pub mod paging;
pub mod pointer;
pub mod program;
pub mod progress;
pub mod retry;
pub mod server;
pub mod session;
pub mod store;
pub mod tally;
