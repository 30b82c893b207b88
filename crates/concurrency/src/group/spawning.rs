//! Spawning a child: what all the ways to do it share.

use std::{fmt, panic::Location, pin::Pin, sync::Arc};

use tokio::{sync::OwnedSemaphorePermit, task::JoinHandle};

use super::{ending::GroupEnding, permit::Limit};
use crate::{
    child::{Child, Ending, Leaving},
    dressed::{Dress, Dressed, Origin},
    node::Node,
    task::Task,
};

/// Whether a child's error is a value or a failure.
pub(crate) trait Kind<O, E>: 'static {
    type Value;
    fn judge(output: O) -> Result<Self::Value, E>;
}

pub(crate) struct Plain;

impl<T, E> Kind<T, E> for Plain {
    type Value = T;
    fn judge(output: T) -> Result<T, E> {
        Ok(output)
    }
}

pub(crate) struct Fallible;

impl<T, E> Kind<Result<T, E>, E> for Fallible {
    type Value = T;
    fn judge(output: Result<T, E>) -> Result<T, E> {
        output
    }
}

/// The name of a child, or `()`: a child without a name has no room for one.
pub(crate) trait TaskName: Clone + Send + 'static {
    fn get(&self) -> Option<&str>;
    fn shared(&self) -> Option<Arc<str>>;
}

impl TaskName for () {
    fn get(&self) -> Option<&str> {
        None
    }

    fn shared(&self) -> Option<Arc<str>> {
        None
    }
}

impl TaskName for Arc<str> {
    fn get(&self) -> Option<&str> {
        Some(self)
    }

    fn shared(&self) -> Option<Arc<str>> {
        Some(self.clone())
    }
}

/// Everything about a child but its future.
#[derive(Debug)]
pub(crate) struct Spawning<'group, N, E> {
    node: &'group Arc<Node>,
    limit: Option<&'group Limit>,
    permit: Option<OwnedSemaphorePermit>,
    name: N,
    error: std::marker::PhantomData<fn() -> E>,
}

type Handle<T> = JoinHandle<Leaving<T>>;

impl<'group, N: TaskName, E: fmt::Debug + Send + 'static> Spawning<'group, N, E> {
    pub(crate) fn with_permit(mut self, permit: Option<OwnedSemaphorePermit>) -> Self {
        self.permit = permit;
        self
    }

    pub(crate) fn with_name<M>(self, name: M) -> Spawning<'group, M, E> {
        Spawning { node: self.node, limit: self.limit, permit: self.permit, name, error: self.error }
    }

    pub(super) fn node(&self) -> &'group Arc<Node> {
        self.node
    }

    pub(super) fn name(&self) -> &N {
        &self.name
    }

    pub(crate) fn task<F, K>(self, future: F, location: &'static Location<'static>) -> Task<'group, K::Value>
    where
        F: Future + Send + 'static,
        K: Kind<F::Output, E>,
        K::Value: Send + 'static,
    {
        let (node, name) = (self.node, self.name.shared());
        Task::new(node, name, self.spawn::<F, K>(future, location).ok())
    }

    pub(crate) fn local_task<F, K>(self, future: F, location: &'static Location<'static>) -> Task<'group, K::Value>
    where
        F: Future + 'static,
        K: Kind<F::Output, E>,
        K::Value: 'static,
    {
        let (node, name) = (self.node, self.name.shared());
        let handle = self.launch::<F, dyn Future<Output = F::Output>, _>(
            future,
            location,
            GroupEnding::<N, E, K>::new,
            |future| future,
            tokio::task::spawn_local,
            tokio::task::spawn_local,
        );
        Task::new(node, name, handle.ok())
    }

    /// Spawns the child, or gives its future back if the group is being cancelled or has returned.
    pub(crate) fn spawn<F, K>(self, future: F, location: &'static Location<'static>) -> Result<Handle<K::Value>, F>
    where
        F: Future + Send + 'static,
        K: Kind<F::Output, E>,
        K::Value: Send + 'static,
    {
        self.spawn_ending(future, location, GroupEnding::<N, E, K>::new)
    }

    /// Spawns a child that ends in a way of its own, made from its name.
    pub(crate) fn spawn_ending<F, S>(
        self,
        future: F,
        location: &'static Location<'static>,
        ending: impl FnOnce(N) -> S,
    ) -> Result<JoinHandle<S::Output>, F>
    where
        F: Future + Send + 'static,
        S: Ending<F::Output, Output: Send> + Send + 'static,
    {
        self.launch::<F, dyn Future<Output = F::Output> + Send, S>(
            future,
            location,
            ending,
            |future| future,
            tokio::spawn,
            tokio::spawn,
        )
    }

    /// `erase` and the two ways to spawn differ in `Send` alone.
    fn launch<F, D, S>(
        self,
        future: F,
        location: &'static Location<'static>,
        ending: impl FnOnce(N) -> S,
        erase: impl FnOnce(Pin<Box<F>>) -> Pin<Box<D>>,
        spawn: impl FnOnce(Child<F, S>) -> JoinHandle<S::Output>,
        spawn_dressed: impl FnOnce(Child<Dressed<D>, S>) -> JoinHandle<S::Output>,
    ) -> Result<JoinHandle<S::Output>, F>
    where
        F: Future,
        D: Future<Output = F::Output> + ?Sized,
        S: Ending<F::Output>,
    {
        if !self.node.add_child() {
            return Err(future);
        }
        let origin = Origin { name: self.name.get(), location };
        let dress = Dress::for_child(self.node, origin, self.limit, self.permit);
        let known = dress.as_ref().and_then(Dress::known);
        let ending = ending(self.name);
        // No lock is held: on a runtime that is shutting down, Tokio drops the future inside `spawn`.
        let handle = match dress {
            None => spawn(Child::new(self.node.clone(), future, ending)),
            Some(dress) => {
                let dressed = Dressed::new(erase(Box::pin(future)), dress);
                spawn_dressed(Child::new(self.node.clone(), dressed, ending))
            }
        };
        self.node.keep_for_abort(handle.abort_handle());
        if let Some(known) = known {
            known.by(handle.id());
        }
        Ok(handle)
    }
}

impl<'group, N, E> Spawning<'group, N, E> {
    pub(crate) fn new(node: &'group Arc<Node>, limit: Option<&'group Limit>, name: N) -> Self {
        Spawning { node, limit, permit: None, name, error: std::marker::PhantomData }
    }
}
