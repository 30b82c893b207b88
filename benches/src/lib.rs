//! Measures contenders alternately and reports their ratios.
//!
//! Absolute times move with the machine and its neighbours; ratios inside one run hold. So every round runs all
//! contenders once, and nothing ever asserts a time. What is countable is counted: allocations, instructions, polls.
#![deny(unsafe_code)]

mod allocations;
mod bench;
mod contender;
mod options;
mod process;
mod report;
mod runtimes;
mod statistics;
mod work;

pub use allocations::Allocations;
pub use bench::{Bench, ONCE, ROUNDS, ROUNDS_OF_A_PROCESS};
pub use contender::{Contender, clocked, time};
pub use options::Options;
pub use process::{instructions, number_printed_by};
pub use runtimes::{in_task, runtimes};
pub use work::{Gate, Yields};
