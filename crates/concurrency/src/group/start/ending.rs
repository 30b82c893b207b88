//! How a child that was started ends.

use std::sync::Arc;

use super::handshake::{Claim, Handshake};
use crate::{
    child::{End, Ending, Fault, Leaving},
    group::{
        ending::GroupEnding,
        spawning::{Kind, TaskName},
    },
    node::{ErrorValue, Failed, Fate, Node},
};

/// Like any child of the group, but an error from before it is ready is none of the group's.
pub(super) struct StartEnding<N, E, K, T> {
    group: GroupEnding<N, E, K>,
    handshake: Arc<Handshake<T>>,
    /// The group does not fail for the error.
    spared: bool,
}

impl<N: TaskName, E, K, T> StartEnding<N, E, K, T> {
    pub(super) fn new(name: N, handshake: Arc<Handshake<T>>) -> Self {
        StartEnding { group: GroupEnding::new(name), handshake, spared: false }
    }
}

impl<N, O, E, K, T> Ending<O> for StartEnding<N, E, K, T>
where
    N: TaskName,
    E: ErrorValue,
    K: Kind<O, E>,
{
    type Value = K::Value;
    type Output = Leaving<K::Value>;

    fn judge(&mut self, output: O) -> Result<K::Value, Box<dyn ErrorValue>> {
        self.group.judge(output)
    }

    fn failed(&mut self, node: &Arc<Node>, fault: Fault) {
        let claim = match fault {
            Fault::Error(error) => self.handshake.claim(error),
            fault @ Fault::Panic(_) => {
                self.spared = false; // Also if its destructors panicked after an error.
                return Ending::<O>::failed(&mut self.group, node, fault);
            }
        };
        self.spared = !matches!(claim, Claim::Group(_));
        match claim {
            Claim::Caller => {}
            Claim::Group(error) => Ending::<O>::failed(&mut self.group, node, Fault::Error(error)),
            Claim::Nobody(error) => report(node, self.group.name().shared(), error),
        }
    }

    fn end(&mut self, node: &Arc<Node>, how: End) {
        if how != End::Failed || !self.spared {
            Ending::<O>::end(&mut self.group, node, how);
        }
        // After the cancellation of the group: a caller that shares its fate does not come to run first.
        if let Some((hold, id)) = self.handshake.end() {
            node.forget_cancelled_task(id); // If it ended by itself before it was to have a place.
            drop(hold);
        }
    }

    fn hand_over(value: Option<K::Value>, node: Arc<Node>) -> Leaving<K::Value> {
        Leaving::new(value, node)
    }
}

/// An error whose owner has gone.
pub(super) fn report(node: &Arc<Node>, task: Option<Arc<str>>, error: Box<dyn ErrorValue>) {
    let mut fate = Fate::default();
    fate.errors.push(Failed { task, error });
    node.report(fate);
}
