//! What a scope and the handles of its group share: the way in for new children.

use std::{mem, panic::Location, sync::Arc};

use super::{
    child::{BoxedChild, Child, Judge},
    slot::{InTaskChild, Slot},
};
use crate::{
    bell::Bell,
    inspect::Tracked,
    node::Node,
    primitive::{Mutex, lock},
};

/// What a scope and the handles of its group share.
///
/// The children live in the scope's future, which drops them. They pass through here: one that is pushed while the scope is being
/// polled, by the body or by a sibling, is taken in before that poll ends.
pub(super) struct Shared<'env, E> {
    node: Arc<Node>,
    /// Of the children.
    bell: Arc<Bell>,
    entrance: Mutex<Entrance<'env, E>>,
}

struct Entrance<'env, E> {
    door: Door,
    waiting: Vec<BoxedChild<'env, E>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Open,
    /// Everything is being dropped; what destructors spawn never runs.
    Closing,
    /// The scope has ended, and somebody still has a group.
    Closed,
}

impl<'env, E> Shared<'env, E> {
    pub(super) fn new(node: Arc<Node>) -> Arc<Self> {
        let entrance = Mutex::new(Entrance { door: Door::Open, waiting: Vec::new() });
        Arc::new(Shared { node, bell: Bell::new(), entrance })
    }

    pub(super) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Rings when a child was woken, or pushed.
    pub(super) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// Makes a child. The lifetime of its handle is the caller's choice.
    #[track_caller]
    pub(super) fn spawn<'group, F, T>(
        &self,
        name: Option<String>,
        future: F,
        judge: Judge<F::Output, T, E>,
    ) -> InTaskChild<'group, T>
    where
        F: Future + Send + 'env,
        T: Send + 'env,
        E: 'env,
    {
        let location = Location::caller();
        let tracked = Tracked::new(name.as_deref(), &self.node, location);
        let slot = Slot::new();
        if let Some(tracked) = &tracked {
            tracked.known_by_place(slot.address());
        }
        let child = Box::pin(Child::new(future, judge, slot.clone(), name, tracked));
        match self.push(child) {
            Ok(()) => InTaskChild::new(Some(slot)),
            Err((Door::Closed, _)) => panic!("the scope of this `InTaskGroup` has ended: nobody would poll the child"),
            Err((_, child)) => {
                drop(child);
                InTaskChild::new(None)
            }
        }
    }

    fn push(&self, child: BoxedChild<'env, E>) -> Result<(), (Door, BoxedChild<'env, E>)> {
        {
            let mut entrance = lock(&self.entrance);
            if entrance.door != Door::Open {
                return Err((entrance.door, child));
            }
            entrance.waiting.push(child);
        }
        self.bell.ring();
        Ok(())
    }

    /// Moves the children that wait at the entrance into `to`, which is empty.
    pub(super) fn take_in(&self, to: &mut Vec<BoxedChild<'env, E>>) {
        // Swapped, so that both keep their room.
        mem::swap(&mut lock(&self.entrance).waiting, to);
    }

    /// Closes the entrance if nobody waits at it.
    pub(super) fn try_close(&self) -> bool {
        let mut entrance = lock(&self.entrance);
        let empty = entrance.waiting.is_empty();
        if empty {
            entrance.door = Door::Closed;
        }
        empty
    }

    /// Refuses further children; gives those that were not yet taken in.
    pub(super) fn begin_to_close(&self) -> Vec<BoxedChild<'env, E>> {
        let mut entrance = lock(&self.entrance);
        if entrance.door == Door::Open {
            entrance.door = Door::Closing;
        }
        mem::take(&mut entrance.waiting)
    }

    pub(super) fn close(&self) {
        lock(&self.entrance).door = Door::Closed;
    }
}
