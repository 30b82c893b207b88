//! Joinable queues that lose nothing when a worker dies, and worker pools, for Tokio.
//!
//! An item that was taken from a [`Queue`] is a [`Ticket`], which owes an answer. If its worker panics or is cancelled, the
//! item is counted and goes back, or to the dead letters; and whoever waits for the whole is never left waiting for nobody.
//!
//! ```
//! use bowline_concurrency::scope;
//! use bowline_pipeline::{Queue, workers};
//!
//! async fn fetch(page: u32) -> Result<(), String> {
//!     if page == 7 { Err("page 7 is malformed".to_owned()) } else { Ok(()) }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let queue = Queue::bounded(100);
//! let (producer, consumer) = (queue.producer(), queue.consumer());
//! let report = scope(async |group| {
//!     drop(group.spawn(workers(4, consumer, fetch)));
//!     for page in 1..=10 {
//!         producer.put(page).await?; // waits while 100 are queued or in work
//!     }
//!     drop(producer);
//!     Ok::<_, Box<dyn std::error::Error>>(queue.finish().await?)
//! })
//! .await?;
//! assert_eq!(report.statistics.done, 9);
//! assert_eq!(report.dead_letters[0].item, 7); // after three attempts
//! # Ok(())
//! # }
//! ```
//!
//! # What is here
//!
//! | | |
//! |---|---|
//! | [`Queue`] | owns the work: makes the handles, waits for the whole, closes, aborts, counts |
//! | [`Producer`] | puts items in, and waits for a place: back-pressure |
//! | [`Consumer`] | takes items out, each to one consumer |
//! | [`Ticket`] | an item in work: `done`, `retry`, `fail`, or back to the queue when it is dropped |
//! | [`DeadLetter`] | an item that was given up, and why |
//! | [`workers`] | a pool of tasks that call a handler with each item |
//!
//! # Which one
//!
//! | you want | use |
//! |---|---|
//! | the same function called with every item, some at a time | [`workers`] |
//! | batches, several queues, errors that differ in kind | your own loop around [`Consumer::get`] |
//! | to wait until everything is put and done | [`Queue::finish`] |
//! | workers that find new work and put it into their own queue | [`Queue::join`], then [`Queue::close`] |
//! | to stop early, and keep what has not begun | [`Queue::abort`] |
//! | to try an item again, or to give it up | [`Ticket::retry_or_fail`], [`Ticket::fail`] |
//! | to hand messages over, without caring what becomes of them | [`tokio::sync::mpsc`](https://docs.rs/tokio/latest/tokio/sync/mpsc/) |
//! | some futures at a time over a stream | `buffer_unordered` of [`futures`](https://docs.rs/futures) |
//!
//! # When something is cancelled
//!
//! * A dropped [`Put`] has not happened. Its item is dropped with it, unless it is taken out ([`Put::into_inner`]).
//! * A dropped [`Get`] has taken nothing; the item that it was promised goes to the next in line, and the order stays.
//! * A dropped [`Ticket`] is counted as abandoned, and its item is delivered again: *at least once*, up to
//!   [`Queue::with_max_attempts`]. Work that must not happen twice has to recognise that it has happened.
//! * A dropped [`Finish`] or [`Join`] has only looked.
//!
//! What it does not promise: items live in memory, and end with the process. Those that are still queued when the last handle of a queue is
//! dropped are dropped with it; dead letters that nobody has read are reported.
#![forbid(unsafe_code)]

mod primitive;
mod queue;
mod wait_list;
mod workers;

#[cfg(all(test, bowline_loom))]
mod loom_tests;

pub use queue::{
    Consumer, DeadCause, DeadLetter, Finish, Get, Join, NoConsumers, Producer, Put, PutError, Queue, QueueReport,
    QueueStatistics, Ticket, TryGetError, TryPutError,
};
pub use workers::workers;
