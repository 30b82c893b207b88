//! The line of those who wait for a slot of the grid. It takes the time as an argument and knows no timer.
//!
//! # Invariants
//!
//! 1. Whoever asks for a slot is asked last: those who wait get the slots that have passed first. So a slot that is free after that is one that
//!    nobody waits for, and nobody is overtaken.
//! 2. Only the first in line is told when its slot is due, and has a timer. Whoever becomes the first is therefore woken, by whoever made it
//!    the first: the caller that granted the former one its slot, or the former one that went away.
//! 3. A granted slot whose waiter goes away is given back to the grid, and the first in line is woken to take it. During a pause the grid
//!    keeps it.
//! 4. Wakers are handed out in [`Wakes`], to be woken or dropped outside the lock.

use std::{mem, num::NonZeroU32, task::Waker};

use super::{
    Rate,
    grid::{Grid, Nanos},
};
use crate::wait_list::{Place, WaitList};

#[derive(Debug)]
pub(super) struct Line {
    grid: Grid,
    waiters: WaitList,
    granted: u64,
}

/// How far one waiter has come.
#[derive(Debug)]
pub(super) enum Turn {
    Unasked,
    InLine(Place),
    Over,
}

impl Turn {
    pub(super) fn is_in_line(&self) -> bool {
        matches!(self, Turn::InLine(_))
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Granted,
    /// The first in line: it sees to it that it is polled at this time.
    DueAt(Nanos),
    /// Further back: it will be woken.
    Behind,
}

/// What is left to do once the lock is free.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    wake: Vec<Waker>,
    discard: Option<Waker>,
}

impl Wakes {
    pub(super) fn run(self) {
        drop(self.discard);
        for waker in self.wake {
            waker.wake();
        }
    }
}

impl Line {
    pub(super) const fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self { grid: Grid::new(rate, burst), waiters: WaitList::new(), granted: 0 }
    }

    pub(super) fn grid(&self) -> &Grid {
        &self.grid
    }

    pub(super) fn granted(&self) -> u64 {
        self.granted
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiters.len()
    }

    /// One step of a waiter.
    pub(super) fn poll(&mut self, turn: &mut Turn, now: Nanos, waker: &Waker, wakes: &mut Wakes) -> Slot {
        match turn {
            Turn::Unasked => {
                if self.try_take(now, wakes).is_ok() {
                    *turn = Turn::Over;
                    return Slot::Granted;
                }
                *turn = Turn::InLine(self.waiters.join(waker, ()));
            }
            Turn::InLine(place) if self.waiters.is_granted(place) => {
                self.finish(turn);
                return Slot::Granted;
            }
            Turn::InLine(place) if self.waiters.is_head(place) && self.grid.take_for_waiter(now) => {
                self.granted += 1;
                wakes.discard = self.finish(turn);
                self.serve(now, wakes);
                self.call_first(wakes);
                return Slot::Granted;
            }
            Turn::InLine(place) => wakes.discard = self.waiters.update(place, waker),
            Turn::Over => panic!("a rate limiter's future was polled after it had completed"),
        }
        match turn {
            Turn::InLine(place) if self.waiters.is_head(place) => Slot::DueAt(self.grid.due(0)),
            _ => Slot::Behind,
        }
    }

    /// Takes a slot at once, or tells when the caller's would come if it stood in line now.
    pub(super) fn try_take(&mut self, now: Nanos, wakes: &mut Wakes) -> Result<(), Nanos> {
        self.settle(now, wakes);
        if self.grid.take_for_newcomer(now) {
            self.granted += 1;
            Ok(())
        } else {
            Err(self.grid.due(self.waiters.len()))
        }
    }

    /// A waiter goes away.
    pub(super) fn give_up(&mut self, turn: &mut Turn, wakes: &mut Wakes) {
        let Turn::InLine(place) = turn else {
            return;
        };
        let was_first = self.waiters.is_head(place);
        wakes.discard = self.finish(turn);
        let was_granted = wakes.discard.is_none();
        if was_granted {
            self.grid.give_back();
            self.granted -= 1;
        }
        if was_first || was_granted {
            self.call_first(wakes);
        }
    }

    /// Nothing is granted here, not even a slot that has passed already: after this call nobody begins. The first in line learns of the pause when
    /// its timer ends.
    pub(super) fn pause(&mut self, now: Nanos, resume: Nanos) {
        if resume > now {
            self.grid.pause(resume);
        }
    }

    pub(super) fn set_rate(&mut self, rate: Rate, now: Nanos, wakes: &mut Wakes) {
        self.serve(now, wakes);
        self.grid.set_rate(rate, now);
        self.call_first(wakes);
    }

    /// Grants what has come by now, before anybody else is asked (invariant 1).
    fn settle(&mut self, now: Nanos, wakes: &mut Wakes) {
        if self.serve(now, wakes) {
            self.call_first(wakes);
        }
    }

    /// Grants every slot that has passed to those who wait, in order; tells whether there was one.
    fn serve(&mut self, now: Nanos, wakes: &mut Wakes) -> bool {
        let before = self.granted;
        while !self.waiters.is_empty() && self.grid.take_for_waiter(now) {
            self.granted += 1;
            wakes.wake.extend(self.waiters.grant_first());
        }
        self.granted > before
    }

    /// Wakes the first in line, to take its slot or set its timer (invariants 2 and 3).
    fn call_first(&mut self, wakes: &mut Wakes) {
        wakes.wake.extend(self.waiters.head_waker());
    }

    fn finish(&mut self, turn: &mut Turn) -> Option<Waker> {
        match mem::replace(turn, Turn::Over) {
            Turn::InLine(place) => self.waiters.leave(place),
            Turn::Unasked | Turn::Over => None,
        }
    }
}

#[cfg(all(test, bowline_loom))]
mod loom_tests;
#[cfg(all(test, not(bowline_loom)))]
mod tests;
