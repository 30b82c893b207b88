//! Spawning into a group from its children.

use std::{fmt, panic::Location, sync::Arc};

use thiserror::Error;

use crate::group::{Core, Fallible, Plain};

/// A `'static`, cloneable handle that spawns into a [`TaskGroup`](crate::TaskGroup), for children that spawn siblings.
///
/// It does not keep the group open: once the body and all children have ended, or the group is being cancelled, it
/// refuses, and gives the future back.
///
/// ```
/// use bowline_concurrency::{Spawner, TaskGroup, scope};
/// use std::convert::Infallible;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// scope(async |group| {
///     let spawner = group.spawner();
///     drop(group.spawn(async move {
///         // The scope waits for the sibling too.
///         spawner.spawn(async { println!("from a sibling") }).is_ok()
///     }));
/// })
/// .await;
/// # }
/// ```
pub struct Spawner<E: fmt::Debug + Send + 'static = std::convert::Infallible> {
    core: Arc<Core<E>>,
}

impl<E: fmt::Debug + Send + 'static> Spawner<E> {
    pub(crate) fn new(core: Arc<Core<E>>) -> Self {
        Spawner { core }
    }

    /// Spawns a child whose output is dropped; only a panic of it fails the group.
    ///
    /// # Errors
    ///
    /// The group is being cancelled or has returned; the future comes back unpolled.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<(), SpawnError<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.core.spawn(None, future, Plain, Location::caller()).map(drop).map_err(SpawnError)
    }

    /// Spawns a child whose error fails the group.
    ///
    /// # Errors
    ///
    /// The group is being cancelled or has returned; the future comes back unpolled.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(&self, future: F) -> Result<(), SpawnError<F>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.core.spawn(None, future, Fallible, Location::caller()).map(drop).map_err(SpawnError)
    }
}

impl<E: fmt::Debug + Send + 'static> Clone for Spawner<E> {
    fn clone(&self) -> Self {
        Spawner { core: self.core.clone() }
    }
}

impl<E: fmt::Debug + Send + 'static> fmt::Debug for Spawner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spawner").field(self.core.node()).finish()
    }
}

/// A spawn was refused; holds the future that was not spawned.
#[derive(Error)]
#[error("the scope takes no more tasks: it is being cancelled, shut down or has returned")]
pub struct SpawnError<F>(pub(crate) F);

impl<F> SpawnError<F> {
    /// The future, never polled.
    pub fn into_inner(self) -> F {
        self.0
    }
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnError").finish_non_exhaustive()
    }
}
