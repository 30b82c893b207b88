//! A value for one at a time: the one permit of a limiter, and what only its holder may reach.
//!
//! # Invariants
//!
//! 1. The permit alone decides who is inside. Everything else here is the holder's: written after the permit was had, and taken away before it is given
//!    back. So the permit orders it, and its own stores are relaxed.
//! 2. The value is borrowed only by who has the permit, and the borrow ends before the permit goes back: a guard drops its value first. So borrowing never fails.
//! 3. The `std` mutex around the value is never locked. It makes a value shareable that may move between threads and not be shared, which the cell
//!    alone does not.
//! 4. No user code runs under the lock of `holder`.

mod guard;
mod holder;
mod locking;
#[cfg(all(test, bowline_loom))]
mod loom_tests;
mod poison;

use std::{
    fmt,
    num::NonZeroUsize,
    panic::{Location, RefUnwindSafe},
    // Those of `std` under loom too: by invariant 1 there is nothing in them that needs a model.
    sync::{
        self, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};

use atomic_refcell::AtomicRefCell;

use self::{guard::Entered, holder::HolderNote};
pub use self::{
    guard::MutexGuard,
    holder::Holder,
    locking::{Lock, LockUnpoisoned},
    poison::{PoisonCause, Poisoned},
};
use crate::{LimiterStatistics, inspected::Resource, limiter::permits::Permits};

/// The permit to be inside.
const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// A value that one task at a time may use, also across awaits; first come, first served.
///
/// It is as fair as `tokio::sync::Mutex`, and says in addition:
///
/// * whether its value is whole. A panic while the lock is held marks the mutex as poisoned, and so does a [`with`](Mutex::with) whose future is dropped
///   half-way: both may have left the value half-changed. [`lock`](Mutex::lock) does not care; [`lock_unpoisoned`](Mutex::lock_unpoisoned) refuses;
/// * who deadlocks with itself, if [`checked`](Mutex::checked) asks for that;
/// * how many wait: [`statistics`](Mutex::statistics).
///
/// There is no owned guard: to use the value in a task of its own, move an `Arc` of the mutex there and lock it there, or put the mutex into a
/// `static`. Use `tokio::sync::Mutex` where a guard has to own its mutex. Use `std::sync::Mutex` where no guard is kept
/// across an await: it is faster, and the compiler reminds you, since its guard is not `Send`.
///
/// # Examples
///
/// ```
/// use bowline_sync::Mutex;
///
/// static TOTAL: Mutex<u64> = Mutex::new(0);
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio::task::JoinError> {
/// let tasks: Vec<_> = (1..=10)
///     .map(|amount| {
///         tokio::spawn(async move {
///             let mut total = TOTAL.lock().await;
///             let before = *total;
///             tokio::task::yield_now().await; // nobody comes between
///             *total = before + amount;
///         })
///     })
///     .collect();
/// for task in tasks {
///     task.await?;
/// }
/// assert_eq!(*TOTAL.lock().await, 55);
/// # Ok(())
/// # }
/// ```
///
/// Who does not hold the lock cannot give it back, and nobody gives it back twice:
///
/// ```compile_fail,E0599
/// bowline_sync::Mutex::new(0).unlock();
/// ```
///
/// ```compile_fail,E0382
/// # async fn nothing() {
/// let mutex = bowline_sync::Mutex::new(0);
/// let guard = mutex.lock().await;
/// drop(guard);
/// drop(guard);
/// # }
/// ```
#[doc(alias = "Lock")]
#[doc(alias = "AsyncMutex")]
#[doc(alias = "poison")]
pub struct Mutex<T: ?Sized> {
    permits: Permits,
    resource: Resource,
    holder: HolderNote,
    /// A [`PoisonCause`] as a number; zero for none.
    poison: AtomicU8,
    value: AtomicRefCell<sync::Mutex<T>>,
}

/// What a [`Mutex`] is doing at one moment; made by [`Mutex::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MutexStatistics {
    /// Whether somebody holds the lock, or has been granted it.
    pub locked: bool,
    /// How many futures wait in line. One that has been granted the lock is not among them.
    pub waiting: usize,
    /// Who holds the lock; known of a [`checked`](Mutex::checked) mutex only.
    pub holder: Option<Holder>,
}

/// Somebody holds the lock, or waits for it; returned by [`Mutex::try_lock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the mutex is locked: wait with `lock`, or do something else first")]
pub struct Locked;

impl<T> Mutex<T> {
    /// Creates an unlocked mutex; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self::made_of(Permits::new(1), value)
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(value: T) -> Self {
        Self::made_of(Permits::new(1), value)
    }

    /// Loom's permits cannot be made in a constant, and the rest can.
    #[track_caller]
    const fn made_of(permits: Permits, value: T) -> Self {
        Self {
            permits,
            resource: Resource::new("mutex"),
            holder: HolderNote::new(),
            poison: AtomicU8::new(PoisonCause::NONE),
            value: AtomicRefCell::new(sync::Mutex::new(value)),
        }
    }

    /// Makes a task that waits for a lock which it holds itself panic at once, instead of waiting for ever.
    ///
    /// For tests and for the search: each lock then takes note of its holder, which costs some ten nanoseconds.
    ///
    /// It goes by the task, so that it can err. It takes it for a deadlock when one branch of a `join!` or `select!` waits for another, or when a task waits
    /// for a guard that it has given to another task. It does not see a deadlock of two tasks with two mutexes, one in the future of a `block_on`, which is
    /// no task, or one by a guard that was taken in another task.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_sync::Mutex;
    ///
    /// static ACCOUNTS: Mutex<Vec<i64>> = Mutex::new(Vec::new()).checked();
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let deadlock = tokio::spawn(async {
    ///     let accounts = ACCOUNTS.lock().await;
    ///     let total: i64 = ACCOUNTS.lock().await.iter().sum(); // waits for the line above
    ///     accounts.len() as i64 + total
    /// });
    /// assert!(deadlock.await.expect_err("found").is_panic());
    /// # }
    /// ```
    #[doc(alias = "deadlock")]
    #[doc(alias = "reentrant")]
    #[must_use]
    pub const fn checked(mut self) -> Self {
        self.holder.switch_on();
        self
    }

    /// Takes the value out, poisoned or not.
    ///
    /// # Panics
    ///
    /// In a build with debug assertions, when a guard was leaked, as by [`std::mem::forget`].
    #[must_use]
    pub fn into_inner(self) -> T {
        // Never locked, never poisoned (invariant 3); here and below.
        self.value.into_inner().into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock, in the order of asking. It ignores poison.
    ///
    /// The place in line is taken at the first poll.
    #[track_caller]
    #[doc(alias = "acquire")]
    #[inline]
    pub fn lock(&self) -> Lock<'_, T> {
        self.lock_at(Location::caller())
    }

    /// Waits for the lock, and refuses a value that may be half-changed.
    ///
    /// # Errors
    ///
    /// [`Poisoned`] when a holder panicked, or a [`with`](Mutex::with) was dropped half-way, and nobody has called
    /// [`clear_poison`](Mutex::clear_poison) since. The guard is in it.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use bowline_sync::{Mutex, PoisonCause};
    /// use tokio::time::{sleep, timeout};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// let accounts = Mutex::new([100, 0]);
    /// let transfer = accounts.with(async |accounts| {
    ///     accounts[0] -= 10;
    ///     sleep(Duration::from_secs(2)).await;
    ///     accounts[1] += 10;
    /// });
    /// assert!(timeout(Duration::from_secs(1), transfer).await.is_err());
    ///
    /// let poisoned = accounts.lock_unpoisoned().await.expect_err("ten are missing");
    /// assert_eq!(poisoned.cause(), PoisonCause::Cancelled);
    /// let mut guard = poisoned.into_guard();
    /// guard[0] = 100; // mended
    /// accounts.clear_poison();
    /// drop(guard);
    /// assert!(accounts.lock_unpoisoned().await.is_ok());
    /// # }
    /// ```
    #[track_caller]
    #[inline]
    pub fn lock_unpoisoned(&self) -> LockUnpoisoned<'_, T> {
        LockUnpoisoned::new(self.lock_at(Location::caller()))
    }

    /// Takes the lock if nobody holds it or waits for it. It ignores poison.
    ///
    /// # Errors
    ///
    /// [`Locked`] when the lock is held or promised, also to the running task itself.
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, Locked> {
        // One permit is never refused for good.
        if self.permits.take(ONE).is_ok_and(|taken| taken) { Ok(self.enter(Location::caller())) } else { Err(Locked) }
    }

    /// Waits for the lock, and lends the value to `body` until that is done. It ignores poison that is there.
    ///
    /// Use it where `body` changes the value in several steps with awaits between: if its future is dropped between two of them,
    /// the mutex is poisoned. With a guard, nobody would know.
    ///
    /// In a spawned task the compiler may say "implementation of `AsyncFnOnce` is not general enough" when `T` contains references, such as
    /// `&'static str`. That is a limit of its own; `String` gets by.
    ///
    /// # Panics
    ///
    /// As [`Lock`] does, and with the panic of `body`, which poisons the mutex.
    ///
    /// # Cancel safety
    ///
    /// Before `body` begins, that of [`Lock`]. After that, dropping the future drops `body`'s, gives the lock back and poisons the
    /// mutex, by [`PoisonCause::Cancelled`].
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_sync::Mutex;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let names = Mutex::new(vec!["a"]);
    /// let count = names
    ///     .with(async |names| {
    ///         tokio::task::yield_now().await;
    ///         names.push("b");
    ///         names.len()
    ///     })
    ///     .await;
    /// assert_eq!(count, 2);
    /// # }
    /// ```
    #[track_caller]
    pub fn with<R>(&self, body: impl AsyncFnOnce(&mut T) -> R) -> impl Future<Output = R> {
        let location = Location::caller();
        async move { MutexGuard::with(self.lock_at(location).await, body).await }
    }

    /// Gives the value, which nobody else can use meanwhile.
    ///
    /// # Panics
    ///
    /// As [`into_inner`](Mutex::into_inner) does.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut().get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whether a holder has left the value half-changed, as far as is known.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poison().is_some()
    }

    /// Declares the value whole. Call it while you hold the lock, after you have looked at the value.
    pub fn clear_poison(&self) {
        // Relaxed: invariant 1.
        self.poison.store(PoisonCause::NONE, Ordering::Relaxed);
    }

    /// Reports lock and line, as of one moment, and the holder if the mutex is [`checked`](Mutex::checked). While others go on, that one may be of another moment.
    #[must_use]
    pub fn statistics(&self) -> MutexStatistics {
        let LimiterStatistics { in_use, waiting, .. } = self.permits.statistics();
        MutexStatistics { locked: in_use > 0, waiting, holder: self.holder.get() }
    }

    /// Locks in the name of the code at `location`.
    #[inline]
    pub(crate) fn lock_at(&self, location: &'static Location<'static>) -> Lock<'_, T> {
        Lock::new(self, location)
    }

    /// Makes the guard, once the permit is had.
    #[inline]
    fn enter(&self, location: &'static Location<'static>) -> MutexGuard<'_, T> {
        MutexGuard::new(Entered::new(self, location))
    }

    fn poison(&self) -> Option<PoisonCause> {
        // Relaxed: invariant 1.
        PoisonCause::from_mark(self.poison.load(Ordering::Relaxed))
    }
}

/// As with the mutex of `std`: what a panic may have left half-changed is marked.
impl<T: ?Sized> RefUnwindSafe for Mutex<T> {}

impl<T: Default> Default for Mutex<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Mutex<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MutexStatistics { locked, waiting, .. } = self.statistics();
        f.debug_struct("Mutex")
            .field("locked", &locked)
            .field("waiting", &waiting)
            .field("poisoned", &self.is_poisoned())
            .finish_non_exhaustive()
    }
}
