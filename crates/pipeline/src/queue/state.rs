//! The state of a queue: plain data, and the rules that every change keeps.
//!
//! # Invariants
//!
//! 1. **Conservation.** Every accepted item is in one place: queued, in work (a ticket has it), dead, done, or returned to the
//!    program. `put = done + dead + returned + queued + in_work` holds whenever the lock is free.
//! 2. **The bound.** `queued + in_work + promised places <= capacity`. An item in work keeps its place, so putting it back never
//!    waits and never exceeds the bound.
//! 3. **Nobody waits in vain.** A producer waits only while no place is free and puts are welcome; a consumer waits only while
//!    every queued item is promised to somebody before it, and more may come. [`State::restore`] grants what a change has set free.
//!    So what is free belongs to whoever asks, and asking never overtakes a waiter.
//! 4. **Promises.** A promise is a place or an item granted to a waiter that has not been polled since. The waiter redeems it,
//!    or gives it back when it goes away; then `restore` gives it to the next. Promised items stay in the queue, at its front,
//!    so that an interrupted consumer changes no order.
//! 5. **The end is final.** Once closed, nothing is accepted; once closed and unfinished work is zero, nothing can come back.
//! 6. **Told once.** Those who wait for the whole are woken when a verdict changes, and `told` is the verdict as of the last
//!    `restore`. So whatever can change one of its parts must end with `restore`.
//! 7. **Nothing foreign runs under the lock.** Wakers are woken, and items and errors dropped, by whoever made the change, after it.

use std::{collections::VecDeque, mem, task::Waker};

use super::{
    dead_letter::{DeadCause, DeadLetter},
    errors::Refusal,
    statistics::QueueStatistics,
};
use crate::wait_list::{WaitList, Wakes};

pub(crate) struct State<T> {
    pub(super) capacity: usize,
    pub(super) max_attempts: u32,
    queued: VecDeque<Entry<T>>,
    in_work: usize,
    dead_letters: Vec<DeadLetter<T>>,

    pub(super) putters: WaitList,
    pub(super) getters: WaitList,
    /// Those who wait for the whole: `join` and `finish`. They look for themselves when they are woken.
    pub(super) watchers: WaitList,
    promised_places: usize,
    promised_items: usize,

    /// Whether the [`Queue`](super::Queue) itself is alive, which can make handles.
    pub(super) owned: bool,
    pub(super) producers: usize,
    pub(super) consumers: usize,
    /// There were consumers, and the last one has gone.
    deserted: bool,
    closed: bool,
    aborted: bool,
    /// The waiting producers have been told that they are refused.
    refusal_told: bool,
    end_told: bool,
    /// Invariant 6.
    told: Verdict,

    /// How often the unfinished work went down to zero: a `join` must not miss it because more came at once.
    pub(super) times_settled: u64,
    put: u64,
    done: u64,
    dead: u64,
    returned: u64,
    retried: u64,
    abandoned: u64,
}

/// What `join` and `finish` look at.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Verdict {
    times_settled: u64,
    finished: bool,
    stranded: bool,
}

/// An item of the queue.
pub(crate) struct Entry<T> {
    pub(super) item: T,
    /// Which attempt the next delivery is, or this one was; from 1.
    pub(super) attempt: u32,
}

impl<T> State<T> {
    pub(super) fn new(capacity: usize, max_attempts: u32) -> Self {
        Self {
            capacity,
            max_attempts,
            queued: VecDeque::new(),
            in_work: 0,
            dead_letters: Vec::new(),
            putters: WaitList::new(),
            getters: WaitList::new(),
            watchers: WaitList::new(),
            promised_places: 0,
            promised_items: 0,
            owned: true,
            producers: 0,
            consumers: 0,
            deserted: false,
            closed: false,
            aborted: false,
            refusal_told: false,
            end_told: false,
            // No producer, and nothing to do.
            told: Verdict { times_settled: 0, finished: true, stranded: false },
            times_settled: 0,
            put: 0,
            done: 0,
            dead: 0,
            returned: 0,
            retried: 0,
            abandoned: 0,
        }
    }

    // ------------------------------------------------------------------------------------------------ in and out

    /// Why nothing is accepted, if that is so.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        if self.closed {
            Some(Refusal::Closed)
        } else if self.deserted {
            Some(Refusal::NoConsumers)
        } else {
            None
        }
    }

    /// Whether somebody who asks now gets a place. By invariant 3, nobody waits for one then.
    pub(super) fn has_place(&self) -> bool {
        self.queued.len() + self.in_work + self.promised_places < self.capacity
    }

    pub(super) fn accept(&mut self, item: T) {
        self.queued.push_back(Entry { item, attempt: 1 });
        self.put += 1;
    }

    /// Takes the first item that is promised to nobody else.
    pub(super) fn take_free(&mut self) -> Option<Entry<T>> {
        // The promised ones are in front, but any is as good: who is polled first gets the first.
        if self.queued.len() > self.promised_items { self.take() } else { None }
    }

    fn take(&mut self) -> Option<Entry<T>> {
        let entry = self.queued.pop_front()?;
        self.in_work += 1;
        Some(entry)
    }

    /// A waiter redeems its promise of a place, or gives it back.
    pub(super) fn end_promised_place(&mut self) {
        self.promised_places -= 1;
    }

    /// A waiter gives the promise of an item back.
    pub(super) fn end_promised_item(&mut self) {
        self.promised_items -= 1;
    }

    /// A waiter redeems its promise of an item. Only `abort` can have broken it.
    pub(super) fn take_promised(&mut self) -> Option<Entry<T>> {
        self.promised_items -= 1;
        self.take()
    }

    // --------------------------------------------------------------------------------------------------- tickets

    pub(super) fn finish_item(&mut self) {
        self.in_work -= 1;
        self.done += 1;
        self.note_settled();
    }

    pub(super) fn return_item(&mut self) {
        self.in_work -= 1;
        self.returned += 1;
        self.note_settled();
    }

    /// Puts an item back at the end of the line, if it may be tried again. Otherwise it is dead, of `cause`; a cause that is not
    /// needed comes back.
    pub(super) fn retry_item(&mut self, mut entry: Entry<T>, cause: DeadCause) -> Option<DeadCause> {
        if self.aborted || entry.attempt >= self.max_attempts {
            self.bury_item(entry, cause);
            return None;
        }
        entry.attempt += 1;
        self.in_work -= 1;
        self.retried += 1;
        self.queued.push_back(entry);
        Some(cause)
    }

    /// An item whose ticket was dropped.
    pub(super) fn recover_item(&mut self, entry: Entry<T>) {
        self.abandoned += 1;
        // The cause that may come back owns nothing: it may be dropped under the lock.
        self.retry_item(entry, DeadCause::Abandoned);
    }

    pub(super) fn bury_item(&mut self, entry: Entry<T>, cause: DeadCause) {
        let Entry { item, attempt } = entry;
        self.in_work -= 1;
        self.dead += 1;
        self.dead_letters.push(DeadLetter { item, attempts: attempt, cause });
        self.note_settled();
    }

    fn note_settled(&mut self) {
        if self.unfinished() == 0 {
            self.times_settled += 1;
        }
    }

    // ------------------------------------------------------------------------------------------------ life and end

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Closes, and takes what is queued out.
    pub(super) fn abort(&mut self) -> VecDeque<Entry<T>> {
        self.closed = true;
        self.aborted = true;
        let leftovers = mem::take(&mut self.queued);
        if !leftovers.is_empty() {
            self.returned += leftovers.len() as u64;
            self.note_settled();
        }
        leftovers
    }

    pub(super) fn take_dead_letters(&mut self) -> Vec<DeadLetter<T>> {
        mem::take(&mut self.dead_letters)
    }

    pub(super) fn add_consumer(&mut self) {
        self.consumers += 1;
        self.deserted = false;
    }

    pub(super) fn remove_consumer(&mut self) {
        self.consumers -= 1;
        self.deserted = self.consumers == 0;
    }

    /// The queue itself or a producer has gone; with the last of them goes the hope for more.
    pub(super) fn close_if_unreachable(&mut self) {
        self.closed |= !self.owned && self.producers == 0;
    }

    /// Items that are queued or in work.
    pub(super) fn unfinished(&self) -> usize {
        self.queued.len() + self.in_work
    }

    /// Whether there is work, and nobody to do it or to give it back.
    pub(super) fn is_stranded(&self) -> bool {
        self.consumers == 0 && self.in_work == 0 && !self.queued.is_empty()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.unfinished() == 0 && (self.closed || self.producers == 0)
    }

    /// Whether nothing will come any more (invariant 5).
    pub(super) fn has_ended(&self) -> bool {
        self.closed && self.unfinished() == 0
    }

    /// Restores invariants 3 and 6 after a change.
    pub(super) fn restore(&mut self, wakes: &mut Wakes) {
        if self.refusal().is_some() {
            if !mem::replace(&mut self.refusal_told, true) {
                wakes.extend(self.putters.wakers());
            }
        } else {
            self.refusal_told = false;
            while self.has_place() {
                let Some(waker) = self.putters.grant_first() else { break };
                self.promised_places += 1;
                wakes.extend(Some(waker));
            }
        }
        while self.queued.len() > self.promised_items {
            let Some(waker) = self.getters.grant_first() else { break };
            self.promised_items += 1;
            wakes.extend(Some(waker));
        }
        if self.has_ended() && !mem::replace(&mut self.end_told, true) {
            wakes.extend(self.getters.wakers());
        }
        let verdict = self.verdict();
        if verdict != mem::replace(&mut self.told, verdict) {
            wakes.extend(self.watchers.wakers());
        }
    }

    fn verdict(&self) -> Verdict {
        Verdict { times_settled: self.times_settled, finished: self.is_finished(), stranded: self.is_stranded() }
    }

    pub(super) fn statistics(&self) -> QueueStatistics {
        QueueStatistics {
            capacity: self.capacity,
            put: self.put,
            done: self.done,
            dead: self.dead,
            returned: self.returned,
            queued: self.queued.len(),
            in_work: self.in_work,
            retried: self.retried,
            abandoned: self.abandoned,
            producers: self.producers,
            consumers: self.consumers,
            waiting_to_put: self.putters.len(),
            waiting_to_get: self.getters.len(),
        }
    }

    /// How many dead letters nobody has taken, and the first of them.
    pub(super) fn unread(&self) -> Option<(usize, &DeadLetter<T>)> {
        self.dead_letters.first().map(|first| (self.dead_letters.len(), first))
    }
}

/// How far a waiting future has come.
#[derive(Debug)]
pub(super) enum Turn {
    Unasked,
    InLine(crate::wait_list::Place),
    Over,
}

impl Turn {
    /// Waits in `list`, or goes on waiting with another waker; returns the one that is not needed any more.
    pub(super) fn wait(&mut self, list: &mut WaitList, waker: &Waker) -> Option<Waker> {
        match self {
            Turn::InLine(place) => list.update(place, waker),
            Turn::Unasked | Turn::Over => {
                *self = Turn::InLine(list.join(waker.clone()));
                None
            }
        }
    }

    /// Leaves the line, if it is in there.
    pub(super) fn leave(&mut self, list: &mut WaitList) -> Left {
        match mem::replace(self, Turn::Over) {
            Turn::InLine(place) => match list.leave(place) {
                Some(waker) => Left::Waiting(waker),
                None => Left::Granted,
            },
            Turn::Unasked | Turn::Over => Left::Outside,
        }
    }
}

/// Where somebody stood who has left the line.
pub(super) enum Left {
    Outside,
    /// Its waker, to be dropped outside the lock.
    Waiting(Waker),
    Granted,
}
