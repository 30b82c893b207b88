//! A bound on how many run at once, adjustable while in use.
//!
//! # Invariants
//!
//! 1. `in_use` counts every permit that is out: those held by guards and those granted to a waiter that has not been polled since.
//! 2. Somebody waits only while `in_use >= capacity`. So a permit that is free belongs to whoever asks, and asking never overtakes a waiter. Each of the
//!    three ways to break this (a permit comes back, the capacity rises, a granted waiter goes away) ends with [`State::admit`].
//! 3. A waiter that leaves without a grant changes nothing for the others: nobody is woken.
//! 4. Wakers are woken and dropped outside the lock.

mod acquire;
mod permit;

use std::{fmt, sync::Arc, task::Waker};

pub use self::{
    acquire::{AcquireOwnedPermit, AcquirePermit},
    permit::{OwnedPermit, Permit},
};
use crate::{
    primitive::{Mutex, lock},
    wait_list::WaitList,
};

/// Bounds how many tasks do something at the same time, by handing out permits.
///
/// Permits are granted strictly in the order of asking. The capacity can be changed at any time: raised, it admits waiters at once;
/// lowered below what is in use, it takes nothing away and admits nobody until enough permits have come back; zero closes the gate.
///
/// It bounds *how many at once*; for *how many a second* see [`RateLimiter`](crate::RateLimiter). Use `tokio::sync::Semaphore` where one task
/// needs several permits.
///
/// # Examples
///
/// ```
/// use bowline_sync::Limiter;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let connections = Limiter::new(2);
/// let first = connections.acquire().await;
/// let second = connections.acquire().await;
/// assert!(connections.try_acquire().is_err());
///
/// connections.set_capacity(1); // takes nothing away from those two
/// drop(first);
/// assert!(connections.try_acquire().is_err());
/// drop(second);
/// assert!(connections.try_acquire().is_ok());
/// # }
/// ```
#[doc(alias = "Semaphore")]
#[doc(alias = "CapacityLimiter")]
#[doc(alias = "bulkhead")]
pub struct Limiter {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    capacity: usize,
    in_use: usize,
    waiters: WaitList,
}

/// What a [`Limiter`] is doing at one moment; made by [`Limiter::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimiterStatistics {
    /// How many permits may be out at once.
    pub capacity: usize,
    /// How many are out. More than `capacity` after that was lowered.
    pub in_use: usize,
    /// How many futures wait in line.
    pub waiting: usize,
}

/// No permit is free, or others wait for the next one; returned by [`Limiter::try_acquire`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limiter is at capacity: wait with `acquire`, or turn the work away")]
pub struct AtCapacity;

impl Limiter {
    /// Creates a limiter of `capacity` permits; in a `static` too. Zero makes everybody wait for [`set_capacity`](Limiter::set_capacity).
    #[cfg(not(bowline_loom))]
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { state: Mutex::new(State::new(capacity)) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(capacity: usize) -> Self {
        Self { state: Mutex::new(State::new(capacity)) }
    }

    /// Waits for a permit, in the order of asking.
    ///
    /// The place in line is taken at the first poll.
    #[doc(alias = "lock")]
    pub fn acquire(&self) -> AcquirePermit<'_> {
        AcquirePermit::new(self)
    }

    /// Waits for a permit that may outlive the borrow: to be moved into a task.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use bowline_sync::Limiter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tokio::task::JoinError> {
    /// let limiter = Arc::new(Limiter::new(1));
    /// let permit = limiter.acquire_owned().await; // before the spawn: waiting work costs no task
    /// let work = tokio::spawn(async move {
    ///     let _permit = permit;
    ///     42
    /// });
    /// assert_eq!(work.await?, 42);
    /// # Ok(())
    /// # }
    /// ```
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireOwnedPermit {
        AcquireOwnedPermit::new(Arc::clone(self))
    }

    /// Takes a permit if one is free. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`AtCapacity`] when every permit is out or promised.
    pub fn try_acquire(&self) -> Result<Permit<'_>, AtCapacity> {
        if lock(&self.state).take() { Ok(Permit::new(self)) } else { Err(AtCapacity) }
    }

    /// Changes the capacity. Waiters for whom there is room now are admitted at once, in order; permits that are out stay out.
    #[doc(alias = "total_tokens")]
    #[doc(alias = "add_permits")]
    #[doc(alias = "forget_permits")]
    pub fn set_capacity(&self, capacity: usize) {
        let admitted: Vec<Waker> = {
            let mut state = lock(&self.state);
            state.capacity = capacity;
            std::iter::from_fn(|| state.admit()).collect()
        };
        for waker in admitted {
            waker.wake();
        }
    }

    /// Reports capacity, permits out and length of the line, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> LimiterStatistics {
        let state = lock(&self.state);
        LimiterStatistics { capacity: state.capacity, in_use: state.in_use, waiting: state.waiters.len() }
    }

    /// Takes a permit back.
    fn release(&self) {
        let admitted = {
            let mut state = lock(&self.state);
            state.in_use -= 1;
            state.admit()
        };
        if let Some(waker) = admitted {
            waker.wake();
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LimiterStatistics { capacity, in_use, waiting } = self.statistics();
        f.debug_struct("Limiter")
            .field("capacity", &capacity)
            .field("in_use", &in_use)
            .field("waiting", &waiting)
            .finish()
    }
}

impl State {
    const fn new(capacity: usize) -> Self {
        Self { capacity, in_use: 0, waiters: WaitList::new() }
    }

    /// Takes a free permit. By invariant 2 nobody waits when there is one.
    fn take(&mut self) -> bool {
        let free = self.in_use < self.capacity;
        self.in_use += usize::from(free);
        free
    }

    /// Grants a free permit to the first in line, if there are both.
    fn admit(&mut self) -> Option<Waker> {
        if self.in_use < self.capacity {
            let waker = self.waiters.grant_first()?;
            self.in_use += 1;
            Some(waker)
        } else {
            None
        }
    }
}
