//! Lines that take turns.
//!
//! # Invariants
//!
//! 1. `in_use` counts every permit that is out: those held by guards and those granted to a waiter that has not been polled since.
//! 2. Somebody waits only while `in_use >= capacity`. So a permit that is free belongs to whoever asks, whatever its key. Each of the ways to break this
//!    ends with [`State::admit`].
//! 3. A key has a line, and the line a turn in the ring, exactly while somebody waits for it.
//! 4. A waiter is in `waiters` until it is granted or leaves: a ticket that is not there has been granted. Tickets are never used again.
//! 5. Keys are hashed before the lock, and compared under it before anything has changed; they are dropped after it, and so are wakers.

use std::{collections::BTreeMap, task::Waker};

use super::PartitionedLimiterStatistics;
use crate::keyed::{Keyed, Slot};

#[derive(Debug)]
pub(super) struct State<K> {
    pub(super) capacity: usize,
    pub(super) in_use: usize,
    lines: Keyed<K, Line>,
    /// Whose turn is next: the lines with somebody in them, by turn.
    ring: BTreeMap<u64, Slot>,
    /// All who wait: line after line, in the order of asking within each.
    waiters: BTreeMap<(u64, u64), Waker>,
    /// The next turn or ticket.
    next: u64,
}

#[derive(Debug)]
struct Line {
    turn: u64,
    waiting: usize,
}

/// A place in line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    line: Slot,
    number: u64,
}

/// A waiter that is in line no more, and the key of its line, if it was the last one there.
pub(super) struct Gone<K> {
    waker: Waker,
    key: Option<K>,
}

impl<K> Gone<K> {
    /// What is to be woken, and what is to be dropped after that: a destructor that panics keeps nobody from being woken.
    pub(super) fn into_parts(self) -> (Waker, Option<K>) {
        (self.waker, self.key)
    }
}

impl<K> State<K> {
    pub(super) const fn new(capacity: usize) -> Self {
        Self { capacity, in_use: 0, lines: Keyed::new(), ring: BTreeMap::new(), waiters: BTreeMap::new(), next: 0 }
    }

    pub(super) fn statistics(&self) -> PartitionedLimiterStatistics {
        PartitionedLimiterStatistics {
            capacity: self.capacity,
            in_use: self.in_use,
            waiting: self.waiters.len(),
            partitions_waiting: self.ring.len(),
        }
    }

    /// Takes a free permit. By invariant 2 nobody waits when there is one.
    pub(super) fn take(&mut self) -> bool {
        let free = self.in_use < self.capacity;
        self.in_use += usize::from(free);
        free
    }

    /// Enters at the end of the line of the key, which is taken only for a new line.
    pub(super) fn join(&mut self, hash: u64, key: &mut Option<K>, waker: Waker) -> Ticket
    where
        K: Eq,
    {
        let own = key.as_ref().expect("a key is taken by joining, and a future joins once");
        let line = self.lines.find(hash, own).or_else(|| {
            let turn = self.number();
            let line = self.lines.insert(hash, key.take()?, Line { turn, waiting: 0 });
            self.ring.insert(turn, line);
            Some(line)
        });
        let line = line.expect("a line was found or made");
        let number = self.number();
        self.line(line).waiting += 1;
        self.waiters.insert((line.number, number), waker);
        Ticket { line, number }
    }

    /// The waker of one who waits; none when it has been granted (invariant 4).
    pub(super) fn waker(&mut self, ticket: Ticket) -> Option<&mut Waker> {
        self.waiters.get_mut(&(ticket.line.number, ticket.number))
    }

    /// How many of those who wait there are permits for.
    pub(super) fn admissible(&self) -> usize {
        self.capacity.saturating_sub(self.in_use).min(self.waiters.len())
    }

    /// Grants a free permit to the first in the line whose turn it is, if there are both.
    pub(super) fn admit(&mut self) -> Option<Gone<K>> {
        if self.in_use >= self.capacity {
            return None;
        }
        let (_, &line) = self.ring.first_key_value()?;
        let (&(_, number), _) = self.waiters.range((line.number, 0)..).next()?;
        let gone = self.leave(Ticket { line, number })?;
        self.in_use += 1;
        let turn = self.number();
        if let Some(served) = self.lines.get_mut(line) {
            self.ring.remove(&served.turn);
            served.turn = turn;
            self.ring.insert(turn, line);
        }
        Some(gone)
    }

    /// Takes one who waits out of its line; none when it has been granted.
    pub(super) fn leave(&mut self, ticket: Ticket) -> Option<Gone<K>> {
        let waker = self.waiters.remove(&(ticket.line.number, ticket.number))?;
        let line = self.line(ticket.line);
        line.waiting -= 1;
        let (turn, is_last) = (line.turn, line.waiting == 0);
        let mut key = None;
        if is_last {
            self.ring.remove(&turn);
            key = self.lines.remove(ticket.line).map(|(key, _)| key);
        }
        Some(Gone { waker, key })
    }

    fn line(&mut self, line: Slot) -> &mut Line {
        self.lines.get_mut(line).expect("a line stays while somebody waits in it")
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}
