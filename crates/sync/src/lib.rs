//! Locks, events and limiters for Tokio, for tasks that may be cancelled at any moment.
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
//! # Which one
//!
//! | to | use | and not |
//! |---|---|---|
//! | change a value across an await | [`Mutex`] | `std::sync::Mutex`: its guard may not be kept across an await |
//! | wait until the value is as you need it | [`Condition`] | a loop that locks and looks |
//! | one at a time for each key | [`KeyedLock`] | a map of mutexes, which only grows |
//! | do the same work once for all who ask for it now | [`SingleFlight`] | a cache, if the answer may be old |
//! | wait until something has happened | [`Event`] | `tokio::sync::Notify`: forgets that it has happened already |
//! | wait until so many things are done | [`Latch`] | `tokio_util`'s `TaskTracker`, if they are tasks |
//! | go on together, round by round | [`Barrier`] | `tokio::sync::Barrier`: counts whoever was cancelled |
//! | start, be ready, stop: a worker and those who wait for it | [`Lifecycle`] | two events: nobody tells of a worker that died |
//! | bound how many do it at once | [`Limiter`] | `tokio::sync::Semaphore`: one large request that cannot be served stops all behind it |
//! | … with equal shares for each tenant | [`PartitionedLimiter`] | a limiter each: idle ones lend nothing |
//! | bound how often it is done | [`RateLimiter`] | `tokio::time::Interval`: for one task only |
//! | … for each key | [`KeyedRateLimiter`] | a map of limiters, which only grows |
//! | bound both at once | [`Admission`] | one behind the other: two lines, two orders |
//! | do it again after a 429 | [`RateLimiter::pause_until`] | a sleep in the task that got the 429: the others go on |
//!
//! # When to use others
//!
//! * `std::sync::Mutex` or `parking_lot` where no await lies between lock and unlock: twice as fast, and there is nothing to cancel.
//! * `tokio::sync::RwLock` for many readers, `OnceCell` and `SetOnce` for what is made once, `watch` when a value comes with the change, `Notify` to wake one
//!   task: they pass the tests that this crate was written for.
//! * `tokio::sync::Semaphore` where permits are made and used up and not given back.
//! * `bowline_concurrency::TaskGroup::builder().limit(n)` to bound the children of one scope.
//!
//! # Cancellation
//!
//! A future that is dropped gives up its place in line; asking again begins at the end. Whatever it had been granted
//! in that moment is passed on: a lock or a permit to the next waiter, a notification to the next one, a slot to the next or back to the grid. No wake-up is
//! lost on the way, and nothing is left of it in memory.
//!
//! A future that is kept but not polled is another matter ("futurelock"): what it was granted is reserved for it. Do not await something else that needs
//! the same lock or permit while you keep one; spawn it, or drop it.
//!
//! # Fairness towards the neighbours
//!
//! Every future takes part in Tokio's cooperative budget: a task that finds everything free, again and again, still lets the others run.
//!
//! So where these pages say "at the first poll", they mean the first one for which the task has budget left. One that comes when the budget is spent does
//! nothing but ask for the next; in an `async fn` nobody notices.
//!
//! # Seeing it
//!
//! Each has `statistics()`. With the feature `inspect`, `bowline_concurrency::tree` shows who waits for which of them, who holds it and since when, and
//! points at circles and at permits that were granted to a future that nobody polls.
//!
//! # Features
//!
//! None is on by default. `inspect`: the above. `tower`: layers that are `Clone` and wait, or reject with a retry-after.
//!
//! Everything works in several runtimes at once. But the timer of a line of rate-limited requests is that of its first request: while the runtime of that one
//! stands still, or is built without a timer, the line waits with it, until somebody in another runtime calls the limiter. Everything works in a `static`: with a `LazyLock` around a [`KeyedRateLimiter`], and around a [`RateLimiter`] of several
//! limits. The minimum Rust version is 1.85.
#![forbid(unsafe_code)]

mod admission;
mod barrier;
mod condition;
mod event;
mod inspected;
mod keyed;
mod keyed_lock;
mod keyed_rate_limiter;
mod latch;
mod lifecycle;
mod limiter;
mod mutex;
mod partitioned_limiter;
mod primitive;
mod rate_limiter;
mod single_flight;
#[cfg(feature = "tower")]
pub mod tower;
mod wait_list;

#[cfg(all(test, bowline_loom))]
mod loom_tests;

pub use admission::{
    AcquireAdmission, AcquireOwnedAdmission, Admission, AdmissionPermit, AdmissionRefused, AdmissionStatistics,
    OwnedAdmissionPermit,
};
pub use barrier::{Barrier, BarrierBroken, BarrierStatistics, BarrierTurn, WaitBarrier};
pub use condition::{Condition, ConditionStatistics, WaitTimedOut};
pub use event::{Event, EventStatistics, Wait};
pub use keyed_lock::{KeyLocked, KeyedGuard, KeyedLock, KeyedLockStatistics, LockKey, LockKeyOwned, OwnedKeyedGuard};
pub use keyed_rate_limiter::{
    AcquireKeySlot, AcquireKeySlots, KeyRefused, KeyedRateLimiter, KeyedRateLimiterStatistics, TooManyKeys,
};
pub use latch::{Arrival, Latch, LatchStatistics, OwnedArrival};
pub use lifecycle::{CannotBegin, Lifecycle, LifecycleStatistics, NotReady, Phase, Worker, WorkerFailed};
pub use limiter::{
    AcquireManyOwnedPermits, AcquireManyPermits, AcquireOwnedPermit, AcquireOwnedPermitAs, AcquirePermit,
    AcquirePermitAs, AlreadyHolds, AtCapacity, Borrower, BorrowerStatistics, ExceedsCapacity, Limiter,
    LimiterStatistics, OwnedPermit, Permit, TryAcquireAsError, TryAcquireManyError,
};
pub use mutex::{Holder, Lock, LockUnpoisoned, Locked, Mutex, MutexGuard, MutexStatistics, PoisonCause, Poisoned};
pub use partitioned_limiter::{
    AcquireOwnedPartitionPermit, AcquirePartitionPermit, OwnedPartitionPermit, PartitionPermit, PartitionedLimiter,
    PartitionedLimiterStatistics,
};
pub use rate_limiter::{
    AcquireOwnedSlot, AcquireSlot, AcquireSlots, ExceedsBurst, InvalidPeriod, NoSuchLimit, Rate, RateLimit,
    RateLimiter, RateLimiterStatistics, RateRefused, RetryAfter,
};
pub use single_flight::{SingleFlight, SingleFlightStatistics};
