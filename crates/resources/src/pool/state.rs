//! Who has what, and who waits: plain data, changed under one lock.
//!
//! # Invariants
//!
//! 1. At most `max` places are taken: by values that are idle, and by what `busy` counts. A place is free only after its value has gone.
//! 2. A place that is not idle is in exactly one [`Place`](super::place::Place), or in a grant that nobody has fetched.
//! 3. While anybody waits, nothing is idle and no place is free. So what comes back goes to the first in line, whom nobody overtakes.
//! 4. A closed pool has nobody in line, and neither idle values nor grants.
//! 5. No code of the user's runs in here: values and wakers are handed out, to be dropped and woken after the lock.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    num::NonZeroUsize,
    task::Waker,
};

use super::{
    pooled::Pooled,
    statistics::{Cause, Destroyed},
    tenant::Item,
};

pub(super) struct State<R: Pooled> {
    max: usize,
    pub(super) is_closed: bool,
    /// The latest used is last, and taken first.
    idle: VecDeque<Box<Item<R>>>,
    /// How many places are in which phase; by [`Phase`].
    busy: [usize; PHASES],
    /// By ticket, and so in the order of asking.
    line: BTreeMap<u64, Waker>,
    /// For those who have left the line and have not been polled since.
    granted: BTreeMap<u64, Grant<R>>,
    next_ticket: u64,
    pub(super) created: u64,
    pub(super) failed_creations: u64,
    pub(super) failed_releases: u64,
    pub(super) destroyed: Destroyed,
}

/// What a place that is not idle is taken by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    InUse,
    Creating,
    /// Being reset or checked.
    Recycling,
    Closing,
}

const PHASES: usize = 4;

/// A place, for the first in line.
pub(super) enum Grant<R: Pooled> {
    /// With a value in it; counted as in use.
    Value(Box<Item<R>>),
    /// In which to create one; counted as creating.
    Room,
}

/// What is to be done for a pool that has been closed.
pub(super) struct Closing<R: Pooled> {
    pub(super) idle: Vec<Box<Item<R>>>,
    pub(super) granted: Vec<Grant<R>>,
    pub(super) line: Vec<Waker>,
}

/// What somebody left who does not wait any more.
pub(super) enum Left<R: Pooled> {
    Nothing,
    Waker(#[expect(dead_code, reason = "it is to be dropped outside of the lock")] Waker),
    Grant(Grant<R>),
}

impl<R: Pooled> State<R> {
    pub(super) fn new(max: NonZeroUsize) -> Self {
        State {
            max: max.get(),
            is_closed: false,
            idle: VecDeque::new(),
            busy: [0; PHASES],
            line: BTreeMap::new(),
            granted: BTreeMap::new(),
            next_ticket: 0,
            created: 0,
            failed_creations: 0,
            failed_releases: 0,
            destroyed: Destroyed::default(),
        }
    }

    pub(super) fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// A place, if one is to be had. Then nobody waits for it (invariant 3).
    pub(super) fn take(&mut self) -> Option<Grant<R>> {
        self.take_value().map(Grant::Value).or_else(|| {
            (self.size() < self.max).then(|| {
                self.busy[Phase::Creating as usize] += 1;
                Grant::Room
            })
        })
    }

    /// An idle value.
    pub(super) fn take_value(&mut self) -> Option<Box<Item<R>>> {
        let item = self.idle.pop_back()?;
        self.busy[Phase::InUse as usize] += 1;
        Some(item)
    }

    /// What was granted to this ticket.
    pub(super) fn fetch(&mut self, ticket: u64) -> Option<Grant<R>> {
        self.granted.remove(&ticket)
    }

    /// Puts a ticket into the line; one that has waited before is in its old place. The waker that it replaces is handed out.
    pub(super) fn queue(&mut self, ticket: u64, waker: Waker) -> Option<Waker> {
        self.line.insert(ticket, waker)
    }

    pub(super) fn leave(&mut self, ticket: u64) -> Left<R> {
        match self.line.remove(&ticket) {
            Some(waker) => Left::Waker(waker),
            None => self.fetch(ticket).map_or(Left::Nothing, Left::Grant),
        }
    }

    /// Gives a place back with its value: to the first in line, who is to be woken, or to the idle ones. A closed pool takes none.
    pub(super) fn put(&mut self, item: Box<Item<R>>, from: Phase) -> Result<Option<Waker>, Box<Item<R>>> {
        if self.is_closed {
            return Err(item);
        }
        self.busy[from as usize] -= 1;
        let Some((ticket, waker)) = self.line.pop_first() else {
            self.idle.push_back(item);
            return Ok(None);
        };
        self.busy[Phase::InUse as usize] += 1;
        self.granted.insert(ticket, Grant::Value(item));
        Ok(Some(waker))
    }

    /// Gives a place back without a value: to the first in line, who is to be woken, if there is one.
    pub(super) fn free(&mut self, from: Phase) -> Option<Waker> {
        match from {
            // Its value was cut off by the end of its runtime, or by a panic of a destructor.
            Phase::InUse | Phase::Recycling => self.destroyed.count(Cause::Lost),
            Phase::Creating => self.failed_creations += 1,
            Phase::Closing => {}
        }
        self.vacate(from)
    }

    /// Gives back a place in which nothing was tried.
    pub(super) fn vacate(&mut self, from: Phase) -> Option<Waker> {
        self.busy[from as usize] -= 1;
        let (ticket, waker) = self.line.pop_first()?;
        self.busy[Phase::Creating as usize] += 1;
        self.granted.insert(ticket, Grant::Room);
        Some(waker)
    }

    pub(super) fn enter(&mut self, from: Phase, to: Phase) {
        self.busy[from as usize] -= 1;
        self.busy[to as usize] += 1;
        if from == Phase::Creating {
            self.created += 1;
        }
    }

    /// Takes the idle ones that `is_stale` names; they count as in use.
    pub(super) fn take_stale(&mut self, is_stale: impl Fn(&Item<R>) -> bool) -> Vec<Box<Item<R>>> {
        let (stale, fresh) = self.idle.drain(..).partition(|item| is_stale(item));
        self.idle = fresh;
        let stale: VecDeque<_> = stale;
        self.busy[Phase::InUse as usize] += stale.len();
        stale.into()
    }

    /// The one that has been idle for longest.
    pub(super) fn oldest(&self) -> Option<&Item<R>> {
        self.idle.front().map(|item| &**item)
    }

    /// Closes the pool. Hands out its idle values, counted as in use, the grants that nobody will fetch, and who is to be woken.
    pub(super) fn close(&mut self) -> Closing<R> {
        self.is_closed = true;
        Closing {
            idle: self.take_stale(|_| true),
            // Those with a grant have been woken.
            granted: mem::take(&mut self.granted).into_values().collect(),
            line: mem::take(&mut self.line).into_values().collect(),
        }
    }

    pub(super) fn size(&self) -> usize {
        self.idle.len() + self.busy.iter().sum::<usize>()
    }

    pub(super) fn max(&self) -> usize {
        self.max
    }

    pub(super) fn idle(&self) -> usize {
        self.idle.len()
    }

    pub(super) fn busy(&self, phase: Phase) -> usize {
        self.busy[phase as usize]
    }

    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }
}
