//! Drop futures at every await point, on both runtimes; catch leaks and deadlocks, for Tokio.
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
