//! A door that opens when enough has happened.
//!
//! # Invariants
//!
//! 1. The count only falls. Whoever takes it to zero opens the latch; nobody else does, and nothing closes it again.
//! 2. Every arrival reads what the arrivals before it wrote, and the one that opens publishes all of it.

#[cfg(all(test, bowline_loom))]
mod loom_tests;

use std::{fmt, sync::Arc};

use crate::{
    Event, Wait,
    primitive::{AtomicUsize, Ordering},
};

/// A door that opens for good when it has been told often enough, by whomever, that something has happened.
///
/// Those who [`arrive`](Latch::arrive) do not wait, and those who [`wait`](Latch::wait) do not count. What was done before an arrival that
/// counted is visible after the wait.
///
/// A worker that fails or is cancelled must arrive too, or the others wait for ever: give each an [`arrival`](Latch::arrival), which arrives when it is
/// dropped.
///
/// Use [`Barrier`](crate::Barrier) when all wait for all, a scope of `bowline-concurrency` when the results matter, and
/// [`Event`] for a single arrival.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use bowline_sync::Latch;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let warm = Arc::new(Latch::new(3));
/// for shard in 0..3 {
///     let arrival = warm.arrival_owned(); // before the spawn: a task that never runs arrives too
///     tokio::spawn(async move {
///         let _arrival = arrival;
///         assert!(shard < 2, "a worker that panics arrives like the others");
///     });
/// }
/// warm.wait().await;
/// assert!(warm.is_open());
/// # }
/// ```
#[doc(alias = "CountDownLatch")]
#[doc(alias = "WaitGroup")]
#[doc(alias = "gate")]
pub struct Latch {
    remaining: AtomicUsize,
    open: Event,
}

/// What a [`Latch`] is doing at one moment; made by [`Latch::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LatchStatistics {
    /// How many arrivals are missing.
    pub remaining: usize,
    /// How many futures wait. Those that have been released and not polled since are not among them.
    pub waiting: usize,
}

impl Latch {
    /// Creates a latch that opens after `count` arrivals; in a `static` too. Zero is open from the start.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(count: usize) -> Self {
        Self { remaining: AtomicUsize::new(count), open: Event::inside("latch", count == 0) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(count: usize) -> Self {
        Self { remaining: AtomicUsize::new(count), open: Event::inside("latch", count == 0) }
    }

    /// Counts one arrival. An open latch stays as it is: arriving more often than the count changes nothing.
    #[doc(alias = "count_down")]
    #[doc(alias = "done")]
    pub fn arrive(&self) {
        self.arrive_many(1);
    }

    /// Counts `arrivals` at once. Those beyond what is missing change nothing.
    #[doc(alias = "count_down")]
    pub fn arrive_many(&self, arrivals: usize) {
        let fewer = |remaining: usize| (remaining > 0).then(|| remaining.saturating_sub(arrivals));
        // AcqRel: the arrival that opens has read what all before it wrote, and `set` publishes that with its own (invariant 2). Relaxed for
        // an open latch: there is nothing to do.
        let found = self.remaining.fetch_update(Ordering::AcqRel, Ordering::Relaxed, fewer);
        if found.is_ok_and(|remaining| remaining <= arrivals) {
            self.open.set();
        }
    }

    /// A guard that arrives when it is dropped: at the end of its owner, by a panic, or because it was cancelled. One that is forgotten
    /// (`mem::forget`) never arrives.
    pub fn arrival(&self) -> Arrival<'_> {
        Arrival { latch: self }
    }

    /// An [`arrival`](Latch::arrival) that may outlive the borrow: to be moved into a task.
    pub fn arrival_owned(self: &Arc<Self>) -> OwnedArrival {
        OwnedArrival { latch: Arc::clone(self) }
    }

    /// Lets those pass who wait now. The latch stays closed, with the same count, for whoever comes later.
    pub fn release(&self) {
        self.open.pulse();
    }

    /// Tells whether enough have arrived.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_set()
    }

    /// Waits until the latch opens, or is [released](Latch::release).
    ///
    /// The waiting begins with this call, not with the first poll. Dropping the future has no effect on the latch or on others who wait.
    pub fn wait(&self) -> Wait<'_> {
        self.open.wait()
    }

    /// Reports how many arrivals are missing, and how many wait for them.
    #[must_use]
    pub fn statistics(&self) -> LatchStatistics {
        // Relaxed: a number to look at.
        let remaining = self.remaining.load(Ordering::Relaxed);
        LatchStatistics { remaining, waiting: self.open.statistics().waiting }
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LatchStatistics { remaining, waiting } = self.statistics();
        f.debug_struct("Latch").field("remaining", &remaining).field("waiting", &waiting).finish()
    }
}

/// Arrives at its [`Latch`] when it is dropped; made by [`Latch::arrival`].
#[derive(Debug)]
#[must_use = "it arrives when it is dropped, which is now: bind it, `let _arrival = …`"]
pub struct Arrival<'a> {
    latch: &'a Latch,
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.latch.arrive();
    }
}

/// An [`Arrival`] that shares ownership of its latch; made by [`Latch::arrival_owned`].
#[derive(Debug)]
#[must_use = "it arrives when it is dropped, which is now: bind it, `let _arrival = …`"]
pub struct OwnedArrival {
    latch: Arc<Latch>,
}

impl Drop for OwnedArrival {
    fn drop(&mut self) {
        self.latch.arrive();
    }
}
