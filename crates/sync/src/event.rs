//! A flag that tasks wait for.
//!
//! # Invariants
//!
//! 1. `state` is a generation and two flags. [`SET`]: the event is set. [`WAITERS`]: the list may hold somebody, so that whoever sets the event
//!    must look. Never both.
//! 2. Every step from set to clear, and every pulse, begins a generation. Whoever remembers a clear state of one generation and finds it set, or another
//!    generation, knows that the event has been set since.
//! 3. [`WAITERS`] is written under the lock of `waiters` only: put there before the first one joins, and taken away together with the whole list. So without
//!    it there is nobody to wake, and setting the event takes no lock.
//! 4. The list holds waiters of the present generation only. A place obtained in another one is void, and so is one whose event is set: its owner may not
//!    touch the list with it.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use crate::{
    inspected::{Resource, Waiting},
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
    resource: Resource,
}

/// What an [`Event`] is doing at one moment; made by [`Event::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventStatistics {
    /// Whether it is set.
    pub is_set: bool,
    /// How many futures wait for it. Those that have been released and not polled since are not among them.
    pub waiting: usize,
}

impl Event {
    /// Creates a clear event; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new() -> Self {
        Self::inside("event", false)
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new() -> Self {
        Self::inside("event", false)
    }

    /// The part of something else that its waiters wait for.
    #[cfg(not(bowline_loom))]
    #[track_caller]
    pub(crate) const fn inside(kind: &'static str, is_set: bool) -> Self {
        let state = if is_set { SET } else { 0 };
        Self { state: AtomicUsize::new(state), waiters: Mutex::new(WaitList::new()), resource: Resource::new(kind) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn inside(kind: &'static str, is_set: bool) -> Self {
        let state = if is_set { SET } else { 0 };
        Self { state: AtomicUsize::new(state), waiters: Mutex::new(WaitList::new()), resource: Resource::new(kind) }
    }

    /// Sets the event: everybody who waits is released. Setting it twice changes nothing.
    pub fn set(&self) {
        // Release, and written even when the event is set already: a waiter that reads this sees all that its setter did, the second
        // setter's work too.
        self.change(Ordering::Release, |state| state | SET);
    }

    /// Clears the event: whoever begins to wait now waits for the next [`set`](Event::set).
    pub fn clear(&self) {
        // Release: a waiter that finds the generation changed returns, and must see what the setter did. AcqRel, because the setter may be another thread.
        self.change(Ordering::AcqRel, |state| if is_set(state) { next_generation(state) } else { state });
    }

    /// Releases everybody who waits now, and leaves the event clear: whoever comes later waits for the next one. A set event stays set.
    pub fn pulse(&self) {
        self.change(Ordering::Release, |state| if is_set(state) { state } else { next_generation(state) });
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
        Wait { event: self, seen: generation(self.observe()), place: None, waiting: self.resource.waiting() }
    }

    /// Reports whether it is set and how many wait, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> EventStatistics {
        let waiters = lock(&self.waiters);
        EventStatistics { is_set: self.is_set(), waiting: waiters.len() }
    }

    fn observe(&self) -> usize {
        // Acquire: pairs with the stores of `set`, `pulse` and `clear`, so that what was done before `set` is visible after `wait`.
        self.state.load(Ordering::Acquire)
    }

    /// Makes one step, and wakes those whom it releases.
    fn change(&self, ordering: Ordering, step: impl Fn(usize) -> usize) {
        // Relaxed: a guess, which the exchange checks.
        let mut state = self.state.load(Ordering::Relaxed);
        while state & WAITERS == 0 {
            match self.state.compare_exchange_weak(state, step(state), ordering, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => state = found,
            }
        }
        self.change_with_waiters(ordering, step);
    }

    #[cold]
    fn change_with_waiters(&self, ordering: Ordering, step: impl Fn(usize) -> usize) {
        let released = {
            let mut waiters = lock(&self.waiters);
            // Others may change the state until the list is taken (invariant 3), but not the flag.
            let mut state = self.state.load(Ordering::Relaxed);
            loop {
                let next = step(state);
                let releases = next != state && state & WAITERS != 0;
                let next = if releases { next & !WAITERS } else { next };
                match self.state.compare_exchange_weak(state, next, ordering, Ordering::Relaxed) {
                    Ok(_) if releases => break mem::replace(&mut *waiters, WaitList::new()),
                    Ok(_) => return,
                    Err(found) => state = found,
                }
            }
        };
        released.wake_all();
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

/// Completes when its [`Event`] is set; made by [`Event::wait`], and by [`Latch::wait`](crate::Latch::wait).
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
    /// Void as soon as the waiting is over (invariant 4).
    place: Option<Place>,
    waiting: Waiting,
}

impl Future for Wait<'_> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Wait { event, seen, place, waiting } = self.get_mut();
        waiting.poll(cx, |cx| {
            let coop = ready!(coop::poll_proceed(cx));
            if is_over(*seen, event.observe()) || event.join(*seen, place, cx).is_ready() {
                coop.made_progress();
                return Poll::Ready(());
            }
            Poll::Pending
        })
    }
}

impl Event {
    /// Waits in the list, unless the waiting is over.
    fn join(&self, seen: usize, place: &mut Option<Place>, cx: &mut Context<'_>) -> Poll<()> {
        // Dropped after the lock (invariant 5 of the wait list).
        let _replaced;
        let mut waiters = lock(&self.waiters);
        // Acquire, as in `observe`, which this repeats. When it succeeds it writes what it found, or adds the flag: nobody acquires that.
        let mut state = self.observe();
        loop {
            if is_over(seen, state) {
                return Poll::Ready(());
            }
            if state & WAITERS != 0 {
                break;
            }
            match self.state.compare_exchange_weak(state, state | WAITERS, Ordering::Acquire, Ordering::Acquire) {
                Ok(_) => break,
                Err(found) => state = found,
            }
        }
        match place {
            Some(place) => _replaced = waiters.update(place, cx.waker()),
            None => *place = Some(waiters.join(cx.waker(), ())),
        }
        Poll::Pending
    }

    fn leave(&self, seen: usize, place: Place) {
        let mut waiters = lock(&self.waiters);
        // Relaxed: nothing is read that a setter has written.
        if !is_over(seen, self.state.load(Ordering::Relaxed)) {
            let waker = waiters.leave(place);
            drop(waiters);
            drop(waker);
        }
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.event.leave(self.seen, place);
        }
    }
}

impl fmt::Debug for Wait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("event", self.event).finish_non_exhaustive()
    }
}

const SET: usize = 1;
const WAITERS: usize = 2;
const GENERATION: usize = 4;

fn is_set(state: usize) -> bool {
    state & SET != 0
}

/// The state without the flag that concerns the list.
fn generation(state: usize) -> usize {
    state & !WAITERS
}

/// Clear, in the generation after this one.
fn next_generation(state: usize) -> usize {
    (state & !SET).wrapping_add(GENERATION)
}

/// Whether a waiting that began at `seen` is over (invariant 2).
fn is_over(seen: usize, state: usize) -> bool {
    is_set(seen) || generation(state) != seen
}
