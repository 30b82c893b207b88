//! Tests that drop futures at every await point, on both runtimes, and that fail where others hang, for Tokio.
//!
//! Async code breaks where tests seldom go: it is dropped half-way, a task is left behind, two tasks wait for each other. With this
//! crate each of these is a failed test that says where.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bowline_testing::assert_cancel_safe;
//! use tokio::sync::Mutex;
//!
//! type Account = Arc<Mutex<i64>>;
//!
//! async fn transfer(from: Account, to: Account, amount: i64) {
//!     let (mut from, mut to) = (from.lock().await, to.lock().await);
//!     audit(amount).await;
//!     *from -= amount; // No await from here on: both or none.
//!     *to += amount;
//! }
//!
//! # async fn audit(_: i64) { tokio::task::yield_now().await }
//! # fn main() {
//! assert_cancel_safe(
//!     async || {
//!         let (a, b) = (Account::default(), Account::default());
//!         (transfer(a.clone(), b.clone(), 10), (a, b))
//!     },
//!     async |(a, b)| assert_eq!(*a.lock().await + *b.lock().await, 0, "money was lost"),
//! )
//! .at_least(1);
//! # }
//! ```
//!
//! With the `audit` between the two changes it fails: `on current_thread, dropped at await point 1: … money was lost`.
//!
//! # What for what
//!
//! | to | use | not |
//! |---|---|---|
//! | show that a future may be dropped anywhere | [`assert_cancel_safe`] | a timeout in a test: drops it somewhere |
//! | run a test on both runtimes, find leaked tasks and deadlocks | [`on_both_runtimes`], [`on_current_thread`], [`on_multi_thread`] | `#[tokio::test]`: a deadlock hangs, a leaked task is aborted unseen |
//! | find leaked tasks in a runtime of your own | [`assert_no_leaks`] | |
//! | see when, and in which order, values are dropped | [`DropLog`] | |
//! | force one interleaving of tasks and threads | [`Sequencer`] | sleeps |
//! | go on when all others wait | [`all_blocked`] | a loop of `yield_now` |
//! | poll by hand, and see wake-ups | [`Polled`], [`poll_once`] | |
//! | wait for a real thread although the clock is paused | [`hold_clock`] | a longer timeout: it fires at once too |
//! | pin the auto traits of a type | [`assert_send`], [`assert_sync`], [`assert_unpin`], [`assert_send_value`] | |
//!
//! Code that is tested needs nothing of Bowline. Where it uses scopes, what it hands off is waited for, and its tasks have names in
//! the reports. For every interleaving of hand-written synchronization use `loom`; this crate tries one.
//!
//! # Nothing can progress
//!
//! On the paused clock a deadlock is found when it happens, and the panic lists the live tasks:
//!
//! ```text
//! on current_thread: nothing can progress; 2 tasks are alive
//!   - a then b in a scope, spawned at src/transfer.rs:27
//!   - b then a in a scope, spawned at src/transfer.rs:27
//! ```
//!
//! On the multi-threaded runtime nobody can know, and the same list comes when the time limit is over.
//!
//! # Cancellation
//!
//! The functions that run a case are not async: they end when everything below them has. Of the futures here only a [`Step`] that is dropped while
//! it waits has an effect, and that is loud.
//!
//! There are no features. The minimum Rust version is 1.85.
#![forbid(unsafe_code)]

mod all_blocked;
mod auto_traits;
mod cancel_safety;
mod case;
mod clock;
mod harness;
mod leak;
mod on_wake;
mod polled;
mod probe;
mod runtime;
mod sequencer;
mod stall;
mod watchdog;

pub use all_blocked::{AllBlocked, all_blocked};
pub use auto_traits::{assert_send, assert_send_value, assert_sync, assert_unpin};
pub use cancel_safety::{Visited, assert_cancel_safe};
pub use clock::{ClockHold, hold_clock};
pub use harness::{Harness, on_both_runtimes, on_current_thread, on_multi_thread};
pub use leak::assert_no_leaks;
pub use polled::{Polled, poll_once};
pub use probe::{DropLog, Probe};
pub use sequencer::{Sequencer, Step, Turn};
