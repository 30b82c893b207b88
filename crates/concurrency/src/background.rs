//! Background tasks: started here, awaited at shutdown.

use std::{
    fmt,
    num::NonZeroUsize,
    panic::Location,
    pin::Pin,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::{runtime::Handle, time::timeout};

use crate::{
    child::Child,
    current,
    dressed::{Dress, Dressed},
    failure::Failure,
    inspect::Tracked,
    reason::Reason,
    settle::SettleAmong,
    spawner::{Refusal, SpawnError},
};

mod ending;
mod handle;
mod report;
mod shared;

use ending::BackgroundEnding;
pub use handle::{BackgroundTask, CancelBackgroundTask};
pub use report::ShutdownReport;
use shared::Shared;

/// How long [`BackgroundTasks::shutdown`] waits for tasks that it aborted before it calls them stuck.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Tasks that run beside the rest of the program until it shuts them down.
///
/// A task is forgotten when it ends. A failure of one touches no other: it goes to the observer
/// ([`observe_failures`](BackgroundTasks::observe_failures)). Dropping the value aborts what still runs, and the enclosing scope
/// waits for it. It works in a `static`, where it stands below the scope that used it first; but a static is never dropped: shut it down
/// before the root returns, or the end of the runtime cuts its tasks short.
///
/// For tasks whose results or failures matter to the caller use [`try_scope`](crate::try_scope).
///
/// # Examples
///
/// ```
/// use bowline_concurrency::BackgroundTasks;
/// use std::time::Duration;
///
/// static TASKS: BackgroundTasks = BackgroundTasks::new();
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let refreshed = TASKS.spawn("refresh-cache", async { 3 })?;
/// assert_eq!(refreshed.await, Some(3));
///
/// TASKS.spawn("never-ending", std::future::pending::<()>())?;
/// let report = TASKS.shutdown(Duration::ZERO).await;
/// assert_eq!(report.aborted, ["never-ending"]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "TaskTracker")]
#[doc(alias = "JoinSet")]
#[doc(alias = "create_task")]
#[derive(Default)]
pub struct BackgroundTasks {
    /// Made by the first use, which has a current scope to stand below.
    shared: OnceLock<Arc<Shared>>,
    bound: Option<NonZeroUsize>,
    shielded: bool,
}

impl BackgroundTasks {
    /// No tasks yet, and no bound of their number: whoever starts them bounds them. Otherwise use [`bounded`](BackgroundTasks::bounded).
    pub const fn new() -> Self {
        BackgroundTasks { shared: OnceLock::new(), bound: None, shielded: false }
    }

    /// No tasks yet, and never more than `tasks` at once: one more is refused.
    ///
    /// ```
    /// use bowline_concurrency::BackgroundTasks;
    /// use std::{future::pending, num::NonZeroUsize};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tasks = BackgroundTasks::bounded(NonZeroUsize::MIN);
    /// tasks.spawn("the only one", pending::<()>())?;
    /// let refused = tasks.spawn("one more", pending::<()>()).unwrap_err();
    /// assert!(refused.is_full()); // `refused.into_inner()` is the future.
    /// # Ok(())
    /// # }
    /// ```
    pub const fn bounded(tasks: NonZeroUsize) -> Self {
        BackgroundTasks { shared: OnceLock::new(), bound: Some(tasks), shielded: false }
    }

    /// Shields the tasks from cancellations around, such as the signal that shuts the root down: only [`shutdown`](BackgroundTasks::shutdown)
    /// tells them. For programs that stop their parts one after the other.
    ///
    /// ```
    /// use bowline_concurrency::BackgroundTasks;
    ///
    /// static STORAGE: BackgroundTasks = BackgroundTasks::new().shielded();
    /// static REQUESTS: BackgroundTasks = BackgroundTasks::new().shielded();
    /// // After `shutdown_requested()`: first `REQUESTS.shutdown(..)`, then `STORAGE.shutdown(..)`.
    /// ```
    pub const fn shielded(mut self) -> Self {
        self.shielded = true;
        self
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| Shared::new(current::current(), self.bound, self.shielded))
    }

    /// Sends errors and panics of the tasks to `observer`, instead of the one of the scope around
    /// ([`Scope::observe_failures`](crate::Scope::observe_failures)). It should be quick and must not panic.
    pub fn observe_failures(&self, observer: impl Fn(&Failure) + Send + Sync + 'static) {
        self.shared().node.set_observer(Arc::new(observer));
    }

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
        self.start(name.into(), future, Ok, Location::caller())
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
        self.start(name.into(), future, |output| output.map_err(|error| Box::new(error) as _), Location::caller())
    }

    fn start<F, T>(
        &self,
        name: Arc<str>,
        future: F,
        judge: ending::Judge<F::Output, T>,
        location: &'static Location<'static>,
    ) -> Result<BackgroundTask<T>, SpawnError<F>>
    where
        F: Future + Send + 'static,
        F::Output: 'static,
        T: Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return Err(SpawnError::new(future, Refusal::NoRuntime)) };
        let shared = self.shared();
        let key = match shared.enter(&name) {
            Ok(key) => key,
            Err(refusal) => return Err(SpawnError::new(future, refusal)),
        };
        let dress = Tracked::new(Some(&name), &shared.node, location).map(Dress::seen);
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
        Ok(BackgroundTask::new(shared.node.clone(), handle, place))
    }

    /// Takes no more tasks. Those that run go on.
    pub fn close(&self) {
        self.shared().close();
    }

    /// Whether new tasks are refused.
    pub fn is_closed(&self) -> bool {
        self.shared.get().is_some_and(|shared| shared.is_closed())
    }

    /// Takes no more tasks, and waits until those that run have ended by themselves and everything below them is gone. Not from one of
    /// these tasks, which would wait for itself.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, new tasks stay refused; those that run go on until they end or the value is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::BackgroundTasks;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tasks = BackgroundTasks::new();
    /// tasks.spawn("upload", async { tokio::task::yield_now().await })?;
    /// tasks.finish().await;
    /// assert!(tasks.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "wait")]
    pub async fn finish(&self) {
        self.close();
        SettleAmong::new(&self.shared().node).await;
    }

    /// Takes no more tasks, tells the running ones, gives them `grace` to end, and aborts the others.
    ///
    /// Tasks learn of it from [`cancelled`](crate::cancelled) and [`is_cancelled`](crate::is_cancelled), with
    /// [`Reason::Shutdown`]. Aborted tasks are waited for at most 5 s; what is still not gone then is called stuck: it
    /// blocks its thread or a release of it hangs.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the tasks stay told, and new ones stay refused. Call it again to go on.
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let shared = self.shared();
        shared.close();
        let before = shared.names();
        shared.node.cancel(Reason::Shutdown);
        let mut settled = timeout(grace, SettleAmong::new(&shared.node)).await.is_ok();
        let aborted = if settled { shared::Names::new() } else { shared.abort_all() };
        if !settled {
            settled = timeout(STUCK_AFTER, SettleAmong::new(&shared.node)).await.is_ok();
        }
        let left = if settled { Vec::new() } else { shared.node.hand_offs_left() };
        ShutdownReport::new(shared, &before, &aborted, left)
    }

    /// How many tasks are running.
    pub fn len(&self) -> usize {
        self.shared.get().map_or(0, |shared| shared.len())
    }

    /// Whether no task is running.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for BackgroundTasks {
    fn drop(&mut self) {
        let Some(shared) = self.shared.get() else { return };
        let around = current::try_current().or_else(|| shared.node.parent());
        shared.node.cancel(around.map_or(Reason::OwnerDropped, |node| node.reason_for_drop()));
        shared.abort_all();
        shared.node.orphan(current::try_current());
    }
}

impl fmt::Debug for BackgroundTasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackgroundTasks").field("len", &self.len()).field("closed", &self.is_closed()).finish()
    }
}
