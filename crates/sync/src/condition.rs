//! Waiting until a value under a mutex has changed.
//!
//! # Invariants
//!
//! 1. A waiter joins the list while it still holds the mutex. So who changes the value under the mutex and notifies after that finds it there.
//! 2. A notification is a grant in the list. It belongs to its waiter until that has the mutex again; a waiter that goes away before, for whatever reason,
//!    passes it on to the first in line.
//! 3. Wakers are woken and dropped outside the lock of the list, and the mutex is given back outside of it.

#[cfg(all(test, bowline_loom))]
mod loom_tests;
mod notified;
mod timed_out;
mod wait_while;

use std::{fmt, future::poll_fn, mem, panic::Location, pin::pin, task::Poll, time::Duration};

pub use self::timed_out::WaitTimedOut;
use self::{notified::Notified, wait_while::WaitWhile};
use crate::{
    inspected::Resource,
    mutex::MutexGuard,
    primitive::{Mutex, lock},
    wait_list::{WaitList, wake_all},
};

/// Lets tasks that hold a [`Mutex`](crate::Mutex) wait until another one has changed its value.
///
/// A waiter gives the mutex back, is woken by a notification, and takes the mutex again: in one step, as far as others can see. The words are those of
/// `std::sync::Condvar`. A notification wakes those who wait at that moment, first come, first served, and is forgotten when nobody does.
///
/// A waiter may wake without a reason: another task may have come between the notification and its lock, and what a cancelled waiter was
/// notified of goes to the next one. Therefore [`wait_while`](Condition::wait_while) is the form to use: it looks again.
///
/// Who changes the value does it under the mutex, and notifies under it or after it. One condition may serve waiters of several mutexes; each
/// gets its own back.
///
/// Use an [`Event`](crate::Event) for something that happens once, a channel to hand values over, `tokio::sync::watch` to tell
/// everybody the newest one.
///
/// # Examples
///
/// ```
/// use bowline_sync::{Condition, Mutex};
///
/// static STOCK: Mutex<u32> = Mutex::new(0);
/// static RESTOCKED: Condition = Condition::new();
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio::task::JoinError> {
/// let order = tokio::spawn(async {
///     let mut stock = RESTOCKED.wait_while(STOCK.lock().await, |stock| *stock < 3).await;
///     *stock -= 3;
///     *stock
/// });
/// for _ in 0..4 {
///     *STOCK.lock().await += 1;
///     RESTOCKED.notify_one();
///     tokio::task::yield_now().await;
/// }
/// assert!(order.await? <= 1);
/// # Ok(())
/// # }
/// ```
///
/// Without the lock there is no waiting:
///
/// ```compile_fail,E0308
/// # async fn nothing() {
/// let value = bowline_sync::Mutex::new(0);
/// let changed = bowline_sync::Condition::new();
/// changed.wait(&value).await;
/// # }
/// ```
#[doc(alias = "Condvar")]
#[doc(alias = "monitor")]
pub struct Condition {
    waiters: Mutex<WaitList>,
    resource: Resource,
}

/// What a [`Condition`] is doing at one moment; made by [`Condition::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConditionStatistics {
    /// How many futures wait for a notification. Those that were notified and wait for their mutex are not among them.
    pub waiting: usize,
}

impl Condition {
    /// Creates a condition that nobody waits for; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new() -> Self {
        Self { waiters: Mutex::new(WaitList::new()), resource: Resource::new("condition") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new() -> Self {
        Self { waiters: Mutex::new(WaitList::new()), resource: Resource::new("condition") }
    }

    /// Waits as long as `condition` says so of the value, and returns with the mutex locked.
    ///
    /// The value is looked at first, and after each notification; always under the mutex.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the mutex unlocked: the guard went into it. A notification that it had received is passed on to the
    /// first in line. One that is kept after its notification, but not polled, keeps that from the others, and may hold the mutex reserved.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_sync::{Condition, Mutex};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let (queue, changed) = (Mutex::new(Vec::new()), Condition::new());
    /// let take = async {
    ///     let mut queue = changed.wait_while(queue.lock().await, |queue| queue.is_empty()).await;
    ///     queue.pop()
    /// };
    /// let put = async {
    ///     queue.lock().await.push("letter");
    ///     changed.notify_one();
    /// };
    /// assert_eq!(tokio::join!(take, put).0, Some("letter"));
    /// # }
    /// ```
    #[track_caller]
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        condition: impl FnMut(&mut T) -> bool,
    ) -> impl Future<Output = MutexGuard<'a, T>> {
        WaitWhile::new(self, guard, condition, Location::caller())
    }

    /// Waits for a notification, or for no reason: the caller has to look at the value, in a loop.
    /// [`wait_while`](Condition::wait_while) is that loop.
    ///
    /// # Cancel safety
    ///
    /// That of [`wait_while`](Condition::wait_while).
    #[track_caller]
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> impl Future<Output = MutexGuard<'a, T>> {
        let mut is_first = true;
        self.wait_while(guard, move |_| mem::take(&mut is_first))
    }

    /// Waits as long as `condition` says so of the value, at most for `limit`.
    ///
    /// The limit is on the waiting, which ends with the mutex locked again: if others hold it then, this takes longer.
    /// The value is looked at for a last time after the limit: when it has changed by then, that is a success.
    ///
    /// # Errors
    ///
    /// [`WaitTimedOut`], with the guard in it, when `condition` held until after the limit. A notification that came too late
    /// is passed on.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime with time enabled, unless the value is as wished at once.
    ///
    /// # Cancel safety
    ///
    /// That of [`wait_while`](Condition::wait_while), also after the limit, while it locks again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use bowline_sync::{Condition, Mutex};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let (door_is_open, changed) = (Mutex::new(false), Condition::new());
    /// let guard = door_is_open.lock().await;
    /// let late = changed.wait_timeout_while(guard, Duration::from_secs(5), |open| !*open).await;
    /// let mut guard = late.expect_err("nobody opened it").into_guard();
    /// *guard = true; // so we do
    /// assert!(door_is_open.try_lock().is_err());
    /// # }
    /// ```
    #[doc(alias = "deadline")]
    #[track_caller]
    pub fn wait_timeout_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> impl Future<Output = Result<MutexGuard<'a, T>, WaitTimedOut<MutexGuard<'a, T>>>> {
        let location = Location::caller();
        async move {
            if !condition(&mut guard) {
                return Ok(guard);
            }
            let mutex = MutexGuard::mutex(&guard);
            let mut timer = pin!(tokio::time::sleep(limit));
            loop {
                let mut notified = self.join(guard).await;
                let in_time = poll_fn(|cx| {
                    if pin!(&mut notified).poll(cx).is_ready() {
                        return Poll::Ready(true);
                    }
                    timer.as_mut().poll(cx).map(|()| false)
                })
                .await;
                guard = mutex.lock_at(location).await;
                if !condition(&mut guard) {
                    notified.consume();
                    return Ok(guard);
                }
                if !in_time || timer.is_elapsed() {
                    // Dropping `notified` passes on what it may have received.
                    return Err(WaitTimedOut::new(guard));
                }
                notified.consume();
            }
        }
    }

    /// Wakes the one that has waited longest, if anybody waits.
    #[doc(alias = "signal")]
    pub fn notify_one(&self) {
        // In a statement of its own: woken after the lock.
        let waker = lock(&self.waiters).grant_first();
        wake_all(waker);
    }

    /// Wakes up to `count` of those who wait now, in the order of their waiting.
    pub fn notify_many(&self, count: usize) {
        let wakers = {
            let mut waiters = lock(&self.waiters);
            let count = count.min(waiters.len());
            // In one piece, so that nobody who comes between two of them is woken.
            let mut wakers = Vec::with_capacity(count);
            wakers.extend(std::iter::from_fn(|| waiters.grant_first()).take(count));
            wakers
        };
        wake_all(wakers);
    }

    /// Wakes everybody who waits now, in the order of their waiting.
    #[doc(alias = "broadcast")]
    pub fn notify_all(&self) {
        self.notify_many(usize::MAX);
    }

    /// Reports how many wait.
    #[must_use]
    pub fn statistics(&self) -> ConditionStatistics {
        ConditionStatistics { waiting: lock(&self.waiters).len() }
    }

    /// Enters the line, and only then gives the mutex back (invariant 1). It never suspends.
    async fn join<T: ?Sized>(&self, guard: MutexGuard<'_, T>) -> Notified<'_> {
        let notified = poll_fn(|cx| Poll::Ready(Notified::join(self, cx.waker()))).await;
        drop(guard);
        notified
    }
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("waiting", &self.statistics().waiting).finish_non_exhaustive()
    }
}
