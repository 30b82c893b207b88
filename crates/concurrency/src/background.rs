//! Background tasks: started here, awaited at shutdown.

use std::{
    any::Any,
    collections::BTreeMap,
    fmt,
    panic::Location,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
    thread,
    time::Duration,
};

use tokio::{
    runtime::Handle,
    task::{AbortHandle, JoinHandle},
    time::timeout,
};

use crate::{
    child::{Child, Ending},
    current,
    failure::Failure,
    live::Tracked,
    node::{Label, Node},
    reason::Reason,
    settle::Settle,
    spawner::SpawnError,
};

/// How long [`BackgroundTasks::shutdown`] waits for tasks that it aborted before it calls them stuck.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Tasks that run beside the rest of the program until it shuts them down.
///
/// A task is forgotten when it ends. A failure of one touches no other: it goes to the observer (see
/// [`Scope::observe_failures`](crate::Scope::observe_failures)). Dropping the value aborts what still runs, and the enclosing scope
/// waits for it. It works in a `static`; but a static is never dropped: shut it down before the root returns, or the end of the
/// runtime cuts its tasks short.
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
}

struct Shared {
    node: Arc<Node>,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    next: u64,
    live: BTreeMap<u64, Entry>,
    phase: Phase,
    finished: u64,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Open,
    /// Takes no more tasks.
    Closed,
    /// Aborts every task, also one that was being spawned when the others were aborted.
    Aborting,
}

struct Entry {
    name: Arc<str>,
    /// `None` between the entry and the spawn.
    abort: Option<AbortHandle>,
}

impl BackgroundTasks {
    /// No tasks yet.
    pub const fn new() -> Self {
        BackgroundTasks { shared: OnceLock::new() }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.shared.get_or_init(|| {
            let node = Node::new(Label::Fixed("background tasks"), Some(current::current()));
            Arc::new(Shared { node, tasks: Mutex::default() })
        })
    }

    /// Starts a task. Dropping the handle does not cancel it.
    ///
    /// Its output is a value, whatever it is, and is dropped with the handle: a task that may fail belongs to
    /// [`try_spawn`](BackgroundTasks::try_spawn), whose error is heard of.
    ///
    /// # Errors
    ///
    /// After [`shutdown`](BackgroundTasks::shutdown) has begun, and outside a Tokio runtime; the future comes back.
    #[track_caller]
    pub fn spawn<F>(&self, name: impl Into<String>, future: F) -> Result<BackgroundTask<F::Output>, SpawnError<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.start(name.into(), future, Ok, Location::caller())
    }

    /// Starts a task whose error goes to the observer under the name of the task.
    ///
    /// # Errors
    ///
    /// After [`shutdown`](BackgroundTasks::shutdown) has begun, and outside a Tokio runtime; the future comes back.
    #[track_caller]
    pub fn try_spawn<T, E, F>(&self, name: impl Into<String>, future: F) -> Result<BackgroundTask<T>, SpawnError<F>>
    where
        T: Send + 'static,
        E: fmt::Debug + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let name: String = name.into();
        let origin = name.clone();
        let judge = move |output: Result<T, E>| output.map_err(|error| Failure::error(origin, error));
        self.start(name, future, judge, Location::caller())
    }

    fn start<F, T>(
        &self,
        name: String,
        future: F,
        judge: impl FnOnce(F::Output) -> Result<T, Failure> + Send + 'static,
        location: &'static Location<'static>,
    ) -> Result<BackgroundTask<T>, SpawnError<F>>
    where
        F: Future + Send + 'static,
        T: Send + 'static,
    {
        let Ok(runtime) = Handle::try_current() else { return Err(SpawnError(future)) };
        let shared = self.shared();
        let name: Arc<str> = name.into();
        let Some((key, hold)) = shared.tasks(|tasks| {
            // Under the lock, so that a shutdown either finds the task or refuses it.
            let hold = if tasks.phase == Phase::Open { shared.node.add_child() } else { None }?;
            let key = tasks.next;
            tasks.next += 1;
            tasks.live.insert(key, Entry { name: name.clone(), abort: None });
            Some((key, hold))
        }) else {
            return Err(SpawnError(future));
        };
        let tracked = Tracked::new(Some(&name), shared.node.label(), location);
        let ending = BackgroundEnding { shared: shared.clone(), key, name, judge };
        let handle = runtime.spawn(Child::new(future, ending, tracked, hold));
        let abort = handle.abort_handle();
        let too_late = shared.tasks(|tasks| {
            if let Some(entry) = tasks.live.get_mut(&key) {
                entry.abort = Some(abort.clone());
            }
            tasks.phase == Phase::Aborting
        });
        if too_late {
            abort.abort();
        }
        Ok(BackgroundTask { handle })
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
        let before = shared.tasks(|tasks| {
            tasks.phase = tasks.phase.max(Phase::Closed);
            tasks.names()
        });
        shared.node.cancel(Reason::Shutdown);
        let mut settled = timeout(grace, Settle::new(&shared.node)).await.is_ok();
        let aborted = if settled { Names::new() } else { shared.abort_all() };
        if !settled {
            settled = timeout(STUCK_AFTER, Settle::new(&shared.node)).await.is_ok();
        }
        let stuck = shared.tasks(|tasks| tasks.names());
        let left = if settled { Vec::new() } else { shared.node.stragglers() };
        ShutdownReport {
            finished: shared.tasks(|tasks| tasks.finished),
            cooperative: without(&before, &aborted),
            aborted: without(&aborted, &stuck),
            stuck: stuck.values().map(ToString::to_string).chain(left).collect(),
        }
    }

    /// How many tasks are running.
    pub fn len(&self) -> usize {
        self.shared.get().map_or(0, |shared| shared.tasks(|tasks| tasks.live.len()))
    }

    /// Whether no task is running.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Shared {
    fn tasks<T>(&self, act: impl FnOnce(&mut Tasks) -> T) -> T {
        act(&mut self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Aborts what runs, and says what that was.
    fn abort_all(&self) -> Names {
        let (names, handles) = self.tasks(|tasks| {
            tasks.phase = Phase::Aborting;
            let handles: Vec<_> = tasks.live.values().filter_map(|entry| entry.abort.clone()).collect();
            (tasks.names(), handles)
        });
        handles.iter().for_each(AbortHandle::abort);
        names
    }
}

/// Names of tasks by their keys: names need not be unique.
type Names = BTreeMap<u64, Arc<str>>;

impl Tasks {
    fn names(&self) -> Names {
        self.live.iter().map(|(key, entry)| (*key, entry.name.clone())).collect()
    }
}

fn without(names: &Names, gone: &Names) -> Vec<String> {
    names.iter().filter(|(key, _)| !gone.contains_key(key)).map(|(_, name)| name.to_string()).collect()
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
        f.debug_struct("BackgroundTasks").field("len", &self.len()).finish()
    }
}

/// How a task of [`BackgroundTasks`] ends: it is forgotten, and its failure is reported.
struct BackgroundEnding<J> {
    shared: Arc<Shared>,
    key: u64,
    name: Arc<str>,
    judge: J,
}

impl<J> BackgroundEnding<J> {
    fn forget(&self, finished: bool) {
        let entry = self.shared.tasks(|tasks| {
            tasks.finished += u64::from(finished);
            tasks.live.remove(&self.key)
        });
        drop(entry);
    }
}

impl<O, T, J: FnOnce(O) -> Result<T, Failure>> Ending<O> for BackgroundEnding<J> {
    type Value = T;

    fn done(self, outcome: thread::Result<O>) -> Option<T> {
        self.forget(true);
        let result = match outcome {
            Ok(output) => (self.judge)(output),
            Err(payload) => Err(Failure::panic(&*self.name, payload)),
        };
        result.map_err(|failure| failure.report_from(self.shared.node.clone())).ok()
    }

    fn dropped(self, panicked: Option<Box<dyn Any + Send>>) {
        self.forget(false);
        if let Some(payload) = panicked {
            Failure::panic(&*self.name, payload).report_from(self.shared.node.clone());
        }
    }
}

/// Handle of a background task; awaiting it gives the task's value.
///
/// `None`: the task was aborted, panicked or, started with [`try_spawn`](BackgroundTasks::try_spawn), failed. Panics and
/// errors have been reported to the observer.
///
/// # Cancel safety
///
/// Dropping the handle does not cancel the task; only its value is lost.
#[derive(Debug)]
pub struct BackgroundTask<T> {
    handle: JoinHandle<Option<T>>,
}

impl<T> BackgroundTask<T> {
    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

impl<T> Future for BackgroundTask<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.handle).poll(cx).map(|joined| joined.ok().flatten())
    }
}

/// What became of the tasks of a [`BackgroundTasks`] that was shut down, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// How many tasks had ended by themselves, since the beginning.
    pub finished: u64,
    /// Tasks that ended within the grace.
    pub cooperative: Vec<String>,
    /// Tasks that were aborted after the grace.
    pub aborted: Vec<String>,
    /// Tasks and cleanups that were not gone 5 s after they were aborted, and run on.
    pub stuck: Vec<String>,
}
