//! Blocking work from async code, and back, without hangs, for Tokio.
//!
//! A [`BlockingPool`] runs blocking closures on a bounded number of threads of its own. Callers wait for a place without
//! blocking, a call that nobody waits for any more never begins, and one that has begun keeps its scope from returning
//! until the thread is really free.
//!
//! ```
//! use std::{thread, time::Duration};
//!
//! use bowline_bridge::BlockingPool;
//! use bowline_concurrency::timeout;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let database = BlockingPool::builder().name("db").threads(4).queue(64).build()?;
//!
//! let rows = database.run(|_| 40 + 2).await?; // a query, a hash, a file: whatever blocks
//! assert_eq!(rows, 42);
//!
//! // A call that takes too long is told so, and the deadline waits until its thread has heard.
//! let slow = database.run(|cx| {
//!     while cx.check().is_ok() {
//!         thread::yield_now();
//!     }
//! });
//! assert!(timeout(Duration::from_millis(20), slow).await.is_err());
//! assert_eq!(database.statistics().running, 0);
//!
//! let report = database.shutdown(Duration::from_secs(5)).await;
//! assert!(report.is_clean());
//! # Ok(())
//! # }
//! ```
//!
//! # What is here
//!
//! | | |
//! |---|---|
//! | [`BlockingPool`] | a bounded pool of threads for blocking calls |
//! | [`Call`] | one call: a future that can be named, and dropped without harm |
//! | [`CallContext`] | in the closure: whether anybody still waits for it |
//! | [`ShutdownReport`] | which calls were stuck when the pool was shut down |
//!
//! # Which one
//!
//! | you have | use |
//! |---|---|
//! | a blocking library (SQLite, files, DNS, compression) behind async callers | one [`BlockingPool`] for each resource that has a limit |
//! | a burst of calls that must not pile up in memory | [`BlockingPool::run`], which waits for a place |
//! | callers that would rather fail than wait | [`BlockingPool::try_run`], which gives the closure back |
//! | a loop that could stop early | [`CallContext::check`] in it |
//! | errors that somebody must hear of, even when the caller has gone | [`Call::report_orphaned_error`] |
//! | a few short calls, and no limit to keep | [`tokio::task::spawn_blocking`] |
//! | a blocking step in the middle of a task, on a multi-threaded runtime | [`tokio::task::block_in_place`] |
//!
//! Tokio's own pool has 512 threads and an endless queue, a running call cannot be told to stop, and dropping the
//! runtime waits for it without end. The threads of a [`BlockingPool`] belong to no runtime.
//!
//! # What happens to a call whose caller goes away
//!
//! 1. It waits for a place, or in the queue: it never begins, and its closure is dropped at once.
//! 2. It runs: a thread cannot be stopped from outside. [`CallContext::check`] fails from now on, and the scope, timeout or
//!    root that the caller was dropped in waits for the thread ([`Hold`](bowline_concurrency::Hold)), a timeout at most as
//!    long as it settles. The call is named in `Elapsed::stragglers` if it takes longer than that.
//! 3. Its result is dropped on the thread, unless [`Call::when_orphaned`] takes it. A panic goes to the failure observer.
//!
//! # What it cannot do
//!
//! Closures are `'static`: a future can be forgotten, so that no library can lend borrows to another thread from async code. The pool sees
//! that it is called from its own threads, and runs such calls inline; it cannot see a circle of two pools, or a call from a
//! task that one of its threads waits for. When all threads wait like that, nothing moves.
#![forbid(unsafe_code)]

mod pool;

pub use pool::{
    BlockingPool, BuildError, Builder, Call, CallCancelled, CallContext, CallError, PoolStatistics, ShutdownReport,
    StuckCall, TryRunError,
};
