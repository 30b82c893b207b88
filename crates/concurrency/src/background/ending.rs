//! How a background task ends: it is forgotten, and its failure is reported.

use std::sync::Arc;

use super::shared::Shared;
use crate::{
    child::{End, Ending, Fault},
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
        BackgroundEnding { shared, key, name, judge, tracked }
    }
}

impl<O, T> Ending<O> for BackgroundEnding<O, T> {
    type Value = T;
    type Output = Option<T>;

    fn judge(&mut self, output: O) -> Result<T, Box<dyn ErrorValue>> {
        (self.judge)(output)
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

    /// The handle may be kept for ever: nobody waits for it.
    fn hand_over(value: Option<T>, node: Arc<Node>) -> Option<T> {
        leave_child(node);
        value
    }
}
