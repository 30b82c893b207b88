//! Starting background tasks.

use std::{fmt, panic::Location, pin::Pin, sync::Arc};

use tokio::runtime::Handle;

use super::{
    BackgroundTask, BackgroundTasks, Vacated,
    ending::{BackgroundEnding, Judge},
    own::Own,
    shared::{Claim, Shared},
};
use crate::{
    child::Child,
    dressed::{Dress, Dressed},
    inspect::Tracked,
    node::{ErrorValue, Label, Node},
    spawner::{Refusal, SpawnError},
};

/// What a task is called, and where it is started.
pub(super) struct Spawning {
    pub(super) name: Arc<str>,
    pub(super) location: &'static Location<'static>,
}

/// Every output is a value.
pub(super) fn value<T>(output: T) -> Result<Option<T>, Box<dyn ErrorValue>> {
    Ok(Some(output))
}

/// An error is the task's.
pub(super) fn value_of_ok<T, E>(output: Result<T, E>) -> Result<Option<T>, Box<dyn ErrorValue>>
where
    E: fmt::Debug + Send + 'static,
{
    output.map(Some).map_err(|error| Box::new(error) as _)
}

impl BackgroundTasks {
    /// Starts a task. Dropping the handle does not cancel it.
    ///
    /// Its output is a value, whatever it is, and is dropped with the handle: a task that may fail belongs to
    /// [`try_spawn`](BackgroundTasks::try_spawn), whose error is heard of.
    ///
    /// # Errors
    ///
    /// After [`close`](BackgroundTasks::close), [`finish`](BackgroundTasks::finish) or [`shutdown`](BackgroundTasks::shutdown), when as many
    /// tasks run as the bound allows, and outside a Tokio runtime; the future comes back.
    #[track_caller]
    pub fn spawn<F>(&self, name: impl Into<Arc<str>>, future: F) -> Result<BackgroundTask<F::Output>, SpawnError<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let spawning = Spawning { name: name.into(), location: Location::caller() };
        self.start(future, |future| future, value, spawning)
    }

    /// Starts a task whose error goes to the observer under the name of the task.
    ///
    /// # Errors
    ///
    /// As [`spawn`](BackgroundTasks::spawn).
    #[track_caller]
    pub fn try_spawn<T, E, F>(&self, name: impl Into<Arc<str>>, future: F) -> Result<BackgroundTask<T>, SpawnError<F>>
    where
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let spawning = Spawning { name: name.into(), location: Location::caller() };
        self.start(future, |future| future, value_of_ok, spawning)
    }

    /// Starts what `work` makes of `input`, which comes back if that is refused.
    pub(super) fn start<I, F, T>(
        &self,
        input: I,
        work: impl FnOnce(I) -> F,
        judge: Judge<F::Output, T>,
        spawning: Spawning,
    ) -> Result<BackgroundTask<T>, SpawnError<I>>
    where
        F: Future + Send + 'static,
        F::Output: 'static,
        T: Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return Err(SpawnError::new(input, Refusal::NoRuntime)) };
        let shared = self.shared();
        match shared.enter(&spawning.name, None) {
            Ok((key, _)) => Ok(launch(shared, &runtime, key, None, work(input), judge, spawning)),
            Err(refusal) => Err(SpawnError::new(input, refusal)),
        }
    }

    /// Starts a task in the slot of its name.
    pub(super) fn start_in_slot<F, T>(
        &self,
        future: F,
        judge: Judge<F::Output, T>,
        spawning: Spawning,
        replaces: bool,
    ) -> Result<(BackgroundTask<T>, Vacated), SpawnError<F>>
    where
        F: Future + Send + 'static,
        F::Output: 'static,
        T: Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return Err(SpawnError::new(future, Refusal::NoRuntime)) };
        let shared = self.shared();
        let own = Node::new(Label::Given(spawning.name.clone()), Some(shared.node.clone()));
        let claim = Claim { own, replaces };
        let (key, old) = match shared.enter(&spawning.name, Some(&claim)) {
            Ok(entered) => entered,
            Err(refusal) => return Err(SpawnError::new(future, refusal)),
        };
        let vacated = old.map_or_else(Vacated::nobody, |old| old.cancel("a newer task has its slot"));
        let own = claim.own.clone();
        Ok((launch(shared, &runtime, key, Some(&own), Own::new(claim.own, future), judge, spawning), vacated))
    }
}

/// Spawns a task that was entered.
fn launch<F, T>(
    shared: &Arc<Shared>,
    runtime: &Handle,
    key: u64,
    own: Option<&Arc<Node>>,
    future: F,
    judge: Judge<F::Output, T>,
    Spawning { name, location }: Spawning,
) -> BackgroundTask<T>
where
    F: Future + Send + 'static,
    F::Output: 'static,
    T: Send + 'static,
{
    let tracked = Tracked::new(Some(&name), &shared.node, location);
    if let (Some(tracked), Some(own)) = (&tracked, own) {
        tracked.has(own);
    }
    let dress = tracked.map(Dress::seen);
    let known = dress.as_ref().and_then(Dress::known);
    let mut ending = BackgroundEnding::new(shared.clone(), key, name, judge);
    let place = ending.place();
    let handle = match dress {
        None => runtime.spawn(Child::new(shared.node.clone(), future, ending)),
        Some(dress) => {
            let future: Pin<Box<dyn Future<Output = F::Output> + Send>> = Box::pin(future);
            runtime.spawn(Child::new(shared.node.clone(), Dressed::new(future, dress), ending))
        }
    };
    if let Some(known) = known {
        known.by(handle.id());
    }
    shared.spawned(key, handle.abort_handle());
    BackgroundTask::new(shared.node.clone(), handle, place)
}
