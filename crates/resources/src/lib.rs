//! Resources whose asynchronous release is awaited, whatever happens, for Tokio.
//!
//! A value is released exactly once: when the body succeeds, fails or panics, and when somebody drops it half-way.
//! Then the scope around waits for the release, so that nothing is left when it returns.
//!
//! ```
//! use bowline_concurrency::timeout;
//! use bowline_resources::{Exit, Resource, with};
//! use std::{future::pending, io, sync::{Arc, atomic::{AtomicI32, Ordering}}, time::Duration};
//!
//! /// Counts the connections that are open.
//! struct Connect(Arc<AtomicI32>);
//!
//! impl Resource for Connect {
//!     type Value = ();
//!     type Error = io::Error;
//!
//!     async fn acquire(&mut self) -> io::Result<()> {
//!         self.0.fetch_add(1, Ordering::Relaxed);
//!         Ok(())
//!     }
//!
//!     async fn release(&mut self, _connection: (), _exit: Exit) -> io::Result<()> {
//!         tokio::task::yield_now().await; // Says goodbye to the server.
//!         self.0.fetch_sub(1, Ordering::Relaxed);
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
//! let open = Arc::new(AtomicI32::new(0));
//! let query = with(Connect(open.clone()), async |_connection| pending::<io::Result<()>>().await);
//! assert!(timeout(Duration::from_secs(5), query).await.is_err()); // Dropped in the middle of the query, and yet
//! assert_eq!(open.load(Ordering::Relaxed), 0);
//! # }
//! ```
//!
//! # What is here
//!
//! - [`Resource`]: what can be acquired and released; writing one takes two `async fn`
//! - [`with`]: acquires, uses, releases; [`Exit`] tells the release how it ended
//! - [`resource`]: one made of two closures; [`lease`]: a guard instead of a body
//! - [`exit_stack()`], [`ExitStack`]: any number of resources and callbacks, released together, the last one first
//! - [`Shared`], [`KeyedShared`]: one value for many users, released by the last; [`Swap`]: one that is replaced while it is in use
//! - [`Resource::zip`], [`all`]: several acquired and released at once; [`Resource::map`], [`Resource::map_err`]: another value, another error
//! - [`with_local`], [`LocalResource`]: the same for values that are not `Send`, on a `LocalSet`
//! - [`transaction`]: commits on `Ok` and rolls back on everything else, over [`Begin`]
//! - [`transaction`]: commits on `Ok` and rolls back on everything else, on a connection of a [`ConnectionSource`], such as a pool
//! - [`transaction_on`]: the same on a borrowed connection; [`savepoint`]: a part that fails alone
//! - [`Pool`]: a bounded number of values, used again and reset in between; [`Pooled`] has the hooks
//!
//! # Which one
//!
//! | at the end | use |
//! |---|---|
//! | the same, whatever happened | [`with`], and ignore the [`Exit`] |
//! | one thing after success, another after everything else | [`transaction`]; with a connection that is only borrowed [`transaction_on`] |
//! | more cases than these two | [`with`], and match on the [`Exit`] |
//!
//! A value whose destructor can do all that is needed without an await needs none of this: let it drop.
//!
//! # The promise, and what it needs
//!
//! Releases of dropped bodies run as tasks of the runtime on which the value was acquired, and the current scope waits for them;
//! that runtime needs its timers. Without a scope around it is the process root, for which only `bowline_concurrency::run`
//! waits. A runtime that is dropped first cuts them short: reported, and counted by
//! [`lost_releases`](bowline_concurrency::lost_releases). Nobody releases after the process has died, after `panic = "abort"`, or what
//! was given to `std::mem::forget`.
//!
//! # Cancel safety
//!
//! Everything here may be dropped anywhere; that is what the crate is for. See [`with`] for what happens where.
//!
//! # Rust version
//!
//! 1.85 is declared, and checked by a lint. The feature `sqlx` needs 1.94, as sqlx does: it makes its pools (SQLite,
//! PostgreSQL) a [`ConnectionSource`], and its connections [`Transactional`]. It has sqlx 0.9 in its public API.
#![forbid(unsafe_code)]

mod all;
mod exit;
mod exit_stack;
mod first_failure;
mod from_fns;
mod held;
mod lease;
mod local;
mod map;
mod map_err;
mod masked;
mod member;
mod owed;
mod pool;
mod release_within;
mod resource;
mod shared;
#[cfg(feature = "sqlx")]
mod sqlx;
mod swap;
mod transaction;
mod unseen;
mod with;
mod zip;

pub use all::{All, all};
pub use exit::Exit;
pub use exit_stack::{CallbackOutput, CloseError, ExitStack, Loan, ReleaseError, exit_stack};
pub use from_fns::{FromFns, resource};
pub use lease::{Lease, lease};
pub use local::{LocalResource, with_local};
pub use map::Map;
pub use map_err::MapErr;
pub use pool::{
    AcquireError, Checkout, CloseReport, Destroyed, GiveBackError, Pool, PoolBuilder, PoolCheckout, PoolStatistics,
    Pooled, TryAcquireError,
};
pub use release_within::WithReleaseWithin;
pub use resource::Resource;
pub use shared::{Closed, KeyedShared, ShareError, Shared, SharedLease, SharedStatistics};
pub use swap::{Swap, SwapError};
pub use transaction::{
    ConnectionSource, EndingWithin, RollbackLater, Step, Transactional, Tx, savepoint, transaction, transaction_on,
};
pub use with::with;
pub use zip::Zip;
