//! Hooks: code of the program's that hears of every task.

use std::{
    cell::Cell,
    fmt,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use super::is_on;
use crate::failure::Failure;

/// What a hook is told about a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskInfo {
    /// Its number, unique in the process.
    pub id: u64,
    /// The name that it was given.
    pub name: Option<Arc<str>>,
    /// Where in the source it was spawned or handed off.
    pub location: &'static Location<'static>,
}

/// Hears of every task that is spawned while inspection is on; see [`observe`].
///
/// Calls come on the thread that spawns, polls or drops the task, one after the other for one task: `spawned`, then `before_poll` and
/// `after_poll` in turns, then `exited`. A method that panics disables its instrument, the panic goes to the failure observer, and the
/// program goes on. What an instrument does itself no instrument hears of, nor of the tasks that it spawns and of those that they spawn. While
/// inspection is off nobody hears anything, of older tasks either: one that ends then has no `exited`.
pub trait Instrument: Send + Sync {
    /// A task was spawned, and has not run yet.
    fn spawned(&self, task: &TaskInfo) {
        let _ = task;
    }

    /// A task is about to be polled.
    fn before_poll(&self, task: &TaskInfo) {
        let _ = task;
    }

    /// A task was polled; it has suspended, ended or panicked.
    fn after_poll(&self, task: &TaskInfo) {
        let _ = task;
    }

    /// A task is gone, however it ended.
    fn exited(&self, task: &TaskInfo) {
        let _ = task;
    }
}

/// Adds an instrument, until the guard is dropped. It hears of nothing while [inspection](crate::inspect()) is off.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{inspect, inspect::{Instrument, TaskInfo}, scope};
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
///
/// struct Count(Arc<AtomicUsize>);
///
/// impl Instrument for Count {
///     fn exited(&self, _: &TaskInfo) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// inspect(true);
/// let exited = Arc::new(AtomicUsize::new(0));
/// let observing = inspect::observe(Count(exited.clone()));
/// scope(async |group| group.spawn(async {}).await).await;
/// assert_eq!(exited.load(Ordering::Relaxed), 1);
/// drop(observing);
/// # }
/// ```
#[doc(alias = "hook")]
pub fn observe(instrument: impl Instrument + 'static) -> Observing {
    let entry = Arc::new(Entry { instrument: Box::new(instrument), disabled: AtomicBool::new(false) });
    change(|entries| entries.push(entry.clone()));
    Observing { entry }
}

/// Keeps an instrument in place; see [`observe`].
#[must_use = "the instrument is removed when this is dropped"]
pub struct Observing {
    entry: Arc<Entry>,
}

impl Drop for Observing {
    /// A call that runs at this moment, on another thread, may still end.
    fn drop(&mut self) {
        change(|entries| entries.retain(|entry| !Arc::ptr_eq(entry, &self.entry)));
    }
}

impl fmt::Debug for Observing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observing").field("disabled", &self.entry.disabled).finish_non_exhaustive()
    }
}

struct Entry {
    instrument: Box<dyn Instrument>,
    disabled: AtomicBool,
}

type Entries = Vec<Arc<Entry>>;

static COUNT: AtomicUsize = AtomicUsize::new(0);
static ENTRIES: Mutex<Option<Arc<Entries>>> = Mutex::new(None);

/// Replaces the list: whoever is calling the instruments goes on with the old one.
fn change(act: impl FnOnce(&mut Entries)) {
    let old = {
        let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = entries.as_deref().cloned().unwrap_or_default();
        act(&mut new);
        // Relaxed: a task that runs at the same time may or may not be told of.
        COUNT.store(new.len(), Ordering::Relaxed);
        entries.replace(Arc::new(new))
    };
    drop(old); // It may be the last reference to an instrument of the user's.
}

thread_local! {
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread calls an instrument.
pub(super) fn is_telling() -> bool {
    TELLING.try_with(Cell::get).unwrap_or(false)
}

/// Calls every instrument that has not panicked. Never panics.
#[inline]
pub(super) fn tell(call: impl Fn(&dyn Instrument)) {
    // Relaxed: see `change`.
    if COUNT.load(Ordering::Relaxed) != 0 && is_on() {
        tell_all(&call);
    }
}

#[cold]
fn tell_all(call: &dyn Fn(&dyn Instrument)) {
    // An instrument that spawns would otherwise hear of that, and spawn.
    if TELLING.try_with(|telling| telling.replace(true)).unwrap_or(true) {
        return;
    }
    let entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for entry in entries.iter().flat_map(|entries| entries.iter()) {
        // Relaxed: a flag, and nothing behind it.
        if entry.disabled.load(Ordering::Relaxed) {
            continue;
        }
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| call(&*entry.instrument))) {
            entry.disabled.store(true, Ordering::Relaxed);
            Failure::panic("an instrument, which is now disabled,", payload).report();
        }
    }
    if catch_unwind(AssertUnwindSafe(|| drop(entries))).is_err() {
        // The destructor of an instrument that was removed while it was called: there is nobody else to be told.
        Failure::error_text("an instrument", &"its destructor panicked").report();
    }
    let _ = TELLING.try_with(|telling| telling.set(false));
}
