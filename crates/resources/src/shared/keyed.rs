//! One shared resource for each key.
//!
//! The list has a weak entry for each key in use. The entry goes with the last one who knows its core: a user, one who waits, an idle value, a
//! release that runs (all of them have the core). So a key has one core as long as a value of it may be alive.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use bowline_concurrency::{Failure, gather};

use super::{
    core::Core,
    errors::{Closed, ShareError},
    guard::SharedLease,
};
use crate::{held::name, resource::Resource};

/// One [`Shared`](crate::Shared) resource for each key: a connection per host, a file per path.
///
/// The promises are those of [`Shared`](crate::Shared), key by key; keys do not wait for each other. Nothing is kept for a key that nobody uses.
///
/// Dropping it is closing it without waiting.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, KeyedShared, resource};
/// use std::{convert::Infallible, sync::Arc};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connections = KeyedShared::new(|host: &String| {
///     let host = host.clone();
///     resource(async move || Ok::<_, Infallible>(format!("connection to {host}")), async |_, _: Exit| Ok(()))
/// });
/// let a = connections.get("a.example".to_owned()).await?;
/// let again = connections.get("a.example".to_owned()).await?;
/// assert!(std::ptr::eq(&*a, &*again)); // Acquired once.
/// assert_eq!(connections.len(), 1);
/// drop(again);
/// a.release().await?;
/// assert!(connections.is_empty());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "RcMap")]
pub struct KeyedShared<K, R>
where
    K: Eq + Hash + Send + Sync + 'static,
    R: Resource<Value: Sync>,
{
    list: Arc<List<K, R>>,
    idle_for: Duration,
}

/// The keys in use.
struct List<K: Eq + Hash, R: Resource<Value: Sync>> {
    entries: Mutex<Entries<K, R>>,
    make: Box<dyn Fn(&K) -> R + Send + Sync>,
}

struct Entries<K, R: Resource<Value: Sync>> {
    cores: HashMap<Arc<K>, Weak<Core<R>>>,
    is_closed: bool,
}

/// The claim of a core to its entry.
struct Entry<K: Eq + Hash, R: Resource<Value: Sync>> {
    list: Arc<List<K, R>>,
    key: Arc<K>,
}

impl<K, R> KeyedShared<K, R>
where
    K: Eq + Hash + Send + Sync + 'static,
    R: Resource<Value: Sync>,
{
    /// Nothing is acquired before [`get`](KeyedShared::get). `make` makes the resource of a key, for each acquisition anew.
    pub fn new(make: impl Fn(&K) -> R + Send + Sync + 'static) -> Self {
        let entries = Mutex::new(Entries { cores: HashMap::new(), is_closed: false });
        KeyedShared { list: Arc::new(List { entries, make: Box::new(make) }), idle_for: Duration::ZERO }
    }

    /// Keeps a value that nobody uses for that long; see [`Shared::idle_for`](crate::Shared::idle_for).
    ///
    /// It holds for keys that come into use from now on.
    #[must_use]
    pub fn idle_for(mut self, limit: Duration) -> Self {
        self.idle_for = limit;
        self
    }

    /// The value of the key: that of the others who use it, or a new one; otherwise like [`Shared::get`](crate::Shared::get).
    ///
    /// # Errors
    ///
    /// [`ShareError::Failed`] with the error of the acquisition; [`ShareError::Closed`].
    ///
    /// # Panics
    ///
    /// With a panic of the acquisition or of the closure; and outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// That of [`Shared::get`](crate::Shared::get).
    pub async fn get(&self, key: K) -> Result<SharedLease<R>, ShareError<R::Error>> {
        let core = self.core(Arc::new(key))?;
        core.get().await
    }

    fn core(&self, key: Arc<K>) -> Result<Arc<Core<R>>, Closed> {
        let mut entries = self.list.entries();
        if entries.is_closed {
            return Err(Closed);
        }
        if let Some(core) = entries.cores.get(&*key).and_then(Weak::upgrade) {
            return Ok(core);
        }
        // Perhaps there is the entry of a core that is just going. It will leave this one alone.
        let entry = Entry { list: Arc::clone(&self.list), key: Arc::clone(&key) };
        let core = Core::new(Box::new(move || (entry.list.make)(&entry.key)), self.idle_for);
        entries.cores.insert(key, Arc::downgrade(&core));
        Ok(core)
    }

    /// How many keys are in use: by somebody who has the value or waits for it, by one that is idle, or by a release that runs.
    pub fn len(&self) -> usize {
        self.list.entries().cores.len()
    }

    /// Whether nothing is in use.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Closes all: refuses newcomers, releases what is idle at once, and waits until the users of the rest have left and
    /// that has been released.
    ///
    /// Who holds a share and awaits this waits for itself.
    ///
    /// # Errors
    ///
    /// The first of those of the releases that were due here. The other ones, and those of the users' releases, go to their callers or to the observer.
    ///
    /// # Panics
    ///
    /// With a panic of such a release.
    ///
    /// # Cancel safety
    ///
    /// From the first poll on it is closed. Dropped half-way, the releases are done in the background.
    pub async fn close(&self) -> Result<(), R::Error> {
        let cores = self.list.refuse();
        let mut first = Ok(());
        for outcome in gather(cores.iter().map(|core| core.close())).await {
            match outcome {
                Err(error) if first.is_err() => Failure::error(name::<R>("the release of"), error).report(),
                Err(error) => first = Err(error),
                Ok(()) => {}
            }
        }
        first
    }
}

impl<K: Eq + Hash, R: Resource<Value: Sync>> List<K, R> {
    fn entries(&self) -> MutexGuard<'_, Entries<K, R>> {
        // Hashing and comparing keys may panic; a look-up that did has changed nothing.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse(&self) -> Vec<Arc<Core<R>>> {
        let mut entries = self.entries();
        entries.is_closed = true;
        entries.cores.values().filter_map(Weak::upgrade).collect()
    }
}

impl<K, R> Drop for KeyedShared<K, R>
where
    K: Eq + Hash + Send + Sync + 'static,
    R: Resource<Value: Sync>,
{
    fn drop(&mut self) {
        for core in self.list.refuse() {
            drop(core.refuse().map(crate::lease::Lease::release)); // Handed off.
        }
    }
}

impl<K: Eq + Hash, R: Resource<Value: Sync>> Drop for Entry<K, R> {
    fn drop(&mut self) {
        let mut entries = self.list.entries();
        let is_gone = entries.cores.get(&*self.key).is_some_and(|core| core.strong_count() == 0);
        let entry = if is_gone { entries.cores.remove_entry(&*self.key) } else { None };
        // Not in the statement above: a key is the user's to drop.
        drop(entries);
        drop(entry);
    }
}

impl<K, R> fmt::Debug for KeyedShared<K, R>
where
    K: Eq + Hash + Send + Sync + 'static,
    R: Resource<Value: Sync>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedShared").field("len", &self.len()).finish_non_exhaustive()
    }
}
