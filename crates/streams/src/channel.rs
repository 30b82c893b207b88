//! What a generator's body and its stream share.
//!
//! # Invariants
//!
//! 1. Emits have numbers, in the order of their first poll, and their items leave in that order.
//! 2. An emit is done when the consumer has taken its item *and asked again*: the body never runs ahead of demand.
//! 3. An emit that is neither done nor refused has an entry, and only the first entry may be without its item. So an emit that
//!    finds no entry has been refused, and its item is delivered only if the consumer took it as its last one.
//! 4. While the body is being polled, the consumer looks into the queue right after; only then an emit need not wake it.
//!    `polling` and the queue change under one lock, so no item falls between.
//! 5. An emit that is polled by the consumer's own poll of the body is polled again by the next one, and needs no waker. Any other
//!    has one in its entry, which is woken when the emit is done or refused; also one of the consumer's task outside the body.
//! 6. No waker is woken or dropped, and no item dropped, under the lock.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    task::{Poll, Waker},
};

use crate::{
    closed::Closed,
    primitive::{Mutex, MutexGuard, lock},
};

pub(crate) struct Channel<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    /// In the order of their numbers.
    entries: VecDeque<Entry<T>>,
    /// The number of the next emit.
    next: u64,
    /// Emits below this number are done, or withdrew.
    done: u64,
    /// Who polls the stream, until it is woken.
    consumer: Option<Waker>,
    polling: bool,
    /// Nothing enters any more.
    closed: bool,
    /// Shared by every [`Closed`] that was given out.
    refusal: Weak<()>,
}

/// An emit that waits.
struct Entry<T> {
    number: u64,
    /// `None` when it was taken.
    item: Option<T>,
    waker: Option<Waker>,
}

impl<T> Channel<T> {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            entries: VecDeque::new(),
            next: 0,
            done: 0,
            consumer: None,
            polling: false,
            closed: false,
            refusal: Weak::new(),
        };
        Arc::new(Channel { state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }

    // -------------------------------------------------------------------------------------- the consumer's side

    /// The consumer asks for an item, and is going to poll the body if there is none.
    pub(crate) fn ask(&self, waker: &Waker) -> Option<T> {
        let (item, done, old) = {
            let mut state = self.lock();
            let done = state.finish();
            let old = match &state.consumer {
                Some(present) if present.will_wake(waker) => None,
                _ => state.consumer.replace(waker.clone()),
            };
            let item = state.take();
            state.polling = item.is_none();
            (item, done, old)
        };
        drop(old);
        if let Some(waker) = done.and_then(|entry| entry.waker) {
            waker.wake();
        }
        item
    }

    /// The body has been polled: what is there now?
    pub(crate) fn look(&self) -> Option<T> {
        let mut state = self.lock();
        state.polling = false;
        state.take()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().entries.iter().all(|entry| entry.item.is_none())
    }

    /// The body has ended: nothing enters any more. Items that are queued stay for the consumer.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
    }

    /// The consumer goes: refuses every emit and drops the items that are queued.
    pub(crate) fn abandon(&self) {
        let (entries, consumer) = {
            let mut state = self.lock();
            state.closed = true;
            (std::mem::take(&mut state.entries), state.consumer.take())
        };
        drop(consumer);
        // All are told before an item is dropped: that may panic.
        let items: Vec<_> = entries
            .into_iter()
            .map(|entry| {
                entry.waker.into_iter().for_each(Waker::wake);
                entry.item
            })
            .collect();
        drop(items);
    }

    /// Whether a [`Closed`] of this channel is still held by somebody, such as an error.
    pub(crate) fn is_refusal_held(&self) -> bool {
        self.lock().refusal.strong_count() > 0
    }

    // ----------------------------------------------------------------------------------------- the body's side

    /// Enters an item and gives the number of the emit, or gives the item back.
    pub(crate) fn enter(&self, item: T, waker: &Waker) -> Result<u64, (T, Closed)> {
        let (number, consumer) = {
            let mut state = self.lock();
            if state.closed {
                return Err((item, state.refuse()));
            }
            let number = state.next;
            state.next += 1;
            let waker = state.needed(waker);
            state.entries.push_back(Entry { number, item: Some(item), waker });
            // Invariant 4. Once woken, the consumer comes by itself.
            (number, if state.polling { None } else { state.consumer.take() })
        };
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        Ok(number)
    }

    /// Ready when the emit of this number is done, or refused.
    pub(crate) fn poll_done(&self, number: u64, waker: &Waker) -> Poll<Result<(), Closed>> {
        let old = {
            let mut state = self.lock();
            if number < state.done {
                return Poll::Ready(Ok(()));
            }
            let Some(place) = state.place(number) else { return Poll::Ready(Err(state.refuse())) };
            let waker = state.needed(waker);
            std::mem::replace(&mut state.entries[place].waker, waker)
        };
        drop(old);
        Poll::Pending
    }

    /// The emit is given up: takes its item back unless it was taken.
    pub(crate) fn withdraw(&self, number: u64) {
        let entry = {
            let mut state = self.lock();
            let place = state.place(number);
            place.and_then(|place| state.entries.remove(place))
        };
        drop(entry);
    }
}

impl<T> State<T> {
    /// The emit whose item was taken last is done (invariant 2).
    fn finish(&mut self) -> Option<Entry<T>> {
        let first = self.entries.front()?;
        if first.item.is_some() {
            return None;
        }
        self.done = first.number + 1;
        self.entries.pop_front()
    }

    /// Only after [`State::finish`], else the first entry may be one that was taken.
    fn take(&mut self) -> Option<T> {
        self.entries.front_mut()?.item.take()
    }

    fn place(&self, number: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&number, |entry| entry.number).ok()
    }

    /// The waker that an entry needs (invariant 5).
    fn needed(&self, waker: &Waker) -> Option<Waker> {
        let inside = self.polling && self.consumer.as_ref().is_some_and(|consumer| consumer.will_wake(waker));
        (!inside).then(|| waker.clone())
    }

    fn refuse(&mut self) -> Closed {
        let shared = self.refusal.upgrade().unwrap_or_default();
        self.refusal = Arc::downgrade(&shared);
        Closed::new(shared)
    }
}

#[cfg(all(test, bowline_loom))]
mod loom_tests;
