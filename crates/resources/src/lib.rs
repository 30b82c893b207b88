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
//! - [`Resource`]: what can be acquired and released; writing one takes two `async fn`. [`resource`] makes one of two closures
//! - [`with`]: acquires, uses, releases; [`Exit`] tells the release how it ended. [`lease`]: a guard instead of a body
//! - [`transaction`]: commits on `Ok` and rolls back on everything else, on a connection of a [`ConnectionSource`], such as a pool
//! - [`transaction_on`]: the same on a borrowed connection; [`savepoint`]: a part that fails alone
//! - [`exit_stack()`], [`ExitStack`]: any number of resources and callbacks, released together, the last one first
//! - [`Pool`]: a bounded number of values, used again and reset in between; [`Pooled`] has the hooks
//! - [`Shared`], [`KeyedShared`]: one value for many users, released by the last; [`Swap`]: one that is replaced while it is in use
//! - [`Resource::zip`], [`all`]: several acquired and released at once; [`Resource::map`], [`Resource::map_err`]: another value, another error
//! - [`with_local`], [`LocalResource`]: the same for values that are not `Send`, on a `LocalSet`
//!
//! # Which one
//!
//! | you have | use |
//! |---|---|
//! | a value for a part of one function | [`with`] |
//! | a value that lives in a struct | [`lease`], and end it with [`release`](Lease::release) |
//! | a number of values that is known when it runs | [`exit_stack()`]; if they can all be opened at once, [`all`] |
//! | a few values that do not depend on each other | [`zip`](Resource::zip) |
//! | one thing to do after success, another after everything else | [`transaction`]; with a connection that is only borrowed [`transaction_on`] |
//! | more cases than these two | [`with`], and match on the [`Exit`] |
//! | values that are expensive to make, for one user at a time | [`Pool`] |
//! | one value that many use at the same time | [`Shared`]; one for each tenant or address, [`KeyedShared`] |
//! | one value that has to be renewed while it is used | [`Swap`] |
//! | a value that is not `Send` | [`with_local`] |
//!
//! A value whose destructor can do all that is needed without an await needs none of this: let it drop. `deadpool` and `bb8` are pools with adapters for many
//! databases; they reset when somebody asks, and not when a value comes back. sqlx's own `Pool::begin` is enough where nobody ever drops a future half-way.
//!
//! # The promise, and what it needs
//!
//! Releases of dropped bodies run as tasks of the runtime on which the value was acquired, and the current scope waits for them;
//! that runtime needs its timers. Without a scope around it is the process root, for which only `bowline_concurrency::run`
//! waits. A runtime that is dropped first cuts them short: reported, and counted by
//! [`lost_releases`](bowline_concurrency::lost_releases). Nobody releases after the process has died, after `panic = "abort"`, or what
//! was given to `std::mem::forget`.
//!
//! | what happens | what becomes of a value |
//! |---|---|
//! | the body returns, fails or panics | released before the caller goes on |
//! | a timeout, a lost `select!`, a failed sibling, an aborted task | released in the background; the scope around waits |
//! | Ctrl-C below [`run`](bowline_concurrency::run) or a root scope | the same, before the program ends |
//! | its release hangs after its caller has gone | cut at [`release_within`](Resource::release_within), [abandoned](Resource::abandon), reported |
//! | its release hangs while its caller waits | the caller waits, too: put a timeout around |
//! | the runtime is dropped | [abandoned](Resource::abandon), counted, reported |
//!
//! # Coming from
//!
//! | there | here |
//! |---|---|
//! | Python `async with open() as value:` | [`with`]`(open, async \|value\| ..)` |
//! | `@asynccontextmanager` | [`resource`]`(acquire, release)`: what stands before the `yield`, and after it |
//! | `__aexit__(type, value, traceback)` | the [`Exit`]; it cannot swallow a failure, as errors are values of the body |
//! | `AsyncExitStack`, `enter_async_context`, `push_async_callback`, `pop_all` | [`ExitStack`], [`enter`](ExitStack::enter), [`push`](ExitStack::push), [`take`](ExitStack::take) |
//! | `asyncio.shield` around a release | not needed: a release is masked |
//! | `contextlib.aclosing` | [`with`] over the stream, or `bowline-streams`' own generators |
//! | cats-effect `Resource.make`, `makeCase`; ZIO `acquireRelease`, `acquireReleaseExit` | [`resource`], always with the [`Exit`] |
//! | `use`, `ZIO.scoped` | [`with`] |
//! | `both`, `parZip` | [`zip`](Resource::zip), [`all`] |
//! | `flatMap` | a [`with`] inside, or [`ExitStack`] |
//! | `Hotswap`; `RcRef`, `RcMap`; `ZPool`, `KeyPool` | [`Swap`]; [`Shared`], [`KeyedShared`]; [`Pool`] |
//! | `allocated` | [`lease`] |
//! | Kotlin `use { }`, and `finally` with `NonCancellable` | [`with`] |
//! | a `Drop` that spawns its cleanup | [`lease`], for which somebody waits |
//!
//! # Cancel safety
//!
//! Everything here may be dropped anywhere; that is what the crate is for. See [`with`] for what happens where.
//!
//! # Features
//!
//! None is on by default. `sqlx` makes sqlx's pools (SQLite, PostgreSQL) a [`ConnectionSource`] and its connections [`Transactional`]. It has sqlx 0.9 in
//! the public API, and needs Rust 1.94, as that does.
//!
//! # Rust version
//!
//! 1.85 is declared, and checked by a lint; tests run on the current stable.
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
