//! The line in which futures wait: first in, first out, with removal from the middle in constant time.
//!
//! The entries live in a slab, linked by index. It allocates when the line grows past its longest length so far, and never else.
//! The list is plain data: its owner keeps it under a lock.
//!
//! # Invariants
//!
//! 1. A [`Place`] names one entry and is owned by one future. It cannot be copied, and giving it to [`WaitList::leave`] ends it.
//! 2. An entry is *waiting* (linked, has a waker), *granted* (not linked, no waker, its place not given back yet) or *free*
//!    (on the free list, no place names it).
//! 3. `waiting` is the number of linked entries; `head` and `tail` are `NIL` when it is zero.
//! 4. A granted entry stays until its owner leaves: what was granted cannot be granted again by the reuse of an index.
//! 5. No waker is woken or dropped in here: they are handed out, for the caller to wake or drop them after its lock. Dropping a waker may drop a
//!    task, and with it a future that waits in this very list.

mod batch;

use std::{iter, task::Waker};

pub(crate) use self::batch::{Batch, Panicked, hush, wake_all, wake_all_then_drop};

/// No entry: the end of a chain.
const NIL: u32 = u32::MAX;

/// `T` is what the owner needs to know of each waiter, such as how much it asks for; a granted entry keeps it until its place is given back.
#[derive(Debug)]
pub(crate) struct WaitList<T = ()> {
    entries: Vec<Entry<T>>,
    head: u32,
    tail: u32,
    /// First of the free entries, chained by `next`.
    free: u32,
    waiting: usize,
}

/// The right to one entry (invariant 1).
#[derive(Debug)]
pub(crate) struct Place(u32);

#[derive(Debug)]
struct Entry<T> {
    /// Present exactly while the entry is waiting (invariant 2).
    waker: Option<Waker>,
    previous: u32,
    next: u32,
    note: T,
}

impl<T> WaitList<T> {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), head: NIL, tail: NIL, free: NIL, waiting: 0 }
    }

    /// The number of those who wait; the granted ones are not among them.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Enters at the end of the line.
    pub(crate) fn join(&mut self, waker: &Waker, note: T) -> Place {
        let entry = Entry { waker: Some(waker.clone()), previous: self.tail, next: NIL, note };
        let index = if self.free == NIL {
            let index = u32::try_from(self.entries.len())
                .ok()
                .filter(|index| *index != NIL)
                .expect("four billion futures do not fit in memory");
            self.entries.push(entry);
            index
        } else {
            let index = self.free;
            self.free = self.entries[index as usize].next;
            self.entries[index as usize] = entry;
            index
        };
        match self.tail {
            NIL => self.head = index,
            tail => self.entries[tail as usize].next = index,
        }
        self.tail = index;
        self.waiting += 1;
        Place(index)
    }

    /// Sees to it that a waiting entry wakes `waker`; returns the one that it replaces.
    pub(crate) fn update(&mut self, place: &Place, waker: &Waker) -> Option<Waker> {
        match &mut self.entries[place.0 as usize].waker {
            Some(current) if !current.will_wake(waker) => Some(std::mem::replace(current, waker.clone())),
            _ => None,
        }
    }

    pub(crate) fn is_granted(&self, place: &Place) -> bool {
        self.entries[place.0 as usize].waker.is_none()
    }

    pub(crate) fn is_head(&self, place: &Place) -> bool {
        self.head == place.0
    }

    /// The note of the first in line.
    pub(crate) fn first(&self) -> Option<&T> {
        self.entries.get(self.head as usize).map(|entry| &entry.note)
    }

    pub(crate) fn first_mut(&mut self) -> Option<&mut T> {
        self.entries.get_mut(self.head as usize).map(|entry| &mut entry.note)
    }

    pub(crate) fn note(&self, place: &Place) -> &T {
        &self.entries[place.0 as usize].note
    }

    /// The waker of the first in line.
    pub(crate) fn head_waker(&self) -> Option<Waker> {
        self.entries.get(self.head as usize)?.waker.clone()
    }

    /// Grants the first in line what it waits for, and hands out its waker.
    pub(crate) fn grant_first(&mut self) -> Option<Waker> {
        let waker = self.entries.get_mut(self.head as usize)?.waker.take();
        self.unlink(self.head);
        waker
    }

    /// Grants the first in line what it waits for, and leaves it a note.
    pub(crate) fn grant_first_with(&mut self, note: T) -> Option<Waker> {
        self.entries.get_mut(self.head as usize)?.note = note;
        self.grant_first()
    }

    /// Ends the waiting of those whose note is as said, with another note, and hands out their wakers in order.
    pub(crate) fn grant_where(&mut self, is_meant: impl Fn(&T) -> bool, note: T) -> Vec<Waker>
    where
        T: Clone,
    {
        let mut wakers = Vec::new();
        let mut index = self.head;
        while let Some(entry) = self.entries.get_mut(index as usize) {
            let next = entry.next;
            if is_meant(&entry.note) {
                entry.note = note.clone();
                wakers.extend(entry.waker.take());
                self.unlink(index);
            }
            index = next;
        }
        wakers
    }

    /// Gives the place back, granted or not; returns the waker of a waiting one.
    pub(crate) fn leave(&mut self, place: Place) -> Option<Waker> {
        let Place(index) = place;
        let waker = self.entries[index as usize].waker.take();
        if waker.is_some() {
            self.unlink(index);
        }
        self.entries[index as usize].next = self.free;
        self.free = index;
        waker
    }

    /// Ends the list: wakes everybody in order, outside of the lock. Every place in it is void.
    pub(crate) fn wake_all(mut self) {
        wake_all(iter::from_fn(|| self.grant_first()));
    }

    fn unlink(&mut self, index: u32) {
        let Entry { previous, next, .. } = &self.entries[index as usize];
        let (previous, next) = (*previous, *next);
        match previous {
            NIL => self.head = next,
            previous => self.entries[previous as usize].next = next,
        }
        match next {
            NIL => self.tail = previous,
            next => self.entries[next as usize].previous = previous,
        }
        self.waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::WaitList;

    #[test]
    fn leaves_from_the_middle_and_reuses_the_entry() {
        let mut list = WaitList::new();
        let first = list.join(Waker::noop(), ());
        let second = list.join(Waker::noop(), ());
        let third = list.join(Waker::noop(), ());
        assert!(list.leave(second).is_some());
        assert_eq!(list.len(), 2);
        let fourth = list.join(Waker::noop(), ());
        assert_eq!(list.entries.len(), 3, "the free entry is used again");
        for place in [first, third, fourth] {
            assert!(list.is_head(&place));
            assert!(list.grant_first().is_some());
            assert!(list.is_granted(&place));
            assert!(list.leave(place).is_none());
        }
        assert!(list.is_empty() && list.grant_first().is_none());
    }

    #[test]
    fn grants_to_some_in_the_middle_and_leaves_them_a_note() {
        let mut list = WaitList::new();
        let places = [1, 5, 2, 6, 7].map(|weight| list.join(Waker::noop(), weight));
        assert_eq!(list.grant_where(|weight| *weight > 4, 0).len(), 3);
        assert_eq!(places.each_ref().map(|place| list.is_granted(place)), [false, true, false, true, true]);
        assert_eq!(places.each_ref().map(|place| *list.note(place)), [1, 0, 2, 0, 0]);
        assert!(list.grant_first_with(9).is_some() && list.first() == Some(&2) && *list.note(&places[0]) == 9);
        assert!(list.grant_first().is_some() && list.is_empty() && list.grant_where(|_| true, 0).is_empty());
    }

    #[test]
    fn a_granted_entry_is_not_reused_before_its_owner_leaves() {
        let mut list = WaitList::new();
        let granted = list.join(Waker::noop(), ());
        list.grant_first();
        let newcomer = list.join(Waker::noop(), ());
        assert!(list.is_granted(&granted) && !list.is_granted(&newcomer));
        list.leave(granted);
        assert!(list.is_head(&newcomer));
    }
}
