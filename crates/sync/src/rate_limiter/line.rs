//! The line of those who wait for slots of the grids, and for room where that is bounded. It takes the time as an argument and knows no timer.
//!
//! # Invariants
//!
//! 1. Whoever asks is asked last: those who wait get the slots that have passed first. So a slot that is free after that is one that
//!    nobody waits for, and nobody is overtaken.
//! 2. Only the first in line is told when its slots are due, and has a timer. Whoever becomes the first is therefore woken, by whoever made it
//!    the first: the caller that granted the former one its slots, or the former one that went away. While there is no room nobody has a timer;
//!    whoever makes room wakes the first.
//! 3. The slots and the place of a granted waiter that goes away are given back, and the first in line is woken to take them. During a pause the grids
//!    keep the slots.
//! 4. Slots that pass while the first in line could not use them (no room, another grid not yet due) are not wanted: before what it waited for changes, they
//!    are forgotten. Those that pass because a timer is late are not.
//! 5. Wakers are handed out in [`Wakes`], to be woken or dropped outside the lock. Their clones are made under it, as the last thing that is done: where one
//!    panics, those who were granted something before that are woken all the same.

use std::{mem, num::NonZeroU32, task::Waker};

use super::{
    Rate,
    grid::{Grid, Nanos},
    grids::Grids,
    room::Room,
};
use crate::wait_list::{Panicked, Place, WaitList};

#[derive(Debug)]
pub(crate) struct Line {
    grids: Grids,
    room: Room,
    /// Each with the number of permits that it asks for.
    waiters: WaitList<NonZeroU32>,
    /// The sum of these, of those that wait.
    asked: u64,
    /// Entries in `waiters`, granted ones too.
    places: usize,
    granted: u64,
}

/// How far one waiter has come.
#[derive(Debug)]
pub(crate) enum Turn {
    Unasked,
    InLine(Place),
    Over,
}

impl Turn {
    pub(crate) fn is_in_line(&self) -> bool {
        matches!(self, Turn::InLine(_))
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Granted,
    /// The first in line: it sees to it that it is polled at this time.
    DueAt(Nanos),
    /// Further back, or no room: it will be woken.
    Behind,
}

/// Why a request is not granted at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    NoRoom,
    DueAt(Nanos),
}

/// What is left to do once the lock is free: dropping it does it, also when a panic frees the lock.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    wake: Vec<Waker>,
    discard: Option<Waker>,
    panic: Panicked,
}

impl Wakes {
    #[inline(always)]
    pub(crate) fn run(self) {
        if self.wake.is_empty() && self.discard.is_none() && !self.panic.is_some() {
            // Nothing is in it, and the compiler need not look once more.
            mem::forget(self);
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        let mut panic = mem::take(&mut self.panic);
        // In this order: a destructor that panics keeps nobody from being woken.
        panic.wake(mem::take(&mut self.wake).into_iter());
        panic.catch(|| drop(self.discard.take()));
        panic.resume();
    }
}

impl Line {
    pub(crate) const fn new(grids: Grids, room: Room) -> Self {
        Self { grids, room, waiters: WaitList::new(), asked: 0, places: 0, granted: 0 }
    }

    pub(crate) const fn grids(&self) -> &Grids {
        &self.grids
    }

    pub(super) fn and(&mut self, rate: Rate, burst: NonZeroU32) {
        self.grids.push(rate, burst);
    }

    pub(crate) fn room(&self) -> &Room {
        &self.room
    }

    /// How many permits.
    pub(crate) fn granted(&self) -> u64 {
        self.granted
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// The grid, when whether and when somebody is granted is a matter of its arrival time alone.
    #[inline]
    pub(super) fn only_grid(&self) -> Option<&Grid> {
        let alone = self.waiters.is_empty() && !self.room.is_limited();
        if alone { self.grids.only() } else { None }
    }

    /// So many slots of the only grid were taken without the line.
    pub(super) fn take_in(&mut self, arrival: u128, granted: u64) {
        self.grids.set_arrival(arrival);
        self.granted += granted;
    }

    /// The end of the present pause.
    pub(crate) fn resume(&self, now: Nanos) -> Option<Nanos> {
        self.grids.resume().filter(|resume| *resume > now)
    }

    /// Whether a future is in it, waiting or granted.
    pub(crate) fn is_in_use(&self) -> bool {
        self.places > 0
    }

    /// From when on it is as good as a new one, if nobody comes and, as far as is known now, when somebody waits.
    pub(crate) fn idle_at(&self) -> Nanos {
        match self.asked {
            0 => self.grids.idle_at(),
            asked => self.grids.idle_at().max(self.grids.due(asked, NonZeroU32::MIN)),
        }
    }

    /// One step of a waiter.
    pub(crate) fn poll(
        &mut self,
        turn: &mut Turn,
        permits: NonZeroU32,
        now: Nanos,
        waker: &Waker,
        wakes: &mut Wakes,
    ) -> Slot {
        match turn {
            Turn::Unasked => {
                if self.try_take(permits, now, wakes).is_ok() {
                    *turn = Turn::Over;
                    return Slot::Granted;
                }
                *turn = Turn::InLine(self.waiters.join(waker, permits));
                self.asked += u64::from(permits.get());
                self.places += 1;
            }
            Turn::InLine(place) if self.waiters.is_granted(place) => {
                self.finish(turn);
                return Slot::Granted;
            }
            Turn::InLine(place) if self.waiters.is_head(place) && self.take_for_waiter(permits, now) => {
                wakes.discard = self.finish(turn);
                self.serve(now, wakes);
                self.call_first(wakes);
                return Slot::Granted;
            }
            Turn::InLine(place) => {
                // Others may stand still: the first in line is polled in a runtime of its own. Who comes by serves them.
                if !self.waiters.is_head(place) {
                    self.settle(now, wakes);
                }
                if self.waiters.is_granted(place) {
                    self.finish(turn);
                    return Slot::Granted;
                }
                wakes.discard = self.waiters.update(place, waker);
            }
            Turn::Over => unreachable!("`Request::poll` looks at that before it takes the lock"),
        }
        match turn {
            Turn::InLine(place) if self.waiters.is_head(place) && self.room.is_free() => {
                Slot::DueAt(self.grids.due(0, permits))
            }
            _ => Slot::Behind,
        }
    }

    /// Takes slots at once, or tells when the caller's would come if it stood in line now.
    #[inline]
    pub(crate) fn try_take(&mut self, permits: NonZeroU32, now: Nanos, wakes: &mut Wakes) -> Result<(), Refused> {
        self.settle(now, wakes);
        if self.waiters.is_empty() && self.room.is_free() && self.grids.take_for_newcomer(now, permits) {
            self.room.take();
            self.granted += u64::from(permits.get());
            return Ok(());
        }
        Err(self.refusal(permits))
    }

    /// Like [`try_take`](Line::try_take), without taking anything.
    pub(crate) fn peek(&mut self, permits: NonZeroU32, now: Nanos, wakes: &mut Wakes) -> Result<(), Refused> {
        self.settle(now, wakes);
        if self.waiters.is_empty() && self.room.is_free() && self.grids.conform(now, permits) {
            return Ok(());
        }
        Err(self.refusal(permits))
    }

    fn refusal(&self, permits: NonZeroU32) -> Refused {
        if self.room.is_free() { Refused::DueAt(self.grids.due(self.asked, permits)) } else { Refused::NoRoom }
    }

    /// A waiter goes away.
    pub(crate) fn give_up(&mut self, turn: &mut Turn, now: Nanos, wakes: &mut Wakes) {
        let Turn::InLine(place) = turn else {
            return;
        };
        self.forget_unwanted(now);
        let was_first = self.waiters.is_head(place);
        let permits = *self.waiters.note(place);
        wakes.discard = self.finish(turn);
        let was_granted = wakes.discard.is_none();
        if was_granted {
            self.grids.give_back(permits);
            self.room.give_back();
            self.granted -= u64::from(permits.get());
        }
        if was_first || was_granted {
            self.call_first(wakes);
        }
    }

    /// Somebody who was admitted leaves. The clock is asked only when somebody waits.
    pub(crate) fn leave_room(&mut self, now: impl FnOnce() -> Nanos, wakes: &mut Wakes) {
        if !self.waiters.is_empty() {
            let now = now();
            self.forget_unwanted(now);
            self.room.give_back();
            self.serve(now, wakes);
            self.call_first(wakes);
        } else {
            self.room.give_back();
        }
    }

    pub(crate) fn set_capacity(&mut self, capacity: usize, now: Nanos, wakes: &mut Wakes) {
        self.serve(now, wakes);
        self.forget_unwanted(now);
        self.room.set_capacity(capacity);
        self.serve(now, wakes);
        self.call_first(wakes);
    }

    /// Nothing is granted here, not even a slot that has passed already: after this call nobody begins. The first in line learns of the pause when
    /// its timer ends.
    pub(crate) fn pause(&mut self, now: Nanos, resume: Nanos) {
        if resume > now {
            self.grids.pause(now, resume);
        }
    }

    /// The first in line had a timer for the end of the pause, or for none.
    pub(crate) fn end_pause(&mut self, now: Nanos, wakes: &mut Wakes) {
        self.grids.end_pause(now);
        self.serve(now, wakes);
        self.call_first(wakes);
    }

    /// Tells whether there is such a limit.
    pub(crate) fn set_rate(&mut self, limit: usize, rate: Rate, now: Nanos, wakes: &mut Wakes) -> bool {
        self.serve(now, wakes);
        self.forget_unwanted(now);
        let is_there = self.grids.set_rate(limit, rate, now);
        self.call_first(wakes);
        is_there
    }

    /// Grants what has come by now, before anybody else is asked (invariant 1).
    #[inline]
    fn settle(&mut self, now: Nanos, wakes: &mut Wakes) {
        if !self.waiters.is_empty() && self.serve(now, wakes) {
            self.call_first(wakes);
        }
    }

    /// Grants every slot that has passed to those who wait, in order; tells whether there was one.
    fn serve(&mut self, now: Nanos, wakes: &mut Wakes) -> bool {
        let before = self.granted;
        while let Some(&permits) = self.waiters.first() {
            if !self.take_for_waiter(permits, now) {
                break;
            }
            self.asked -= u64::from(permits.get());
            wakes.wake.extend(self.waiters.grant_first());
        }
        self.granted > before
    }

    fn take_for_waiter(&mut self, permits: NonZeroU32, now: Nanos) -> bool {
        let takes = self.room.is_free() && self.grids.take_for_waiter(now, permits);
        if takes {
            self.room.take();
            self.granted += u64::from(permits.get());
        }
        takes
    }

    /// Called before that changes which the first in line waits for (invariant 4). With one grid and room it changes nothing (invariant 4 of the grid).
    fn forget_unwanted(&mut self, now: Nanos) {
        if let Some(&permits) = self.waiters.first() {
            if !self.room.is_free() || self.grids.due(0, permits) > now {
                self.grids.forget_unused(now);
            }
        }
    }

    /// Wakes the first in line, to take its slot or set its timer (invariants 2 and 3). Without room it could do neither.
    fn call_first(&mut self, wakes: &mut Wakes) {
        if self.room.is_free() {
            // Should the clone panic, the caller still gets what it has been granted, and hears of it with the wakers.
            let waker = wakes.panic.catch(|| self.waiters.head_waker());
            wakes.wake.extend(waker.flatten());
        }
    }

    /// Gives a place back; returns the waker of a waiting one.
    fn finish(&mut self, turn: &mut Turn) -> Option<Waker> {
        let Turn::InLine(place) = mem::replace(turn, Turn::Over) else {
            return None;
        };
        let permits = *self.waiters.note(&place);
        let waker = self.waiters.leave(place);
        self.places -= 1;
        if waker.is_some() {
            self.asked -= u64::from(permits.get());
        }
        waker
    }
}

#[cfg(all(test, bowline_loom))]
mod loom_tests;
#[cfg(all(test, not(bowline_loom)))]
mod tests;
