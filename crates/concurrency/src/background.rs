//! Background tasks: started here, awaited at shutdown.

use std::{
    fmt,
    num::NonZeroUsize,
    sync::{Arc, OnceLock},
    time::Duration,
};

use crate::{current, failure::Failure, reason::Reason, settle::SettleAmong};

mod ending;
mod fate;
mod groups;
mod handle;
mod join;
mod own;
mod patience;
mod periodic;
mod report;
mod run;
mod shared;
mod slot;
mod spawning;
mod stop;
mod supervised;
mod vacated;

use fate::Watching;
pub use handle::{BackgroundTask, CancelBackgroundTask};
pub use join::TaskFailed;
use patience::{has_timers, settles};
pub use periodic::{Overlap, Periodic, PeriodicCounts, PeriodicTask};
pub use report::ShutdownReport;
pub use run::RunOutcome;
use shared::Shared;
pub use slot::TaskSlot;
pub use supervised::{GaveUp, Restart, SupervisedTask};
pub use vacated::Vacated;

/// How long [`BackgroundTasks::shutdown`] waits for tasks that it aborted before it calls them stuck, unless set.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Tasks that run beside the rest of the program until it shuts them down.
///
/// A task is forgotten when it ends. A failure of one touches no other: it goes to the observer
/// ([`observe_failures`](BackgroundTasks::observe_failures)). Dropping the value aborts what still runs, and the enclosing scope
/// waits for it. It works in a `static`, where it stands below the scope that used it first; but a static is never dropped: shut it down
/// before the root returns, or the end of the runtime cuts its tasks short.
///
/// One task for each key has a [`slot`](BackgroundTasks::slot); what runs on schedule is [`periodic`](BackgroundTasks::periodic), and what starts again
/// after a failure [`supervise`](BackgroundTasks::supervise)d. For tasks whose results or failures matter to the caller use [`try_scope`](crate::try_scope).
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
pub struct BackgroundTasks {
    /// Made by the first use, which has a current scope to stand below.
    shared: OnceLock<Arc<Shared>>,
    bound: Option<NonZeroUsize>,
    shielded: bool,
    settle_within: Duration,
}

impl BackgroundTasks {
    /// No tasks yet, and no bound of their number: whoever starts them bounds them. Otherwise use [`bounded`](BackgroundTasks::bounded).
    pub const fn new() -> Self {
        BackgroundTasks { shared: OnceLock::new(), bound: None, shielded: false, settle_within: STUCK_AFTER }
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
        let mut bounded = Self::new();
        bounded.bound = Some(tasks);
        bounded
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

    /// How long [`shutdown`](BackgroundTasks::shutdown) waits for what it aborted before it calls that stuck; 5 s by default.
    ///
    /// ```
    /// use bowline_concurrency::BackgroundTasks;
    /// use std::time::Duration;
    ///
    /// static TASKS: BackgroundTasks = BackgroundTasks::new().settle_within(Duration::from_secs(1));
    /// ```
    pub const fn settle_within(mut self, budget: Duration) -> Self {
        self.settle_within = budget;
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

    /// Takes no more tasks. Those that run go on; [periodic](BackgroundTasks::periodic) and [supervised](BackgroundTasks::supervise) ones end with the
    /// run that goes on.
    ///
    /// A run whose turn comes at this very moment may begin on another thread just after the call has returned. To know that none runs any more await
    /// [`finish`](BackgroundTasks::finish) or [`shutdown`](BackgroundTasks::shutdown), which wait for such a run too.
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
    /// [`Reason::Shutdown`]. Aborted tasks are waited for at most [5 s](BackgroundTasks::settle_within); what is still not gone then is called
    /// stuck: it blocks its thread or a release of it hangs.
    ///
    /// Both need a runtime with timers. Without, nobody can count the time: the tasks are aborted at once, and waited for without a limit. (How it
    /// finds out is a panic of Tokio that it catches; the panic hook hears of that.)
    ///
    /// Twice, also at once, is fine: each call says what it has found, and the shortest grace holds. Called by one of these tasks it does not return:
    /// that task is aborted with the others when the grace is over, and so gives its report to nobody.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the tasks stay told, and new ones stay refused. Call it again to go on.
    pub async fn shutdown(&self, grace: Duration) -> ShutdownReport {
        let shared = self.shared();
        shared.close();
        let watching = Watching::new(shared);
        shared.node.cancel(Reason::Shutdown);
        let timers = has_timers();
        let mut settled = timers && settles(&shared.node, Some(grace)).await;
        if !settled {
            shared.abort_all();
            settled = settles(&shared.node, timers.then_some(self.settle_within)).await;
        }
        let left = if settled { Vec::new() } else { watching.cleanups_left() };
        ShutdownReport::new(&watching, left)
    }

    /// How many tasks are running. One that was replaced or cancelled in its [slot](TaskSlot) does not count any more.
    pub fn len(&self) -> usize {
        self.shared.get().map_or(0, |shared| shared.len())
    }

    /// Whether no task is running.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Default for BackgroundTasks {
    fn default() -> Self {
        Self::new()
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
