//! The list of live tasks, for tests and for programs that hang.

use std::{
    collections::BTreeMap,
    fmt,
    panic::Location,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::node::Node;

static TRACKING: AtomicBool = AtomicBool::new(false);
static LIVE: Mutex<Registry> = Mutex::new(Registry { next: 0, tasks: BTreeMap::new() });

struct Registry {
    next: u64,
    tasks: BTreeMap<u64, LiveTask>,
}

/// A task that has not ended yet; see [`live_tasks`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveTask {
    /// The name that it was given.
    pub name: Option<String>,
    /// What its scope is called.
    pub scope: String,
    /// Where in the source it was spawned or handed off.
    pub location: &'static Location<'static>,
}

impl fmt::Display for LiveTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("a task without a name");
        write!(f, "{name} in {}, spawned at {}:{}", self.scope, self.location.file(), self.location.line())
    }
}

/// Switches the list of live tasks on or off, for the whole process.
///
/// It is off by default; then a task costs one relaxed load. Tasks that were spawned while it was off are not listed.
pub fn track_live_tasks(on: bool) {
    // Relaxed: the switch orders nothing; a task spawned at the same instant may or may not be listed.
    TRACKING.store(on, Ordering::Relaxed);
}

/// The tasks that were spawned while the list was on and have not ended yet, oldest first.
///
/// ```
/// use bowline_concurrency::{live_tasks, scope, track_live_tasks};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// track_live_tasks(true);
/// scope(async |group| {
///     group.named("slow").spawn(std::future::ready(()));
///     assert!(live_tasks().iter().any(|task| task.name.as_deref() == Some("slow")));
/// })
/// .await;
/// assert!(!live_tasks().iter().any(|task| task.name.as_deref() == Some("slow")));
/// # }
/// ```
pub fn live_tasks() -> Vec<LiveTask> {
    registry(|live| live.tasks.values().cloned().collect())
}

/// Whether tasks are listed.
#[inline]
pub(crate) fn is_tracking() -> bool {
    // Relaxed: see `track_live_tasks`.
    TRACKING.load(Ordering::Relaxed)
}

/// Keeps a task on the list until it is dropped.
#[derive(Debug)]
pub(crate) struct Tracked(u64);

impl Tracked {
    /// `None` while the list is off.
    #[inline]
    pub(crate) fn new(
        name: Option<&dyn fmt::Display>,
        scope: &Node,
        location: &'static Location<'static>,
    ) -> Option<Self> {
        if !is_tracking() {
            return None;
        }
        let task = LiveTask { name: name.map(ToString::to_string), scope: scope.label().to_string(), location };
        Some(registry(|live| {
            let key = live.next;
            live.next += 1;
            live.tasks.insert(key, task);
            Tracked(key)
        }))
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        let task = registry(|live| live.tasks.remove(&self.0));
        drop(task);
    }
}

fn registry<T>(act: impl FnOnce(&mut Registry) -> T) -> T {
    act(&mut LIVE.lock().unwrap_or_else(PoisonError::into_inner))
}
