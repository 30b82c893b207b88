//! How a child of a group ends: with a value for its handle, or with a failure that cancels the group.

use std::{marker::PhantomData, sync::Arc};

use super::spawning::{Kind, TaskName};
use crate::{
    child::{End, Ending, Fault, Leaving},
    node::{ErrorValue, Node},
    reason::Reason,
};

/// Takes no room for a child without a name.
pub(crate) struct GroupEnding<N, E, K> {
    name: N,
    kind: PhantomData<fn() -> (E, K)>,
}

impl<N, E, K> GroupEnding<N, E, K> {
    pub(crate) fn new(name: N) -> Self {
        GroupEnding { name, kind: PhantomData }
    }

    /// The name of the child.
    pub(crate) fn name(&self) -> &N {
        &self.name
    }
}

impl<N, O, E, K> Ending<O> for GroupEnding<N, E, K>
where
    N: TaskName,
    E: ErrorValue,
    K: Kind<O, E>,
{
    type Value = K::Value;
    type Output = Leaving<K::Value>;

    fn judge(&mut self, output: O) -> Result<K::Value, Box<dyn ErrorValue>> {
        K::judge(output).map_err(|error| Box::new(error) as _)
    }

    fn failed(&mut self, node: &Arc<Node>, fault: Fault) {
        match fault {
            Fault::Error(error) => node.record_error(self.name.shared(), error),
            Fault::Panic(payload) => node.record_panic(self.name.shared(), payload),
        }
    }

    fn end(&mut self, node: &Arc<Node>, how: End) {
        match how {
            End::Value | End::Cancelled => {}
            End::Failed => drop(node.cancel(Reason::SiblingFailed)),
            End::Dropped if node.is_cancelled() => {}
            // Dropped, and by nobody: its runtime went first. The body must not wait for ever, and the owner must know.
            End::Dropped => {
                node.record_loss(self.name.get());
                node.cancel(Reason::RuntimeGone);
            }
        }
    }

    fn hand_over(value: Option<K::Value>, node: Arc<Node>) -> Leaving<K::Value> {
        Leaving::new(value, node)
    }
}
