//! Scopes, task groups, deadlines and background tasks that cannot leak, for Tokio.
//!
//! A scope returns after the last task below it is gone, whether it ends with a value, an error, a panic, or because
//! somebody dropped it half-way: then the nearest scope, timeout or root around it waits instead.
//!
//! ```
//! use bowline_concurrency::{TaskGroup, timeout, try_scope};
//! use std::{io, time::Duration};
//!
//! async fn fetch(page: u32) -> io::Result<String> {
//!     Ok(format!("page {page}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pages = timeout(
//!     Duration::from_secs(5),
//!     try_scope(async |group: &TaskGroup<io::Error>| {
//!         let tasks: Vec<_> = (1..=3).map(|page| group.try_spawn(fetch(page))).collect();
//!         let mut pages = Vec::new();
//!         for task in tasks {
//!             pages.push(task.await); // A value: had a sibling failed, the body would not go on.
//!         }
//!         Ok(pages)
//!     }),
//! )
//! .await??; // Too late, or all failures: no task is left in either case.
//! assert_eq!(pages, ["page 1", "page 2", "page 3"]);
//! # Ok(())
//! # }
//! ```
//!
//! # What is here
//!
//! - [`scope`], [`try_scope`]: a body and its children, returned from together; [`TaskGroup`], [`Task`], and [`Spawner`] for children that spawn
//! - [`timeout`]: a deadline that cancels on time and returns after the cleanup; [`Elapsed`] says which one it was
//! - [`BackgroundTasks`]: tasks beside the program, shut down with a report
//! - [`run`], [`root_scope`]: where a program enters the tree; signals, and waiting for what is left
//! - [`cancelled`], [`is_cancelled`], [`shutdown_requested`]: learning of a cancellation
//! - [`shield`], [`hand_off`], [`Hold`]: work that goes on after its caller has gone, and is waited for
//! - [`Scope`], [`InScope`], [`settled`]: ways into the tree for tasks that others spawn, and waiting inside it
//! - [`Failure`], [`lost_releases`], [`live_tasks`]: what nobody could be told, what was lost, what still runs
//!
//! # Which one
//!
//! | | results matter | nobody waits for the result |
//! |---|---|---|
//! | **a failure stops the others** | [`try_scope`] with [`try_spawn`](TaskGroup::try_spawn) | [`try_scope`], handles dropped |
//! | **each for itself** | [`scope`] with [`spawn`](TaskGroup::spawn), whose `Result` is a value | [`BackgroundTasks`] |
//!
//! # The promises, and what they need
//!
//! 1. *No task outlives its scope.* Tasks of plain `tokio::spawn` have no scope; give them one with [`InScope::in_scope`].
//! 2. *Releases are awaited* by the scope that is current where the value is dropped; without one by the process root,
//!    which [`run`] waits for.
//! 3. *No error is lost*: all failures are returned, or go to [`Scope::observe_failures`], or to standard error.
//! 4. *No deadline is ignored or confused*: see [`timeout`].
//!
//! No library can promise anything for a process that dies, for `panic = "abort"`, for [`std::mem::forget`], and for a runtime
//! that is dropped without [`run`] or [`root_scope`] having waited; the last is counted by [`lost_releases`].
//!
//! # When to use something else
//!
//! Two or three futures in one task need a `join!`. A `JoinSet` is enough where nothing is nested and the owner is never
//! dropped half-way. Threads that borrow are the matter of [`std::thread::scope`].
//!
//! # Cancel safety
//!
//! To cancel is to drop: of a future that is dropped only destructors run. What a destructor owes asynchronously it hands off
//! ([`hand_off`], [`shield`]), and the tree waits for it. Dropping a [`Task`] or a background handle cancels nothing; dropping a scope or
//! a timeout cancels all that is below.
//!
//! What no type here can prevent is the *futurelock*: a future that somebody keeps and does not poll, because another branch of a `select!` has
//! won over `&mut future` or `timeout(limit, &mut future)` has given up, still holds the locks that it has and its places in the lines for others.
//! Whoever wants one of these locks before polling it again waits for ever, or until the deadline around. So spawn what may hold a lock, and
//! wait for its [`Task`] or [`BackgroundTask`] instead: a task goes on while nobody polls its handle. Never keep a future that may hold a
//! lock without polling it.
//!
//! # Rust version
//!
//! 1.85 is declared, and checked by a lint; tests run on the current stable.
#![forbid(unsafe_code)]

mod background;
mod below;
mod cancelled;
mod child;
mod clock;
mod current;
mod drain;
mod dressed;
mod errors;
mod failure;
mod fallible;
mod group;
mod hand_off;
mod live;
mod node;
mod primitive;
mod reason;
mod root;
mod run_blocking;
mod scope;
mod settle;
mod shield;
mod shutdown;
mod slots;
mod spawner;
mod task;
mod timeout;
#[cfg(feature = "tower")]
mod tower;
mod trace;
mod tree;

pub use background::{BackgroundTask, BackgroundTasks, CancelBackgroundTask, ShutdownReport};
pub use cancelled::{Cancelled, cancelled, is_cancelled};
pub use drain::{DrainError, drain};
pub use errors::{Errors, FirstError, ScopeError};
pub use failure::Failure;
pub use fallible::{CanFail, CannotFail};
pub use group::{Named, SpawnPermit, TaskGroup};
pub use hand_off::{hand_off, lost_releases};
pub use live::{LiveTask, live_tasks, track_live_tasks};
pub use node::Hold;
pub use reason::{Deadline, Reason};
pub use root::{Interrupted, Root, RunError, root_scope, run};
pub use run_blocking::{BlockingError, RunBlocking, SpawnBlocking};
pub use scope::{Builder, TryBuilder, scope, try_scope};
pub use settle::{Settled, settled};
pub use shield::{Shield, shield};
pub use shutdown::{ShutdownRequested, shutdown_requested};
pub use spawner::{CancelAndWait, SpawnError, Spawner};
pub use task::{CancelTask, Task};
pub use timeout::{
    DeadlineHandle, Elapsed, MoveOnAfter, RescheduleError, SETTLE_WITHIN, Timeout, deadline, effective_deadline,
    move_on_after, timeout, timeout_at,
};
#[cfg(feature = "tower")]
pub use tower::{RequestScope, ScopeLayer, ScopeService};
pub use tree::{InScope, Scope, ScopedFuture};
