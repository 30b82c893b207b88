//! How a background task ends: it is forgotten, and its failure is reported.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Weak},
};

use super::shared::Shared;
use crate::{
    child::{End, Ending, Fault},
    current::{enter, try_current},
    failure::Failure,
    live::Tracked,
    node::{ErrorValue, Node, leave_child},
};

/// Tells a value from an error.
pub(super) type Judge<O, T> = fn(O) -> Result<T, Box<dyn ErrorValue>>;

pub(super) struct BackgroundEnding<O, T> {
    shared: Arc<Shared>,
    key: u64,
    name: Arc<str>,
    judge: Judge<O, T>,
    wanted: Weak<()>,
    tracked: Option<Tracked>,
}

impl<O, T> BackgroundEnding<O, T> {
    pub(super) fn new(
        shared: Arc<Shared>,
        key: u64,
        name: Arc<str>,
        judge: Judge<O, T>,
        tracked: Option<Tracked>,
    ) -> Self {
        BackgroundEnding { shared, key, name, judge, wanted: Weak::new(), tracked }
    }

    /// What the handle keeps while somebody has it.
    pub(super) fn wanted(&mut self) -> Option<Arc<()>> {
        let wanted = mem::needs_drop::<T>().then(Arc::default);
        self.wanted = wanted.as_ref().map_or_else(Weak::new, Arc::downgrade);
        wanted
    }
}

/// The value of a task. It belongs to whoever has the handle; without one it is dropped below the node of the tasks, and a shutdown waits for a
/// release that it owes.
pub(super) struct Given<T> {
    value: Option<T>,
    wanted: Weak<()>,
    node: Option<Arc<Node>>,
}

impl<T> Given<T> {
    pub(super) fn take(mut self) -> Option<T> {
        self.value.take()
    }
}

impl<T> Drop for Given<T> {
    fn drop(&mut self) {
        let (Some(value), Some(node)) = (self.value.take(), self.node.take()) else { return };
        // Where its owner drops it, that is the owner's affair; the runtime drops it outside every scope.
        let mut seat = Some(try_current().unwrap_or(node));
        let _entered = enter(&mut seat);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            Failure::panic("a destructor of a value that nobody took", payload).report();
        }
    }
}

impl<O, T> Ending<O> for BackgroundEnding<O, T> {
    type Value = Given<T>;
    type Output = Option<Given<T>>;

    fn judge(&mut self, output: O) -> Result<Given<T>, Box<dyn ErrorValue>> {
        let value = (self.judge)(output)?;
        let node = mem::needs_drop::<T>().then(|| self.shared.node.clone());
        Ok(Given { value: Some(value), wanted: mem::take(&mut self.wanted), node })
    }

    fn failed(&mut self, node: &Arc<Node>, fault: Fault) {
        let name = &*self.name;
        let failure = match fault {
            Fault::Error(error) => Failure::error_value(name.to_owned(), error),
            Fault::Panic(payload) => Failure::panic(name, payload),
        };
        failure.report_from(node.clone());
    }

    fn end(&mut self, node: &Arc<Node>, how: End) {
        if how == End::Dropped && !node.is_cancelled() {
            Failure::lost(&*self.name).report_from(node.clone());
        }
        self.tracked = None;
        self.shared.forget(self.key, matches!(how, End::Value | End::Failed));
    }

    /// The handle may be kept for ever: nobody waits for it. A value that has lost its handle is dropped first.
    fn hand_over(value: Option<Given<T>>, node: Arc<Node>) -> Option<Given<T>> {
        let value = value.filter(|given| given.node.is_none() || given.wanted.strong_count() > 0);
        leave_child(node);
        value
    }
}
