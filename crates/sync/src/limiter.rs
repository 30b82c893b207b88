//! A bound on how many run at once, adjustable while in use.

mod acquire;
mod acquire_as;
mod acquiring;
mod borrower;
mod errors;
mod permit;
pub(crate) mod permits;

#[cfg(all(test, bowline_loom))]
mod loom_tests;

use std::{fmt, num::NonZeroUsize, sync::Arc};

pub use self::{
    acquire::{AcquireManyOwnedPermits, AcquireManyPermits, AcquireOwnedPermit, AcquirePermit},
    acquire_as::{AcquireOwnedPermitAs, AcquirePermitAs},
    borrower::{Borrower, BorrowerStatistics},
    errors::{AlreadyHolds, AtCapacity, ExceedsCapacity, TryAcquireAsError, TryAcquireManyError},
    permit::{OwnedPermit, Permit},
};
use self::{borrower::Borrowers, permit::Held, permits::Permits};
use crate::inspected::Resource;

/// Bounds how many tasks do something at the same time, by handing out permits.
///
/// Permits are granted strictly in the order of asking, whatever their number: nobody is served before a large request that came earlier. The capacity can be changed at any time: raised, it
/// admits waiters at once; lowered below what is in use, it takes nothing away and admits nobody until enough permits have come back; zero closes the gate.
///
/// While permits are free, taking and giving them back needs no lock.
///
/// It bounds *how many at once*; for *how many a second* see [`RateLimiter`](crate::RateLimiter). Use `tokio::sync::Semaphore` where its `close` is needed, and a mutex
/// where the one permit guards a value.
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
///
/// A permit comes back with its guard, and only so: none comes back that was not taken.
///
/// ```compile_fail,E0599
/// bowline_sync::Limiter::new(1).release();
/// ```
#[doc(alias = "Semaphore")]
#[doc(alias = "CapacityLimiter")]
#[doc(alias = "bulkhead")]
#[doc(alias = "ConcurrencyLimit")]
pub struct Limiter {
    permits: Permits,
    borrowers: Borrowers,
    resource: Resource,
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

impl Limiter {
    /// Creates a limiter of `capacity` permits; in a `static` too. Zero makes everybody wait for [`set_capacity`](Limiter::set_capacity).
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(capacity: usize) -> Self {
        Self { permits: Permits::new(capacity), borrowers: Borrowers::new(), resource: Resource::new("limiter") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(capacity: usize) -> Self {
        Self { permits: Permits::new(capacity), borrowers: Borrowers::new(), resource: Resource::new("limiter") }
    }

    /// Waits for a permit, in the order of asking.
    ///
    /// The place in line is taken at the first poll.
    #[doc(alias = "lock")]
    #[inline]
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
    #[inline]
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireOwnedPermit {
        AcquireOwnedPermit::new(Arc::clone(self))
    }

    /// Takes a permit if one is free. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`AtCapacity`] when every permit is out or promised, or others wait.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, AtCapacity> {
        self.try_take_one()?;
        Ok(Permit(Held::new(self, NonZeroUsize::MIN)))
    }

    /// Takes a permit that may outlive the borrow, if one is free.
    ///
    /// # Errors
    ///
    /// [`AtCapacity`] when every permit is out or promised, or others wait.
    #[inline]
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedPermit, AtCapacity> {
        self.try_take_one()?;
        Ok(OwnedPermit(Held::new(Arc::clone(self), NonZeroUsize::MIN)))
    }

    /// Waits for some permits at once, as one guard: for work that weighs more than other work, such as by its bytes.
    ///
    /// The place in line is taken at the first poll. Those who come later wait, even where there would be enough for them: so a large request is not starved by small ones.
    /// Asking for none has no meaning in such a line, hence the [`NonZeroUsize`].
    ///
    /// # Errors
    ///
    /// [`ExceedsCapacity`], at once, when `permits` is more than the capacity. So it is for who waits already when the capacity is lowered to less, but not to
    /// zero: behind a closed gate everybody waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::NonZeroUsize;
    ///
    /// use bowline_sync::Limiter;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// static MEGABYTES: Limiter = Limiter::new(100);
    ///
    /// let image = MEGABYTES.acquire_many(NonZeroUsize::try_from(60)?).await?;
    /// assert!(MEGABYTES.try_acquire_many(NonZeroUsize::try_from(60)?).is_err());
    /// drop(image);
    ///
    /// let video = MEGABYTES.acquire_many(NonZeroUsize::try_from(700)?).await;
    /// assert_eq!(
    ///     video.unwrap_err().to_string(),
    ///     "700 permits can never be had of a limiter of capacity 100: ask for fewer, or raise the capacity"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "weighted")]
    pub fn acquire_many(&self, permits: NonZeroUsize) -> AcquireManyPermits<'_> {
        AcquireManyPermits::new(self, permits)
    }

    /// Waits for some permits at once that may outlive the borrow.
    ///
    /// # Errors
    ///
    /// The same as those of [`acquire_many`](Limiter::acquire_many).
    pub fn acquire_many_owned(self: &Arc<Self>, permits: NonZeroUsize) -> AcquireManyOwnedPermits {
        AcquireManyOwnedPermits::new(Arc::clone(self), permits)
    }

    /// Takes some permits at once, all or nothing. It never overtakes a waiter.
    ///
    /// # Errors
    ///
    /// [`AtCapacity`] when too few are free, or others wait; [`ExceedsCapacity`] when there are not that many, and the gate is not closed.
    pub fn try_acquire_many(&self, permits: NonZeroUsize) -> Result<Permit<'_>, TryAcquireManyError> {
        self.try_take(permits)?;
        Ok(Permit(Held::new(self, permits)))
    }

    /// Takes some permits at once that may outlive the borrow, all or nothing.
    ///
    /// # Errors
    ///
    /// The same as those of [`try_acquire_many`](Limiter::try_acquire_many).
    pub fn try_acquire_many_owned(self: &Arc<Self>, permits: NonZeroUsize) -> Result<OwnedPermit, TryAcquireManyError> {
        self.try_take(permits)?;
        Ok(OwnedPermit(Held::new(Arc::clone(self), permits)))
    }

    /// Waits for a permit in the name of a borrower, who has one at most: a second request is an error instead of a deadlock.
    ///
    /// The borrower need not be who asks: a task may wait on behalf of a thread. It is on the books ([`borrowers`](Limiter::borrowers)) from the first poll until the permit is
    /// given back, or the future dropped. Nothing is on record of those who ask without a name, and it costs them nothing.
    ///
    /// # Errors
    ///
    /// [`AlreadyHolds`], at once, when the borrower holds a permit of this limiter or waits for one.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_sync::{Borrower, Limiter};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), bowline_sync::AlreadyHolds> {
    /// let limiter = Limiter::new(1);
    /// let worker = Borrower::named("worker");
    /// let permit = limiter.acquire_as(&worker).await?;
    /// assert!(limiter.borrowers()[0].holds);
    /// assert!(limiter.acquire_as(&worker).await.is_err()); // it would wait for itself
    ///
    /// drop(permit);
    /// let _again = limiter.acquire_as(&worker).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "acquire_on_behalf_of")]
    #[doc(alias = "reentrant")]
    pub fn acquire_as(&self, borrower: &Borrower) -> AcquirePermitAs<'_> {
        AcquirePermitAs::new(self, borrower)
    }

    /// Waits for a permit in the name of a borrower that may outlive the borrow of the limiter.
    ///
    /// # Errors
    ///
    /// The same as those of [`acquire_as`](Limiter::acquire_as).
    pub fn acquire_owned_as(self: &Arc<Self>, borrower: &Borrower) -> AcquireOwnedPermitAs {
        AcquireOwnedPermitAs::new(Arc::clone(self), borrower)
    }

    /// Takes a permit in the name of a borrower, if one is free.
    ///
    /// # Errors
    ///
    /// [`AlreadyHolds`] when the borrower holds a permit of this limiter or waits for one; [`AtCapacity`] when none is free, or others wait.
    pub fn try_acquire_as(&self, borrower: &Borrower) -> Result<Permit<'_>, TryAcquireAsError> {
        self.try_take_as(borrower)?;
        Ok(Permit(Held::new(self, NonZeroUsize::MIN).lent_to(borrower)))
    }

    /// Takes a permit in the name of a borrower that may outlive the borrow of the limiter, if one is free.
    ///
    /// # Errors
    ///
    /// The same as those of [`try_acquire_as`](Limiter::try_acquire_as).
    pub fn try_acquire_owned_as(self: &Arc<Self>, borrower: &Borrower) -> Result<OwnedPermit, TryAcquireAsError> {
        self.try_take_as(borrower)?;
        Ok(OwnedPermit(Held::new(Arc::clone(self), NonZeroUsize::MIN).lent_to(borrower)))
    }

    /// Changes the capacity. Waiters for whom there is room now are admitted at once, in order; permits that are out stay out.
    ///
    /// Whoever waits for more permits than there are now is refused, unless there are none: see [`acquire_many`](Limiter::acquire_many). It takes
    /// time in proportion to the number of those who wait.
    #[doc(alias = "total_tokens")]
    #[doc(alias = "add_permits")]
    #[doc(alias = "forget_permits")]
    pub fn set_capacity(&self, capacity: usize) {
        self.permits.set_capacity(capacity);
    }

    /// Reports capacity, permits out and length of the line, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> LimiterStatistics {
        self.permits.statistics()
    }

    /// Lists who holds or awaits a permit, of those who said who they are, in no particular order.
    #[must_use]
    pub fn borrowers(&self) -> Vec<BorrowerStatistics> {
        self.borrowers.list()
    }

    fn try_take(&self, permits: NonZeroUsize) -> Result<(), TryAcquireManyError> {
        if self.permits.take(permits)? { Ok(()) } else { Err(AtCapacity.into()) }
    }

    #[inline]
    fn try_take_one(&self) -> Result<(), AtCapacity> {
        // One permit is never refused for good.
        if self.permits.take(NonZeroUsize::MIN).is_ok_and(|taken| taken) { Ok(()) } else { Err(AtCapacity) }
    }

    fn try_take_as(&self, borrower: &Borrower) -> Result<(), TryAcquireAsError> {
        self.borrowers.enter(borrower)?;
        self.try_take_one().map_err(|full| {
            self.borrowers.leave(borrower);
            full.into()
        })
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
