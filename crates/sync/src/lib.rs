//! Events, capacity limiters and fair rate limiters for Tokio.
//!
//! Nobody is overtaken, nobody is forgotten: whoever waits is served in the order of asking, and what a cancelled waiter would have got
//! goes to the next one.
//!
//! ```
//! use std::{num::NonZeroU32, time::Duration};
//!
//! use bowline_sync::{Event, Limiter, Rate, RateLimiter};
//!
//! static READY: Event = Event::new();
//! static CONNECTIONS: Limiter = Limiter::new(8);
//! static POLITE: RateLimiter = RateLimiter::new(Rate::per_second(NonZeroU32::new(50).unwrap()));
//!
//! async fn fetch(page: u32) -> u32 {
//!     READY.wait().await; // until somebody says `READY.set()`
//!     let _permit = CONNECTIONS.acquire().await; // eight at once …
//!     POLITE.acquire().await; // … and fifty a second
//!     if page == 3 {
//!         POLITE.pause_for(Duration::from_secs(1)); // 429: nobody goes on before that
//!     }
//!     page
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), tokio::task::JoinError> {
//! let pages: Vec<_> = (1..=100).map(|page| tokio::spawn(fetch(page))).collect();
//! READY.set();
//! for page in pages {
//!     assert!((1..=100).contains(&page.await?));
//! }
//! assert_eq!(POLITE.statistics().granted, 100);
//! # Ok(())
//! # }
//! ```
//!
//! # What for what
//!
//! | to | use | not |
//! |---|---|---|
//! | wait until something has happened | [`Event`] | `tokio::sync::Notify`: forgets that it has happened already |
//! | bound how many do it at once | [`Limiter`] | `tokio::sync::Semaphore`: cannot be lowered below what is in use |
//! | bound how often it is done | [`RateLimiter`] | `tokio::time::Interval`: for one task only |
//! | do it again after a 429 | [`RateLimiter::pause_until`] | a sleep in the task that got the 429: the others go on |
//!
//! Use Tokio's own where they do what you need: `Notify` to wake one task, `Semaphore` where one task takes several permits, `watch` when a
//! value comes with the change.
//!
//! # Cancellation
//!
//! A future that is dropped gives up its place in line; asking again begins at the end. Whatever it had been granted
//! in that moment is passed on: a permit to the next waiter, a slot to the next waiter or back to the grid. No wake-up is lost on the way.
//!
//! A future that is kept but not polled is another matter: what it was granted is reserved for it. Do not await something else that needs the same
//! permit while you keep one.
//!
//! # Fairness towards the neighbours
//!
//! Every future takes part in Tokio's cooperative budget: a task that finds everything free, again and again, still lets the others run.
//!
//! Everything works in a `static`, and in several runtimes at once. There are no features. The minimum Rust version is 1.85.
#![forbid(unsafe_code)]

mod event;
mod inspected;
mod limiter;
mod primitive;
mod rate_limiter;
#[cfg(feature = "tower")]
mod tower;
mod wait_list;

#[cfg(all(test, bowline_loom))]
mod loom_tests;

pub use event::{Event, EventStatistics, Wait};
pub use limiter::{
    AcquireManyOwnedPermits, AcquireManyPermits, AcquireOwnedPermit, AcquireOwnedPermitAs, AcquirePermit,
    AcquirePermitAs, AlreadyHolds, AtCapacity, Borrower, BorrowerStatistics, ExceedsCapacity, Limiter,
    LimiterStatistics, OwnedPermit, Permit, TryAcquireAsError, TryAcquireManyError,
};
pub use rate_limiter::{AcquireSlot, InvalidPeriod, Rate, RateLimiter, RateLimiterStatistics, RetryAfter};
#[cfg(feature = "tower")]
pub use tower::{
    AcquireOwnedSlot, AsError, Gate, Refused, RejectLayer, RejectResponse, RejectService, Rejected, RespondWith,
    WaitLayer, WaitResponse, WaitService,
};
