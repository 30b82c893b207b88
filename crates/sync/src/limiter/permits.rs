//! The count of the permits, and the line of those who wait for some.
//!
//! # Invariants
//!
//! 1. The count is in one of two places. While nobody waits and no more is out than the capacity, `free` is the number of free permits, and
//!    taking and giving back are one exchange each. Else `free` is [`UNDER_LOCK`], and `in_use` counts. Only who has the lock moves the count: [`Permits::lock`] takes
//!    it in, [`Locked::drop`] puts it out again where it may.
//! 2. `in_use` counts every permit that is out: those held by guards and those granted to a waiter that has not been polled since.
//! 3. Somebody waits only while the first in line asks for more than is free. So whatever is free when nobody waits belongs to whoever asks, and asking never
//!    overtakes a waiter. Each way to break this (permits come back, the capacity changes, the first in line goes away) ends with [`Permits::admit`].
//! 4. Nobody who waits asks for more than the capacity, unless that is zero: the capacity that becomes too small for a waiter refuses it.
//! 5. The note of a waiter is its weight. When it waits no longer, the note is zero if it was granted, else the capacity that refused it.
//! 6. Wakers are woken and dropped outside the lock. A waker's clone that panics finds the state whole: it comes before the entry.

use std::{
    num::NonZeroUsize,
    ops::{Deref, DerefMut},
    task::{Context, Poll, Waker},
};

use super::{ExceedsCapacity, LimiterStatistics};
use crate::{
    primitive::{AtomicUsize, Mutex, MutexGuard, Ordering, lock},
    wait_list::{Batch, Place, WaitList},
};

/// No number of free permits: the count is under the lock. A limiter of that capacity keeps it there always.
const UNDER_LOCK: usize = usize::MAX;

#[derive(Debug)]
pub(crate) struct Permits {
    free: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    capacity: usize,
    /// Out of date while the count is outside (invariant 1).
    in_use: usize,
    waiters: WaitList<usize>,
}

/// How far one waiter has come.
#[derive(Debug)]
pub(crate) enum Turn {
    Unasked,
    InLine(Place),
    Over,
}

impl Permits {
    #[cfg(not(bowline_loom))]
    pub(crate) const fn new(capacity: usize) -> Self {
        Self { free: AtomicUsize::new(capacity), state: Mutex::new(State::new(capacity)) }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new(capacity: usize) -> Self {
        Self { free: AtomicUsize::new(capacity), state: Mutex::new(State::new(capacity)) }
    }

    /// Takes free permits, if that needs no lock.
    #[inline]
    pub(crate) fn take_free(&self, weight: NonZeroUsize) -> bool {
        // Relaxed: a guess, which the exchange checks.
        let mut free = self.free.load(Ordering::Relaxed);
        while free != UNDER_LOCK && free >= weight.get() {
            // Acquire: pairs with the exchange in `give_back`, so that who takes a permit sees what its last holder did.
            match self.free.compare_exchange_weak(free, free - weight.get(), Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(found) => free = found,
            }
        }
        false
    }

    /// Takes permits at once; false when others come first or too few are free.
    #[inline]
    pub(crate) fn take(&self, weight: NonZeroUsize) -> Result<bool, ExceedsCapacity> {
        if self.take_free(weight) { Ok(true) } else { self.lock().take(weight) }
    }

    /// Takes permits back.
    #[inline]
    pub(crate) fn give_back(&self, weight: NonZeroUsize) {
        // Relaxed: a guess, which the exchange checks.
        let mut free = self.free.load(Ordering::Relaxed);
        while free != UNDER_LOCK {
            // Release: pairs with the exchanges in `take_free` and `lock`: whoever gets the permit next sees what its holder did.
            match self.free.compare_exchange_weak(free, free + weight.get(), Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(found) => free = found,
            }
        }
        self.give_back_under_lock(weight);
    }

    #[cold]
    fn give_back_under_lock(&self, weight: NonZeroUsize) {
        let mut state = self.lock();
        state.in_use -= weight.get();
        self.admit(state, Batch::default());
    }

    /// Grants what is free to the first in line, for as long as there is enough, and wakes them and those in the batch. Where they are many, whoever
    /// comes between two batches finds others in line and enters behind them; whoever gives permits back or goes away then, admits too.
    fn admit<'a>(&'a self, mut state: Locked<'a>, mut batch: Batch) {
        while batch.fill(|| state.admit_first()) {
            drop(state);
            batch.wake();
            state = self.lock();
        }
        drop(state);
        batch.finish();
    }

    /// One step of a waiter. Ready means that its turn is over: its permits are counted as in use, or it was refused.
    pub(crate) fn poll(
        &self,
        turn: &mut Turn,
        weight: NonZeroUsize,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), ExceedsCapacity>> {
        // Dropped after the lock (invariant 6).
        let _replaced;
        let mut state = self.lock();
        let outcome = match turn {
            Turn::InLine(place) if state.waiters.is_granted(place) => outcome(*state.waiters.note(place), weight),
            Turn::InLine(place) => {
                _replaced = state.waiters.update(place, cx.waker());
                return Poll::Pending;
            }
            Turn::Unasked | Turn::Over => match state.take(weight) {
                Ok(false) => {
                    *turn = Turn::InLine(state.waiters.join(cx.waker(), weight.get()));
                    return Poll::Pending;
                }
                outcome => outcome.map(drop),
            },
        };
        if let Turn::InLine(place) = std::mem::replace(turn, Turn::Over) {
            state.waiters.leave(place);
        }
        Poll::Ready(outcome)
    }

    /// A waiter goes away: what it was granted, and its place in front of the others, is theirs.
    pub(crate) fn give_up(&self, turn: &mut Turn, weight: NonZeroUsize) {
        let Turn::InLine(place) = std::mem::replace(turn, Turn::Over) else {
            return;
        };
        let mut state = self.lock();
        let note = *state.waiters.note(&place);
        let waker = state.waiters.leave(place);
        if waker.is_none() && outcome(note, weight).is_ok() {
            state.in_use -= weight.get();
        }
        self.admit(state, Batch::default());
        drop(waker);
    }

    pub(crate) fn set_capacity(&self, capacity: usize) {
        let mut state = self.lock();
        let before = std::mem::replace(&mut state.capacity, capacity);
        // By invariant 4 there is nothing to refuse where it was raised from above zero.
        let refused = if capacity < before || before == 0 { state.refuse() } else { Vec::new() };
        self.admit(state, Batch::of(refused));
    }

    pub(crate) fn statistics(&self) -> LimiterStatistics {
        let state = lock(&self.state);
        // Relaxed: a number to be shown. Where the count is cannot change under the lock.
        let in_use = match self.free.load(Ordering::Relaxed) {
            UNDER_LOCK => state.in_use,
            free => state.capacity - free,
        };
        LimiterStatistics { capacity: state.capacity, in_use, waiting: state.waiters.len() }
    }

    fn lock(&self) -> Locked<'_> {
        let mut state = lock(&self.state);
        // Acquire: pairs with the exchange in `give_back`, so that whom we grant a permit sees what its last holder did. What we write is for
        // those who then come here, and the lock orders them.
        let free = self.free.swap(UNDER_LOCK, Ordering::Acquire);
        if free != UNDER_LOCK {
            state.in_use = state.capacity - free;
        }
        Locked { free: &self.free, state }
    }
}

/// What became of a waiter, by its note (invariant 5).
fn outcome(note: usize, weight: NonZeroUsize) -> Result<(), ExceedsCapacity> {
    if note == 0 { Ok(()) } else { Err(ExceedsCapacity::new(weight, note)) }
}

/// The state, with the count in it.
struct Locked<'a> {
    free: &'a AtomicUsize,
    state: MutexGuard<'a, State>,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let State { capacity, in_use, ref waiters } = *self.state;
        if waiters.is_empty() && in_use <= capacity && capacity != UNDER_LOCK {
            // Release: whoever takes one of these permits without the lock sees what those did who gave them back under it.
            self.free.store(capacity - in_use, Ordering::Release);
        }
    }
}

impl State {
    const fn new(capacity: usize) -> Self {
        Self { capacity, in_use: 0, waiters: WaitList::new() }
    }

    fn fits(&self, weight: usize) -> bool {
        weight <= self.capacity.saturating_sub(self.in_use)
    }

    /// Takes permits for a newcomer; false when it must wait.
    fn take(&mut self, weight: NonZeroUsize) -> Result<bool, ExceedsCapacity> {
        if weight.get() > self.capacity && self.capacity != 0 {
            return Err(ExceedsCapacity::new(weight, self.capacity));
        }
        let takes = self.waiters.is_empty() && self.fits(weight.get());
        if takes {
            self.in_use += weight.get();
        }
        Ok(takes)
    }

    /// Grants what is free to the first in line, if there is enough.
    fn admit_first(&mut self) -> Option<Waker> {
        let weight = *self.waiters.first()?;
        if !self.fits(weight) {
            return None;
        }
        self.in_use += weight;
        self.waiters.grant_first_with(0)
    }

    /// Refuses those who ask for more than the capacity (invariant 4).
    fn refuse(&mut self) -> Vec<Waker> {
        match self.capacity {
            0 => Vec::new(),
            capacity => self.waiters.grant_where(|weight| *weight > capacity, capacity),
        }
    }
}
