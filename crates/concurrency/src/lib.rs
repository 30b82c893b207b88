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
//! - [`TaskGroup::builder`]: the same with a name, a limit of children, a grace, a deadline
//! - [`TaskGroup::start`], [`TaskGroup::spawn_service`]: children that are ready before their caller goes on; children that are cancelled last
//! - [`policy_scope`]: a scope whose outcomes go to a [`Policy`]: [`FirstSuccess`], [`Collect`], [`Until`], [`Supervise`], or your own
//! - [`in_task_scope`], [`try_in_task_scope`]: children inside the caller's task, which may borrow
//! - [`gather`], [`try_gather`], [`race`], [`first_ok`], [`quorum`], [`hedge`], [`as_completed`]: several futures in one task; what is not needed
//!   any more is dropped, and settled
//! - [`timeout`], [`timeout_at`], [`move_on_after`], [`deadline`]: deadlines that cancel on time and return after the cleanup; [`Elapsed`] says
//!   which one it was, [`effective_deadline`] which one holds here
//! - [`BackgroundTasks`]: tasks beside the program, also one for each [key](BackgroundTasks::slot), on a [schedule](BackgroundTasks::periodic), or
//!   [started again](BackgroundTasks::supervise); shut down with a [report](ShutdownReport) of who was forced and who is stuck
//! - [`run`], [`root_scope`], [`Root`]: where a program enters the tree; signals, and waiting for what is left
//! - [`cancelled`], [`is_cancelled`], [`shutdown_requested`]: learning of a cancellation, with its [`Reason`]
//! - [`shield`], [`mask`], [`hand_off`], [`Hold`]: work that goes on after its caller has gone, and is waited for
//! - [`RunBlocking`], [`SpawnBlocking`]: closures on threads, under the tree
//! - [`Scope`], [`InScope`], [`settled`], [`drain`]: ways into the tree for tasks that others spawn, and waiting inside it
//! - [`tree`], [`inspect`](inspect()): what runs and who waits for whom, as text, flowchart or JSON; [`mod@inspect`] for hooks, and for other crates
//! - [`Failure`], [`lost_releases`], [`live_tasks`]: what nobody could be told, what was lost, what still runs
//!
//! # Which group
//!
//! | | results matter | nobody waits for the result |
//! |---|---|---|
//! | **a failure stops the others** | [`try_scope`] with [`try_spawn`](TaskGroup::try_spawn) | [`try_scope`], handles dropped |
//! | **each for itself** | [`scope`] with [`spawn`](TaskGroup::spawn), whose `Result` is a value | [`BackgroundTasks`] |
//! | **the outcomes decide** | [`policy_scope`]: the first success, all values or all errors, until a predicate holds | [`policy_scope`] with [`Supervise`] |
//!
//! Children that borrow, or are too small to be tasks: [`in_task_scope`]. Children that are not `Send`:
//! [`spawn_local`](TaskGroup::spawn_local). Never more than so many at once: [`limit`](Builder::limit).
//!
//! # Which of several futures
//!
//! All of them poll their inputs in the caller's task, may borrow, and return when what they dropped has settled.
//!
//! | what is wanted | | an error is | else |
//! |---|---|---|---|
//! | **every output**, in order | [`gather`] | a value in its place | [`within`](Gather::within): what is finished in time; [`limit`](Gather::limit): so many at once |
//! | **every value**, in order | [`try_gather`] | the result; the others are dropped | the same |
//! | **each output as it comes**, with its key | [`as_completed`] | a value | the inputs go on while one is handled |
//! | **the first output** | [`race`] | an output | |
//! | **the first success** | [`first_ok`] | out of the race; all of them if nothing succeeds | [`staggered`](FirstOk::staggered): one after the other |
//! | **some successes** | [`quorum`] | out of the count | an error as soon as there cannot be enough |
//! | **one success, soon**, of one operation | [`hedge`] | the start of the next attempt | the next one also starts after a delay |
//!
//! Futures that are to run in parallel are spawned as children of a [`scope`], and their [`Task`]s gathered; or into a [`policy_scope`].
//!
//! # Which timeout
//!
//! | an expiry is | limit known beforehand | limit moves while it runs |
//! |---|---|---|
//! | **an error** | [`timeout`], [`timeout_at`] | [`deadline`] |
//! | **no error** | [`move_on_after`] | [`deadline`], and [`expired`](DeadlineHandle::expired) |
//! | **the end of a group** | [`Builder::deadline`]: one timer for all children, with their grace | |
//!
//! # What a promise needs
//!
//! | promise | needs a root? | needs a scope? | in axum, tonic and others' tasks |
//! |---|---|---|---|
//! | no task outlives its scope | no | yes: tasks of plain `tokio::spawn` have none | [`ScopeLayer`](#features), or [`in_scope`](InScope::in_scope) |
//! | releases are awaited | yes, to be awaited at the very end: [`run`], [`root_scope`], or [`drain`] | no: without one the process root waits | as above |
//! | no error is lost | no: without an observer they go to standard error | no | no change |
//! | no deadline is ignored or confused | no | no | no change |
//!
//! ```no_run
//! // Either: a program of ours.                     // Or: a program with Tokio's own `main`.
//! # async fn serve() {}
//! # #[allow(clippy::needless_doctest_main)]
//! fn main() -> Result<(), bowline_concurrency::RunError> {
//!     bowline_concurrency::run(serve())             // #[tokio::main]
//! }                                                 // async fn main() -> Result<(), bowline_concurrency::Interrupted> {
//!                                                   //     bowline_concurrency::root_scope(serve()).await
//!                                                   // }
//! ```
//!
//! # What is not promised
//!
//! No library can promise anything for a process that dies, for `panic = "abort"`, for [`std::mem::forget`] of a scope's future or of a [`Hold`], and
//! for a runtime that is dropped without [`run`], [`root_scope`] or [`drain`] having waited; the last is counted by [`lost_releases`]. A
//! thread that never returns and a future that never yields cannot be stopped: they are named, and given up when the budget is over. An error inside a
//! value that nobody takes, such as the `Result` of a spawned task whose handle was dropped, is a value that was dropped; so is what a child of a
//! [`policy_scope`] returns after the policy has decided.
//!
//! # Cancellation
//!
//! A scope, a timeout, a root are *nodes* of a tree. A node counts its children and what was handed off to it, and its owner returns when both
//! are gone.
//!
//! ```text
//! run ── the root
//!  └─ scope ─────────────── a child ── timeout ── a scope that was dropped by the deadline
//!      │                                 ▲           ├─ its children: cancelled, not gone yet
//!      │                                 └── waits ──┴─ a release that one of them owes
//!      └─ a child ── shield ── the commit: hears of no cancellation, has a budget
//! ```
//!
//! - **What is dropped half-way is waited for by the next one up.** The loser of a `select!`, a timed-out future, an aborted task: its scopes cancel their
//!   children, and the nearest scope, timeout or root around, which was current where it was dropped, waits until they are gone. If that one
//!   has returned already, the next.
//! - **Cancelling comes before dropping**, where there is time: within the [`grace`](Builder::grace) of a scope, of a
//!   [`timeout`](Timeout::grace), of a [`shutdown`](BackgroundTasks::shutdown) or of the [root](Root::grace), code that asks ([`cancelled`],
//!   [`is_cancelled`]) learns the [`Reason`] and ends in its own way. The first reason stays. Code that does not ask is dropped. Without a grace,
//!   which is the default of scopes and timeouts, everybody is dropped at once.
//! - **To cancel is to drop**: only destructors run, innermost first. What a destructor owes asynchronously it hands off ([`hand_off`], [`shield`]), and
//!   the tree waits for it. [`reason_for_drop`](Scope::reason_for_drop) says why.
//! - **Settling has a budget** on deadlines ([`settle_within`](Timeout::settle_within), 5 s): what is not gone by then moves up and is named. A release
//!   that needs a lock which the caller holds across the timeout waits for that long.
//! - **A failure cancels its group**, body included: a body never sees a sibling's failure, it is dropped. A panic is resumed at the owner of the scope
//!   after everything has settled; what accompanies it, and what has no owner any more, goes to the observer
//!   ([`Scope::observe_failures`]), never to a stranger.
//! - **Only what nobody owns is waited for.** `timeout(d, &mut future)` gives up waiting and leaves the future as it is; a `BackgroundTasks` inside a value
//!   that a timeout returns goes on.
//!
//! # Seeing what runs
//!
//! A program that hangs says why, where [inspection](inspect()) is on: [`tree`] shows the live scopes and tasks, their ages and places in the source, who
//! waits for whom, and beside it what looks wrong: circles of waits, polls that do not end, futures that were woken and are not polled. Another
//! crate's locks and queues show up through [`inspect::Resource`]. This is what the example `live_tree` prints of two tasks that take two locks,
//! each in another order (its paths shortened):
//!
//! ```text
//! ! a circle of waits: task `deposit` #104 → the mutex `audit` #109 → task `refund` #105 → the mutex `accounts` #106 → task `deposit` #104
//! the process root #1 · for 2.9 s
//! └─ the root #2 · for 2.9 s
//!    └─ service #3 · 102 tasks · for 2.9 s · live_tree.rs:61
//!       ├─ worker × 100 · suspended · live_tree.rs:64
//!       ├─ deposit #104 · suspended for 2.9 s · 2 polls · live_tree.rs:66 · waits for the mutex `audit` #109, held by task `refund` #105, for 2.9 s
//!       └─ refund #105 · suspended for 2.9 s · 2 polls · live_tree.rs:67 · waits for the mutex `accounts` #106, held by task `deposit` #104, for 2.9 s
//!          └─ a timeout #112 · deadline in 57.0 s · for 2.9 s · live_tree.rs:67
//! ```
//!
//! # Cancel safety
//!
//! Every future here says what dropping it does. In one sentence: dropping a handle ([`Task`], [`BackgroundTask`]) or a wait ([`settled`],
//! [`cancelled`], [`drain`]) cancels nothing, dropping a scope or a timeout cancels all that is below.
//!
//! # Coming from
//!
//! | from | | here |
//! |---|---|---|
//! | `JoinSet` | `spawn`, `join_next` until it fails, `abort_all` | [`try_scope`] with [`try_spawn`](TaskGroup::try_spawn): siblings are cancelled, *and gone*, when it returns |
//! | | `spawn` from several places | [`Spawner`] |
//! | | `join_next` to forget what has finished | nothing: a dropped handle's child is forgotten when it ends |
//! | `TaskTracker` | `close`, `wait` | [`BackgroundTasks::finish`], or the end of a [`scope`] |
//! | | with a `CancellationToken` | [`BackgroundTasks::shutdown`]: told, then aborted, then reported; [`cancelled`] instead of the token |
//! | `CancellationToken` | a child token for each task | nothing: [`cancelled`] knows its place. To and from tokens: [`cancel_when`](TryBuilder::cancel_when), `Scope::cancellation_token` |
//! | `tokio::time::timeout` | | [`timeout`], call for call |
//! | `tokio::time::interval` | a loop in a task | [`BackgroundTasks::periodic`], with an [`Overlap`] |
//! | `tokio-graceful-shutdown` | `Toplevel` | [`run`] or [`root_scope`] |
//! | | `SubsystemBuilder`, `start` | a child of a scope, with a scope of its own: [`TaskGroup::named`] |
//! | | `on_shutdown_requested` | [`shutdown_requested`], [`cancelled`] |
//! | | `initiate_shutdown`, `abort` of a nested one | [`Spawner::cancel_and_wait`], [`Task::cancel`] |
//! | asyncio, Trio, Kotlin | `TaskGroup`, nursery, `coroutineScope` | [`try_scope`] |
//! | | `asyncio.timeout`, `move_on_after`, `withTimeoutOrNull` | [`timeout`], [`move_on_after`] |
//! | | `shield`, `NonCancellable` | [`shield`] |
//! | | `gather`, `awaitAll`, with `return_exceptions=True` | [`try_gather`], [`gather`] |
//! | | `as_completed`, `wait` | [`as_completed`] |
//! | | `nursery.start`; a service nursery | [`TaskGroup::start`]; [`TaskGroup::spawn_service`] |
//! | | `supervisorScope`; Java's joiners | [`policy_scope`] |
//! | Erlang, Effect | `one_for_one`; `FiberMap`, `FiberSet.join` | [`BackgroundTasks::supervise`]; [`slot`](BackgroundTasks::slot), [`join`](BackgroundTasks::join) |
//! | `futures`, `futures-concurrency` | `join_all`, `join`; `try_join_all`, `try_join` | [`gather`]; [`try_gather`] |
//! | | `select_all`, `race`; `select_ok`, `race_ok` | [`race`]; [`first_ok`] |
//! | | `FuturesUnordered` | [`as_completed`], [`in_task_scope`] |
//!
//! The examples `wait_for_nested`, `abort_nested`, `restart_nested`, `spawn_from_outside` and `sequential_shutdown` are programs that users of
//! `tokio-graceful-shutdown` asked for.
//!
//! # Where peers answer otherwise
//!
//! In brackets the behaviour whose ID the test carries; see `CONTRIBUTING.md`.
//!
//! - A task that is cancelled alone ([`Task::cancel`]) has no "cancelled" error (CS-19): the call takes the handle, and awaits to an `Option`,
//!   so that nobody can await a value that will not come.
//! - `cancel` exists only on scopes that return a `Result` (TG-35 to TG-37): a [`scope`] has no way to say that it has no value. A body that
//!   has its value keeps it.
//! - A child that is spawned into a cancelled group never runs (TG-45), not even to its first await: what it owns is dropped where it was made.
//! - A timeout waits only for what no live value owns (TO-29): around a borrowed future it gives up the wait, and the future goes on. To wait for
//!   what somebody keeps would hang.
//! - A timeout around something that cannot be interrupted cancels on time, waits for at most its budget, and names what is left (TO-39).
//! - A timeout of zero polls once (TO-07): a value that is ready wins. A deadline that has not started is an error, and no panic (TO-16).
//! - A scope that has nothing to wait for returns without yielding (TG-59). Children that nobody awaits run to their end (TG-75).
//!
//! # When to use something else
//!
//! Two or three futures in one task that owe nothing need a `join!` or a `select!`. A `JoinSet` is enough
//! where nothing is nested and the owner is never dropped half-way. Threads that borrow are the matter of [`std::thread::scope`].
//!
//! # Features
//!
//! None is on by default.
//!
//! - `serde`: `Tree::to_json`, and `Serialize` for the tree, `ShutdownReport`, `Elapsed` and `Reason`.
//! - `tokio-util`: `Scope::cancellation_token`, for code that takes a `CancellationToken`.
//! - `tower`: `ScopeLayer`, a scope for each request of a web server.
//! - `tracing`: events and spans of target `bowline::scope` with the fields `node`, `name`, `reason`; failures without an observer go there instead of to
//!   standard error. Children run in the span of their spawner.
//!
//! What no type here can prevent is the *futurelock*: a future that somebody keeps and does not poll, because another branch of a `select!` has
//! won over `&mut future` or `timeout(limit, &mut future)` has given up, still holds the locks that it has and its places in the lines for others.
//! Whoever wants one of these locks before polling it again waits for ever, or until the deadline around. So spawn what may hold a lock, and
//! wait for its [`Task`] or [`BackgroundTask`] instead: a task goes on while nobody polls its handle. Never keep a future that may hold a
//! lock without polling it. Several futures in one task are safe from it in [`gather`] and [`as_completed`], which poll all of them on; and where it has
//! happened, [`tree`] names the future that was woken and is not polled.
//!
//! # Rust version
//!
//! 1.85 is declared, and checked by a lint; tests run on the current stable.
#![forbid(unsafe_code)]

mod as_completed;
mod background;
mod bell;
mod below;
mod cancelled;
mod child;
mod clock;
mod current;
mod drain;
mod dressed;
mod enclose;
mod errors;
mod failure;
mod fallible;
mod first_ok;
mod gather;
mod group;
mod hand_off;
mod in_task;
pub mod inspect;
mod live;
mod mask;
mod node;
mod one_line;
mod policy;
mod primitive;
mod quorum;
mod race;
mod reason;
mod root;
mod run_blocking;
mod scope;
mod settle;
mod several;
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

pub use as_completed::{AsCompleted, Completed, NextCompleted, as_completed};
pub use background::{
    BackgroundTask, BackgroundTasks, CancelBackgroundTask, GaveUp, Overlap, Periodic, PeriodicCounts, PeriodicTask,
    Restart, RunOutcome, ShutdownReport, SupervisedTask, TaskFailed, TaskSlot, Vacated,
};
pub use cancelled::{Cancelled, cancelled, is_cancelled};
pub use drain::{DrainError, drain};
pub use enclose::{Enclosed, enclose};
pub use errors::{Errors, FirstError, ScopeError};
pub use failure::Failure;
pub use fallible::{CanFail, CannotFail};
pub use first_ok::{FirstOk, Hedge, NoneOk, first_ok, hedge};
pub use gather::{AsItIs, Gather, GatherWithin, OrError, gather, try_gather};
pub use group::{Named, Ready, SpawnPermit, Start, StartError, TaskGroup};
pub use hand_off::{HandedOff, hand_off, lost_releases};
pub use in_task::{
    InTaskChild, InTaskGroup, InTaskNamed, InTaskScope, TryInTaskScope, in_task_scope, try_in_task_scope,
};
pub use inspect::{
    switch::inspect,
    tree::{Tree, tree},
};
pub use live::{LiveTask, live_tasks, track_live_tasks};
pub use mask::{Mask, mask};
pub use node::Hold;
pub use policy::{
    Collect, FirstSuccess, NoSuccess, Place, Policy, PolicyGroup, PolicyNamed, Supervise, Until, policy_scope,
};
pub use quorum::{NoQuorum, Quorum, quorum};
pub use race::{Race, race};
pub use reason::{Deadline, Reason};
pub use root::{Interrupted, Root, RunError, root_scope, run};
pub use run_blocking::{BlockingError, RunBlocking, SpawnBlocking};
pub use scope::{Builder, TryBuilder, scope, try_scope};
pub use settle::{Settled, settled};
pub use several::{Inputs, UniformInputs};
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
