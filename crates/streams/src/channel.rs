//! What a generator's body and its stream share.
//!
//! # Invariants
//!
//! 1. Items have numbers, in the order of their first poll, and leave in that order.
//! 2. An `emit` is done when the consumer has taken its item *and asked again*: the body never runs ahead of demand.
//! 3. `closed` is final. From then on no item enters and every `emit` that is not done is refused.
//! 4. While the body is being polled, the consumer looks into the queue right after; only then an emit need not wake it.
//!    `polling` and the queue change under one lock, so no item falls between.
//! 5. No waker is woken and no item dropped under the lock.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

pub(crate) struct Channel<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    items: VecDeque<(u64, T)>,
    /// The number of the next item.
    next: u64,
    /// Items below this number have been taken.
    taken: u64,
    /// Emits below this number are done (invariant 2).
    done: u64,
    /// Who polls the stream.
    consumer: Option<Waker>,
    /// Emits that are polled with other wakers than the consumer's: in another task, or in a set of futures.
    others: Vec<Waker>,
    polling: bool,
    closed: bool,
    refused: bool,
}

impl<T> Channel<T> {
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            items: VecDeque::new(),
            next: 0,
            taken: 0,
            done: 0,
            consumer: None,
            others: Vec::new(),
            polling: false,
            closed: false,
            refused: false,
        };
        Arc::new(Channel { state: Mutex::new(state) })
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // -------------------------------------------------------------------------------------- the consumer's side

    /// The consumer asks for an item, and is going to poll the body if there is none.
    pub(crate) fn ask(&self, waker: &Waker) -> Option<T> {
        let (item, woken, old) = {
            let mut state = self.lock();
            state.done = state.taken;
            let old = match &state.consumer {
                Some(present) if present.will_wake(waker) => None,
                _ => state.consumer.replace(waker.clone()),
            };
            let item = state.take();
            state.polling = item.is_none();
            (item, std::mem::take(&mut state.others), old)
        };
        drop(old);
        woken.into_iter().for_each(Waker::wake);
        item
    }

    /// The body has been polled: what is there now?
    pub(crate) fn look(&self) -> Option<T> {
        let mut state = self.lock();
        state.polling = false;
        state.take()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    /// Refuses further items. Those that are queued stay for the consumer.
    pub(crate) fn close(&self) {
        let others = {
            let mut state = self.lock();
            state.closed = true;
            std::mem::take(&mut state.others)
        };
        others.into_iter().for_each(Waker::wake);
    }

    /// The consumer goes: refuses further items and drops those that are queued.
    pub(crate) fn abandon(&self) {
        self.close();
        let (items, consumer) = {
            let mut state = self.lock();
            (std::mem::take(&mut state.items), state.consumer.take())
        };
        drop((items, consumer));
    }

    /// Whether an emit was told that the consumer has gone.
    pub(crate) fn has_refused(&self) -> bool {
        self.lock().refused
    }

    // ----------------------------------------------------------------------------------------- the body's side

    /// Enters an item and gives its number, or gives the item back.
    pub(crate) fn enter(&self, item: T, waker: &Waker) -> Result<u64, T> {
        let (number, consumer) = {
            let mut state = self.lock();
            if state.closed {
                state.refused = true;
                return Err(item);
            }
            let number = state.next;
            state.next += 1;
            state.items.push_back((number, item));
            (number, state.wait(waker))
        };
        if let Some(consumer) = consumer {
            consumer.wake();
        }
        Ok(number)
    }

    /// Ready when the emit of this number is done, or refused.
    pub(crate) fn poll_done(&self, number: u64, waker: &Waker) -> Poll<Result<(), Refused>> {
        let mut state = self.lock();
        if number < state.done {
            return Poll::Ready(Ok(()));
        }
        if state.closed {
            state.refused = true;
            return Poll::Ready(Err(Refused));
        }
        // The consumer has been told of the item when it was entered.
        let _ = state.wait(waker);
        Poll::Pending
    }

    /// Takes an item back that nobody has taken yet.
    pub(crate) fn withdraw(&self, number: u64) {
        let item = {
            let mut state = self.lock();
            let place = state.items.iter().position(|(other, _)| *other == number);
            place.and_then(|place| state.items.remove(place))
        };
        drop(item);
    }
}

/// The channel was closed before the emit was done.
pub(crate) struct Refused;

impl<T> State<T> {
    fn take(&mut self) -> Option<T> {
        let (number, item) = self.items.pop_front()?;
        self.taken = number + 1;
        Some(item)
    }

    /// Registers an emit that waits. Gives the consumer's waker if the consumer must be woken (invariant 4).
    fn wait(&mut self, waker: &Waker) -> Option<Waker> {
        let own_task = self.consumer.as_ref().is_some_and(|consumer| consumer.will_wake(waker));
        if !own_task && !self.others.iter().any(|other| other.will_wake(waker)) {
            self.others.push(waker.clone());
        }
        if self.polling { None } else { self.consumer.clone() }
    }
}
