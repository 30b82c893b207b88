//! Children with names.

use std::{fmt, panic::Location, sync::Arc};

use super::{Fallible, Plain, Ready, Spawning, Start};
use crate::{fallible::CannotFail, task::Task};

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

    /// Starts a child under this name; see [`TaskGroup::start`](crate::TaskGroup::start).
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn start<T, F, Fut>(self, child: F) -> Start<'group, T, Fut::Output, CannotFail>
    where
        T: Send + 'static,
        F: FnOnce(Ready<T>) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        Start::new::<_, _, _, _, Plain>(self.spawning, child, Location::caller())
    }

    /// Starts a fallible child under this name; see [`TaskGroup::try_start`](crate::TaskGroup::try_start).
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_start<T, O, F, Fut>(self, child: F) -> Start<'group, T, O, E>
    where
        T: Send + 'static,
        O: Send + 'static,
        F: FnOnce(Ready<T>) -> Fut,
        Fut: Future<Output = Result<O, E>> + Send + 'static,
    {
        Start::new::<_, _, _, _, Fallible>(self.spawning, child, Location::caller())
    }
}
