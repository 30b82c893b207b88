//! Tokio's mutex with what it does not tell: who waits, who holds it, and whether its value is whole.
//!
//! # Invariants
//!
//! 1. The lock is Tokio's, and the line too. Everything here is a note beside it, written by the holder, and never decides who gets the lock.
//! 2. The notes of a holder are written after its lock was had and taken away before it is given back. So the lock orders them, and their own
//!    stores are relaxed.
//! 3. `waiting` counts who is in Tokio's line, until its next poll after the grant. So somebody holds the lock or has been granted it while `waiting`
//!    is not zero.
//! 4. No user code runs under the lock of `holder`.

mod guard;
mod holder;
mod locking;
mod poison;

use std::{
    fmt,
    panic::Location,
    // Those of `std` under loom too: by the invariants 1 and 2 there is nothing in them that needs a model.
    sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
};

use self::holder::HolderNote;
pub use self::{
    guard::MutexGuard,
    holder::Holder,
    poison::{PoisonCause, Poisoned},
};
use crate::inspected::Resource;

/// A value that one task at a time may use, also across awaits; first come, first served.
///
/// It is `tokio::sync::Mutex`, in speed and fairness, and says in addition:
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
    resource: Resource,
    /// Whether a guard exists.
    held: AtomicBool,
    /// A [`PoisonCause`] as a number; zero for none.
    poison: AtomicU8,
    waiting: AtomicUsize,
    holder: HolderNote,
    value: tokio::sync::Mutex<T>,
}

/// What a [`Mutex`] is doing at one moment; made by [`Mutex::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MutexStatistics {
    /// Whether somebody holds the lock, or has been granted it.
    pub locked: bool,
    /// How many futures wait in line. One that has been granted the lock is among them until it is polled.
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
    #[must_use]
    #[track_caller]
    pub const fn new(value: T) -> Self {
        Self {
            resource: Resource::new("mutex"),
            held: AtomicBool::new(false),
            poison: AtomicU8::new(PoisonCause::NONE),
            waiting: AtomicUsize::new(0),
            holder: HolderNote::new(),
            value: tokio::sync::Mutex::const_new(value),
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
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Waits for the lock, in the order of asking. It ignores poison.
    ///
    /// The place in line is taken at the first poll.
    ///
    /// # Panics
    ///
    /// Polling it panics when the mutex is [`checked`](Mutex::checked) and the running task holds it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in line. A lock that it was granted in the same moment goes to the next. Between
    /// the grant and its next poll the lock is reserved for it: a future that is kept, but not polled, keeps others waiting.
    #[track_caller]
    #[doc(alias = "acquire")]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        self.lock_at(Location::caller())
    }

    /// Waits for the lock, and refuses a value that may be half-changed.
    ///
    /// # Errors
    ///
    /// [`Poisoned`] when a holder panicked, or a [`with`](Mutex::with) was dropped half-way, and nobody has called
    /// [`clear_poison`](Mutex::clear_poison) since. The guard is in it.
    ///
    /// # Panics
    ///
    /// As [`lock`](Mutex::lock) does.
    ///
    /// # Cancel safety
    ///
    /// That of [`lock`](Mutex::lock).
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
    pub fn lock_unpoisoned(&self) -> impl Future<Output = Result<MutexGuard<'_, T>, Poisoned<MutexGuard<'_, T>>>> {
        let location = Location::caller();
        async move {
            let guard = self.lock_at(location).await;
            match self.poison() {
                Some(cause) => Err(Poisoned::new(cause, guard)),
                None => Ok(guard),
            }
        }
    }

    /// Takes the lock if nobody holds it or waits for it. It ignores poison.
    ///
    /// # Errors
    ///
    /// [`Locked`] when the lock is held or promised, also to the running task itself.
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, Locked> {
        match self.value.try_lock() {
            Ok(value) => Ok(MutexGuard::new(self, value, Location::caller())),
            Err(_) => Err(Locked),
        }
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
    /// As [`lock`](Mutex::lock) does, and with the panic of `body`, which poisons the mutex.
    ///
    /// # Cancel safety
    ///
    /// Before `body` begins, that of [`lock`](Mutex::lock). After that, dropping the future drops `body`'s, gives the lock back and poisons the
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
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// Tells whether a holder has left the value half-changed, as far as is known.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.poison().is_some()
    }

    /// Declares the value whole. Call it while you hold the lock, after you have looked at the value.
    pub fn clear_poison(&self) {
        // Relaxed: invariant 2.
        self.poison.store(PoisonCause::NONE, Ordering::Relaxed);
    }

    /// Reports lock, line and, if the mutex is [`checked`](Mutex::checked), the holder. While others go on, the three are not of the very same moment.
    #[must_use]
    pub fn statistics(&self) -> MutexStatistics {
        // Relaxed: a report, which orders nothing.
        let waiting = self.waiting.load(Ordering::Relaxed);
        // Who was granted the lock has no guard yet (invariant 3).
        let locked = self.held.load(Ordering::Relaxed) || waiting > 0;
        MutexStatistics { locked, waiting, holder: self.holder.get() }
    }

    fn poison(&self) -> Option<PoisonCause> {
        // Relaxed: invariant 2.
        PoisonCause::from_mark(self.poison.load(Ordering::Relaxed))
    }
}

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
