//! How a background task ends: it is forgotten, and its failure is reported.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{join::TaskFailed, shared::Shared};
use crate::{
    child::{End, Ending, Fault, drop_below, drop_untaken},
    failure::Failure,
    node::{ErrorValue, Node, leave_child},
};

/// Tells a value from an error. `None`: a task that was told to stop has neither.
pub(super) type Judge<O, T> = fn(O) -> Result<Option<T>, Box<dyn ErrorValue>>;

pub(super) struct BackgroundEnding<O, T> {
    shared: Arc<Shared>,
    key: u64,
    name: Arc<str>,
    judge: Judge<O, T>,
    slot: Option<Arc<Slot<T>>>,
}

impl<O, T> BackgroundEnding<O, T> {
    pub(super) fn new(shared: Arc<Shared>, key: u64, name: Arc<str>, judge: Judge<O, T>) -> Self {
        BackgroundEnding { shared, key, name, judge, slot: None }
    }

    /// To the observer, and to a `join` if there is or will be one.
    fn report(&self, node: &Arc<Node>, failure: Failure) {
        let failed = self.shared.wants_failure().then(|| TaskFailed::new(&self.name, &failure));
        failure.report_from(node.clone());
        if let Some(failed) = failed {
            self.shared.keep_failure(failed);
        }
    }

    /// Where the handle will find the value.
    pub(super) fn place(&mut self) -> Place<T> {
        self.slot = mem::needs_drop::<T>().then(Arc::default);
        Place(self.slot.clone())
    }
}

/// A value that may owe a release on its way to the handle. It belongs to whoever has the handle; without one it is dropped before the task is counted
/// down, and a shutdown waits for what it owes.
pub(super) struct Slot<T>(Mutex<State<T>>);

#[derive(Default)]
enum State<T> {
    #[default]
    Empty,
    Full(T),
    Abandoned,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Slot(Mutex::new(State::Empty))
    }
}

impl<T> Slot<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the value back if there is no handle any more.
    fn put(&self, value: T) -> Option<T> {
        let mut state = self.state();
        if matches!(*state, State::Abandoned) {
            return Some(value);
        }
        *state = State::Full(value);
        None
    }
}

/// The side of the handle. Values that owe nothing come as the output of the task and have no slot.
pub(super) struct Place<T>(Option<Arc<Slot<T>>>);

impl<T> Place<T> {
    pub(super) fn take(&self) -> Option<T> {
        self.leave(State::Empty)
    }

    fn leave(&self, next: State<T>) -> Option<T> {
        let before = mem::replace(&mut *self.0.as_ref()?.state(), next);
        if let State::Full(value) = before { Some(value) } else { None }
    }
}

impl<T> Drop for Place<T> {
    fn drop(&mut self) {
        // Not under the lock: it is a value of the user's.
        if let Some(value) = self.leave(State::Abandoned) {
            drop_untaken(value);
        }
    }
}

pub(super) struct Given<T> {
    value: Option<T>,
    slot: Option<Arc<Slot<T>>>,
}

impl<O, T> Ending<O> for BackgroundEnding<O, T> {
    type Value = Given<T>;
    type Output = Option<T>;

    fn judge(&mut self, output: O) -> Result<Given<T>, Box<dyn ErrorValue>> {
        Ok(Given { value: (self.judge)(output)?, slot: self.slot.take() })
    }

    fn failed(&mut self, node: &Arc<Node>, fault: Fault) {
        let name = &*self.name;
        self.report(
            node,
            match fault {
                Fault::Error(error) => Failure::error_value(name.to_owned(), error),
                Fault::Panic(payload) => Failure::panic(name, payload),
            },
        );
    }

    fn end(&mut self, node: &Arc<Node>, how: End) {
        let evicted = self.shared.forget(self.key, how);
        if how == End::Dropped && !evicted && !node.is_cancelled() {
            self.report(node, Failure::lost(&*self.name));
        }
    }

    /// The handle may be kept for ever: nobody waits for it.
    fn hand_over(given: Option<Given<T>>, node: Arc<Node>) -> Option<T> {
        let mut output = None;
        match given {
            Some(Given { value: Some(value), slot: Some(slot) }) => {
                if let Some(value) = slot.put(value) {
                    drop_below(&node, value);
                }
            }
            Some(Given { value, slot: None }) => output = value,
            _ => {}
        }
        leave_child(node);
        output
    }
}
