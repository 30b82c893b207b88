//! A flag that tasks wait for.
//!
//! # Invariants
//!
//! 1. `state` is even while the event is clear and odd while it is set. Every change adds one, so it tells the generations apart
//!    too: whoever remembers an even state and finds another one knows that the event has been set since.
//! 2. `state` is written under the lock of `waiters` only, and read anywhere.
//! 3. The list holds waiters of the present even state only: setting the event takes the whole list. A place obtained in another
//!    state is therefore void, and its owner may not touch the list with it.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use crate::{
    primitive::{AtomicUsize, Mutex, Ordering, lock},
    wait_list::{Place, WaitList},
};

/// A flag that one task sets and any number of tasks wait for.
///
/// [`set`](Event::set) wakes everybody who waits, and lets everybody pass who comes later, until [`clear`](Event::clear). Whoever was
/// waiting when the event was set is released, even when it is cleared again before that task runs: a short pulse is never missed.
///
/// What happened before `set` is visible to those whom it released.
///
/// Use `tokio::sync::Notify` to wake *one* task, `tokio::sync::watch` when a value comes with the change.
///
/// # Examples
///
/// ```
/// use bowline_sync::Event;
///
/// static READY: Event = Event::new();
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tokio::task::JoinError> {
/// let server = tokio::spawn(async {
///     READY.wait().await;
///     "serving"
/// });
/// READY.set();
/// assert_eq!(server.await?, "serving");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "ManualResetEvent")]
#[doc(alias = "Notify")]
#[doc(alias = "flag")]
pub struct Event {
    state: AtomicUsize,
    waiters: Mutex<WaitList>,
}

impl Event {
    /// Creates a clear event; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self { state: AtomicUsize::new(0), waiters: Mutex::new(WaitList::new()) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new() -> Self {
        Self { state: AtomicUsize::new(0), waiters: Mutex::new(WaitList::new()) }
    }

    /// Sets the event: everybody who waits is released. Setting it twice changes nothing.
    pub fn set(&self) {
        let released = {
            let mut waiters = lock(&self.waiters);
            // Release, and written even when the event is set already: a waiter that reads this sees all that its setter did, the second
            // setter's work too. One operation, not a load and a store, because loom overlooks readers between the two.
            self.state.fetch_or(1, Ordering::Release);
            mem::replace(&mut *waiters, WaitList::new())
        };
        released.wake_all();
    }

    /// Clears the event: whoever begins to wait now waits for the next [`set`](Event::set).
    pub fn clear(&self) {
        let _waiters = lock(&self.waiters);
        // Relaxed: written under this lock only (invariant 2).
        let state = self.state.load(Ordering::Relaxed);
        if is_set(state) {
            // Release: a waiter that finds the state changed returns, and must see what the setter did. The setter's writes come before
            // this one through the lock.
            self.state.store(state.wrapping_add(1), Ordering::Release);
        }
    }

    /// Tells whether the event is set at this moment.
    #[must_use]
    pub fn is_set(&self) -> bool {
        is_set(self.observe())
    }

    /// Waits until the event is set.
    ///
    /// The waiting begins with this call, not with the first poll: a pulse between the two releases the future.
    pub fn wait(&self) -> Wait<'_> {
        Wait { event: self, seen: self.observe(), place: None }
    }

    fn observe(&self) -> usize {
        // Acquire: pairs with the stores of `set` and `clear`, so that what was done before `set` is visible after `wait`.
        self.state.load(Ordering::Acquire)
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
    }
}

/// Completes when its [`Event`] is set; made by [`Event::wait`].
///
/// # Cancel safety
///
/// Dropping it has no effect on the event or on other waiters; waiting again begins with the state of that moment. In a `select!`
/// loop, keep one `Wait` and poll it by `&mut`: a pulse that falls between two loops is then not missed.
#[must_use = "futures do nothing unless polled"]
pub struct Wait<'a> {
    event: &'a Event,
    /// The state in which the waiting began.
    seen: usize,
    /// Void as soon as the state is no longer `seen` (invariant 3).
    place: Option<Place>,
}

impl Wait<'_> {
    fn is_released(&self, state: usize) -> bool {
        is_set(self.seen) || state != self.seen
    }
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let coop = ready!(coop::poll_proceed(cx));
        if this.is_released(this.event.observe()) {
            coop.made_progress();
            return Poll::Ready(());
        }
        // Dropped after the lock (invariant 5 of the wait list).
        let _replaced;
        let mut waiters = lock(&this.event.waiters);
        // Asked again under the lock: `set` may have taken the list since.
        if this.is_released(this.event.observe()) {
            coop.made_progress();
            return Poll::Ready(());
        }
        match &this.place {
            Some(place) => _replaced = waiters.update(place, cx.waker()),
            None => this.place = Some(waiters.join(cx.waker())),
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let Some(place) = self.place.take() else {
            return;
        };
        let mut waiters = lock(&self.event.waiters);
        // Relaxed: written under this lock only (invariant 2).
        if self.event.state.load(Ordering::Relaxed) == self.seen {
            let waker = waiters.leave(place);
            drop(waiters);
            drop(waker);
        }
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("event", self.event).finish_non_exhaustive()
    }
}

fn is_set(state: usize) -> bool {
    state % 2 == 1
}
