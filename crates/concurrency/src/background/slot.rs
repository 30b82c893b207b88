//! Slots: places for one task each, by name.

use std::{fmt, panic::Location, sync::Arc};

use super::{BackgroundTask, BackgroundTasks, Vacated, spawning::Spawning};
use crate::spawner::SpawnError;

/// A place for one task among the [`BackgroundTasks`], by name; see [`BackgroundTasks::slot`].
///
/// The task in it can be replaced by a newer one, which starts at once, while the older one is dropped at its next await. Whatever the older one
/// does from then on, its end and a late [`cancel`](BackgroundTask::cancel) through its handle included, does not touch the newer one.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::BackgroundTasks;
/// use std::future::pending;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tasks = BackgroundTasks::new();
/// let slot = tasks.slot("refresh:42");
/// drop(slot.spawn_if_vacant(pending::<u32>())?);
/// assert!(slot.spawn_if_vacant(async {}).unwrap_err().is_occupied()); // `into_inner()` is the future.
///
/// let (newer, older) = slot.replace(async { 7 })?;
/// assert!(older.await, "there was one, and it is gone");
/// assert_eq!(newer.await, Some(7));
/// assert!(slot.is_vacant());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct TaskSlot<'a> {
    tasks: &'a BackgroundTasks,
    name: Arc<str>,
}

impl BackgroundTasks {
    /// The slot `name`, which has room for one task: for work that is to run once per user, per file, per key.
    ///
    /// A slot is a name, and costs nothing while no task is in it. Tasks of the same name that were started without a slot are not in it.
    #[doc(alias = "FiberMap")]
    #[doc(alias = "keyed")]
    #[doc(alias = "debounce")]
    pub fn slot(&self, name: impl Into<Arc<str>>) -> TaskSlot<'_> {
        TaskSlot { tasks: self, name: name.into() }
    }
}

impl TaskSlot<'_> {
    /// Starts a task in the slot, and cancels the one that is in it. Gives the handle of the new one and a future that waits until the old one is gone.
    ///
    /// The old task takes no place below the [bound](BackgroundTasks::bounded) any more, so that a slot can be replaced also when as many tasks run as
    /// the bound allows. It gets no grace. The two may overlap for a moment, until the old one has been dropped; if they must not, await
    /// [`cancel`](TaskSlot::cancel) first. A task may replace itself.
    ///
    /// # Errors
    ///
    /// As [`BackgroundTasks::spawn`]; the task in the slot then goes on.
    #[doc(alias = "set")]
    #[track_caller]
    pub fn replace<F>(&self, future: F) -> Result<(BackgroundTask<F::Output>, Vacated), SpawnError<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.tasks.start_in_slot(future, super::spawning::value, self.spawning(), true)
    }

    /// Like [`replace`](TaskSlot::replace), with a task whose error goes to the observer under the name of the slot.
    ///
    /// # Errors
    ///
    /// As [`BackgroundTasks::spawn`]; the task in the slot then goes on.
    #[track_caller]
    pub fn try_replace<T, E, F>(&self, future: F) -> Result<(BackgroundTask<T>, Vacated), SpawnError<F>>
    where
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.tasks.start_in_slot(future, super::spawning::value_of_ok, self.spawning(), true)
    }

    /// Starts a task unless one is in the slot.
    ///
    /// # Errors
    ///
    /// If one is ([`is_occupied`](SpawnError::is_occupied)), and as [`BackgroundTasks::spawn`]; the future comes back.
    #[doc(alias = "only_if_missing")]
    #[track_caller]
    pub fn spawn_if_vacant<F>(&self, future: F) -> Result<BackgroundTask<F::Output>, SpawnError<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let started = self.tasks.start_in_slot(future, super::spawning::value, self.spawning(), false);
        started.map(|(task, _nobody)| task)
    }

    /// Like [`spawn_if_vacant`](TaskSlot::spawn_if_vacant), with a task whose error goes to the observer under the name of the slot.
    ///
    /// # Errors
    ///
    /// As those of [`spawn_if_vacant`](TaskSlot::spawn_if_vacant).
    #[track_caller]
    pub fn try_spawn_if_vacant<T, E, F>(&self, future: F) -> Result<BackgroundTask<T>, SpawnError<F>>
    where
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let started = self.tasks.start_in_slot(future, super::spawning::value_of_ok, self.spawning(), false);
        started.map(|(task, _nobody)| task)
    }

    /// Cancels the task in the slot, if there is one: drops its future at its next await. The slot is vacant at once.
    #[doc(alias = "clear")]
    #[doc(alias = "remove")]
    pub fn cancel(&self) -> Vacated {
        let evicted = self.tasks.shared.get().and_then(|shared| shared.evict(&self.name));
        evicted.map_or_else(Vacated::nobody, |evicted| evicted.cancel("the slot of the task was cleared"))
    }

    /// Whether no task is in the slot: none was started, or it has ended, was cancelled or replaced.
    pub fn is_vacant(&self) -> bool {
        self.tasks.shared.get().is_none_or(|shared| !shared.has_slot(&self.name))
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    #[track_caller]
    fn spawning(&self) -> Spawning {
        Spawning { name: self.name.clone(), location: Location::caller() }
    }
}

impl fmt::Debug for TaskSlot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSlot").field("name", &self.name).field("vacant", &self.is_vacant()).finish()
    }
}
