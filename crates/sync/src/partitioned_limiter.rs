//! A bound on how many run at once that is shared fairly between partitions.

mod acquire;
#[cfg(all(test, bowline_loom))]
mod loom_tests;
mod permit;
mod state;

use std::{fmt, hash::Hash, iter, sync::Arc};

use self::state::{Gone, State};
pub use self::{
    acquire::{AcquireOwnedPartitionPermit, AcquirePartitionPermit},
    permit::{OwnedPartitionPermit, PartitionPermit},
};
use crate::{
    AtCapacity,
    inspected::Resource,
    primitive::{Mutex, lock},
    wait_list::wake_all_then_drop,
};

/// Bounds how many tasks do something at the same time, and lets partitions (tenants, users, hosts) take turns.
///
/// Whoever waits does so in the line of a key. Each permit that comes back goes to the next line in the round, and there to the one that has waited
/// longest: a tenant with a thousand waiters delays another one by a single turn. A line that forms enters the round at its end. Nothing is
/// remembered of a key for which nobody waits, so that permits which are out do not count against it.
///
/// Capacity works as with [`Limiter`](crate::Limiter): it can be changed at any time, takes nothing away when it is lowered, and zero
/// closes the gate. Use [`Limiter`](crate::Limiter) where all are served in the order of asking.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use bowline_sync::PartitionedLimiter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let workers = Arc::new(PartitionedLimiter::new(1));
/// let busy = workers.try_acquire()?;
///
/// let (sender, mut served) = tokio::sync::mpsc::unbounded_channel();
/// for tenant in ["big", "big", "big", "small"] {
///     let (workers, sender) = (Arc::clone(&workers), sender.clone());
///     tokio::spawn(async move {
///         let _permit = workers.acquire(tenant).await;
///         sender.send(tenant)
///     });
/// }
/// tokio::task::yield_now().await; // all four wait
/// drop(busy);
/// let mut order = Vec::new();
/// for _ in 0..4 {
///     order.extend(served.recv().await);
/// }
/// assert_eq!(order, ["big", "small", "big", "big"]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "PartitionedSemaphore")]
#[doc(alias = "tenant")]
#[doc(alias = "fair queue")]
#[doc(alias = "bulkhead")]
pub struct PartitionedLimiter<K> {
    state: Mutex<State<K>>,
    resource: Resource,
}

/// What a [`PartitionedLimiter`] is doing at one moment; made by [`PartitionedLimiter::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartitionedLimiterStatistics {
    /// How many permits may be out at once.
    pub capacity: usize,
    /// How many are out. More than `capacity` after that was lowered.
    pub in_use: usize,
    /// How many futures wait, in all lines.
    pub waiting: usize,
    /// For how many keys somebody waits.
    pub partitions_waiting: usize,
}

impl<K> PartitionedLimiter<K> {
    /// Creates a limiter of `capacity` permits; in a `static` too. Zero makes everybody wait for
    /// [`set_capacity`](PartitionedLimiter::set_capacity).
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(capacity: usize) -> Self {
        Self { state: Mutex::new(State::new(capacity)), resource: Resource::new("partitioned limiter") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(capacity: usize) -> Self {
        Self { state: Mutex::new(State::new(capacity)), resource: Resource::new("partitioned limiter") }
    }

    /// Waits for a permit in the line of `key`.
    ///
    /// The place in line is taken at the first poll.
    pub fn acquire(&self, key: K) -> AcquirePartitionPermit<'_, K>
    where
        K: Eq + Hash,
    {
        AcquirePartitionPermit::new(self, key)
    }

    /// Waits for a permit that may outlive the borrow: to be moved into a task.
    pub fn acquire_owned(self: &Arc<Self>, key: K) -> AcquireOwnedPartitionPermit<K>
    where
        K: Eq + Hash,
    {
        AcquireOwnedPartitionPermit::new(Arc::clone(self), key)
    }

    /// Takes a permit if one is free. It needs no key: while somebody waits, in whichever line, no permit is free.
    ///
    /// # Errors
    ///
    /// [`AtCapacity`] when every permit is out or promised.
    pub fn try_acquire(&self) -> Result<PartitionPermit<'_, K>, AtCapacity> {
        if lock(&self.state).take() { Ok(PartitionPermit::new(self)) } else { Err(AtCapacity) }
    }

    /// Takes a permit that may outlive the borrow, if one is free.
    ///
    /// # Errors
    ///
    /// [`AtCapacity`] when every permit is out or promised.
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedPartitionPermit<K>, AtCapacity> {
        if lock(&self.state).take() { Ok(OwnedPartitionPermit::new(Arc::clone(self))) } else { Err(AtCapacity) }
    }

    /// Changes the capacity. Waiters for whom there is room now are admitted at once, in turns; permits that are out stay out.
    pub fn set_capacity(&self, capacity: usize) {
        let mut admitted = Vec::new();
        {
            let mut state = lock(&self.state);
            state.capacity = capacity;
            admitted.reserve_exact(state.admissible());
            admitted.extend(iter::from_fn(|| state.admit()));
        }
        let (wakers, keys): (Vec<_>, Vec<_>) = admitted.into_iter().map(Gone::into_parts).unzip();
        wake_all_then_drop(wakers, keys);
    }

    /// Reports capacity, permits out and who waits, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> PartitionedLimiterStatistics {
        lock(&self.state).statistics()
    }

    /// Takes a permit back.
    fn release(&self) {
        let admitted = {
            let mut state = lock(&self.state);
            state.in_use -= 1;
            state.admit()
        };
        if let Some((waker, key)) = admitted.map(Gone::into_parts) {
            wake_all_then_drop(Some(waker), key);
        }
    }
}

impl<K> fmt::Debug for PartitionedLimiter<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PartitionedLimiterStatistics { capacity, in_use, waiting, partitions_waiting } = self.statistics();
        f.debug_struct("PartitionedLimiter")
            .field("capacity", &capacity)
            .field("in_use", &in_use)
            .field("waiting", &waiting)
            .field("partitions_waiting", &partitions_waiting)
            .finish()
    }
}
