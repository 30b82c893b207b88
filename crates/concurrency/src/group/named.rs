//! Children with names.

use std::{fmt, panic::Location, sync::Arc};

use super::{Fallible, Plain, Spawning};
use crate::task::Task;

/// A name for the next child; see [`TaskGroup::named`](crate::TaskGroup::named).
#[derive(Debug)]
#[must_use = "a name does nothing until something is spawned under it"]
pub struct Named<'group, E: fmt::Debug + Send + 'static> {
    spawning: Spawning<'group, Arc<str>, E>,
}

impl<'group, E: fmt::Debug + Send + 'static> Named<'group, E> {
    pub(super) fn new(spawning: Spawning<'group, Arc<str>, E>) -> Self {
        Named { spawning }
    }

    /// Spawns a child under this name; see [`TaskGroup::spawn`](crate::TaskGroup::spawn).
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

    /// Spawns a fallible child under this name; see [`TaskGroup::try_spawn`](crate::TaskGroup::try_spawn).
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

    /// Spawns a child that need not be `Send`; see [`TaskGroup::spawn_local`](crate::TaskGroup::spawn_local).
    ///
    /// # Panics
    ///
    /// Outside a `LocalSet` and a `LocalRuntime`.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> Task<'group, F::Output>
    where
        F: Future<Output: 'static> + 'static,
    {
        self.spawning.local_task::<_, Plain>(future, Location::caller())
    }
}
