//! The line in which futures wait: first in, first out, with removal from the middle in constant time.
//!
//! The entries live in a slab, linked by index; it allocates only when the line is longer than ever before. The list is plain
//! data, which its owner keeps under a lock.
//!
//! # Invariants
//!
//! 1. A [`Place`] names one entry and belongs to one future. It cannot be copied, and [`WaitList::leave`] ends it.
//! 2. An entry is *waiting* (linked, has a waker), *granted* (neither, but its place is not given back yet) or *free* (on the free list,
//!    no place names it). A granted entry stays until its owner leaves, so that nobody else can take the grant for his.
//! 3. No waker is woken or dropped in here: both may run foreign code, which may wait in this very list. They are handed out, for
//!    the owner to wake or drop outside its lock.

use std::task::Waker;

/// No entry: the end of a chain.
const NIL: u32 = u32::MAX;

pub(crate) struct WaitList {
    entries: Vec<Entry>,
    head: u32,
    tail: u32,
    /// First of the free entries, chained by `next`.
    free: u32,
    waiting: usize,
}

/// The right to one entry (invariant 1).
#[derive(Debug)]
pub(crate) struct Place(u32);

struct Entry {
    /// Present exactly while the entry is waiting (invariant 2).
    waker: Option<Waker>,
    previous: u32,
    next: u32,
}

impl WaitList {
    pub(crate) const fn new() -> Self {
        Self { entries: Vec::new(), head: NIL, tail: NIL, free: NIL, waiting: 0 }
    }

    /// How many wait; the granted ones are not among them.
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    /// Enters at the end of the line.
    pub(crate) fn join(&mut self, waker: Waker) -> Place {
        let entry = Entry { waker: Some(waker), previous: self.tail, next: NIL };
        let index = if self.free == NIL {
            let index = u32::try_from(self.entries.len()).ok().filter(|index| *index != NIL);
            self.entries.push(entry);
            index.expect("four billion futures do not fit in memory")
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

    /// Grants the first in line what it waits for, and hands out its waker.
    pub(crate) fn grant_first(&mut self) -> Option<Waker> {
        let waker = self.entries.get_mut(self.head as usize)?.waker.take();
        self.unlink(self.head);
        waker
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

    /// The wakers of all that wait, who keep their places: something has changed that is for everybody to look at.
    pub(crate) fn wakers(&self) -> impl Iterator<Item = Waker> {
        self.entries.iter().filter_map(|entry| entry.waker.clone())
    }

    fn unlink(&mut self, index: u32) {
        let Entry { previous, next, .. } = self.entries[index as usize];
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

/// Wakers on their way out of a lock.
#[derive(Default)]
pub(crate) struct Wakes {
    /// Nearly always the only one, which saves the allocation.
    first: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakes {
    pub(crate) fn wake(self) {
        self.first.into_iter().chain(self.more).for_each(Waker::wake);
    }
}

impl Extend<Waker> for Wakes {
    fn extend<I: IntoIterator<Item = Waker>>(&mut self, wakers: I) {
        for waker in wakers {
            match self.first {
                None => self.first = Some(waker),
                Some(_) => self.more.push(waker),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::WaitList;

    #[test]
    fn q_11_a_waiter_that_leaves_from_the_middle_leaves_nothing_behind() {
        let mut list = WaitList::new();
        let first = list.join(Waker::noop().clone());
        let second = list.join(Waker::noop().clone());
        let third = list.join(Waker::noop().clone());
        assert!(list.leave(second).is_some());
        assert_eq!((list.len(), list.wakers().count()), (2, 2));
        let fourth = list.join(Waker::noop().clone());
        assert_eq!(list.entries.len(), 3, "the free entry is used again");
        for place in [first, third, fourth] {
            assert!(list.grant_first().is_some());
            assert!(list.is_granted(&place));
            assert!(list.leave(place).is_none());
        }
        assert!(list.len() == 0 && list.grant_first().is_none());
    }

    #[test]
    fn a_granted_entry_is_not_used_again_before_its_owner_leaves() {
        let mut list = WaitList::new();
        let granted = list.join(Waker::noop().clone());
        list.grant_first();
        let newcomer = list.join(Waker::noop().clone());
        assert!(list.is_granted(&granted) && !list.is_granted(&newcomer));
        list.leave(granted);
        assert!(list.grant_first().is_some() && list.is_granted(&newcomer));
    }
}
