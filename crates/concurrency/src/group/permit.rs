//! The limit of a group: how many children run at once.

use std::{fmt, num::NonZeroUsize, panic::Location, sync::Arc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Fallible, Named, Plain, Spawning};
use crate::task::Task;

/// How many children of a group may run at once. Fixed when the scope is opened.
#[derive(Clone, Debug)]
pub(crate) struct Limit(Arc<Semaphore>);

impl Limit {
    pub(crate) fn new(children: NonZeroUsize) -> Self {
        Limit(Arc::new(Semaphore::new(children.get().min(Semaphore::MAX_PERMITS))))
    }

    pub(crate) fn acquire(&self) -> impl Future<Output = OwnedSemaphorePermit> + Send + 'static {
        let permit = self.0.clone().acquire_owned();
        async { permit.await.expect("the semaphore is never closed: the group owns it") }
    }

    pub(crate) fn try_acquire(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().try_acquire_owned().ok()
    }
}

/// The right to spawn one child into a group with a limit; see [`TaskGroup::permit`](crate::TaskGroup::permit).
///
/// The child gives it back when it is gone, however it ends. Dropping it unused gives it back, too.
#[derive(Debug)]
#[must_use = "the permit is given back unless something is spawned with it"]
pub struct SpawnPermit<'group, E: fmt::Debug + Send + 'static> {
    spawning: Spawning<'group, (), E>,
}

impl<'group, E: fmt::Debug + Send + 'static> SpawnPermit<'group, E> {
    pub(super) fn new(spawning: Spawning<'group, (), E>, permit: Option<OwnedSemaphorePermit>) -> Self {
        SpawnPermit { spawning: spawning.with_permit(permit) }
    }

    /// Spawns a child; see [`TaskGroup::spawn`](crate::TaskGroup::spawn).
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<'group, F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawning.task::<_, Plain>(future, Location::caller())
    }

    /// Spawns a fallible child; see [`TaskGroup::try_spawn`](crate::TaskGroup::try_spawn).
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(self, future: F) -> Task<'group, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.spawning.task::<_, Fallible>(future, Location::caller())
    }

    /// Names the child that will be spawned with this permit.
    pub fn named(self, name: impl Into<Arc<str>>) -> Named<'group, E> {
        Named::new(self.spawning.with_name(name.into()))
    }
}
