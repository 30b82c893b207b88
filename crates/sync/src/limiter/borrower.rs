//! Who holds or awaits a permit, for those who say so.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher},
    // Not loom's: a number that nobody waits for.
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::task;

use super::AlreadyHolds;
use crate::primitive::{Mutex, lock};

/// One who borrows permits: at most one at a time from each [`Limiter`](super::Limiter), by [`acquire_as`](super::Limiter::acquire_as).
///
/// It may be whatever is not to wait for itself: a task, a request, a worker thread on behalf of which a task waits. Clones are the same borrower. Costs one
/// allocation.
///
/// # Examples
///
/// ```
/// use bowline_sync::Borrower;
///
/// let (worker, other) = (Borrower::named("worker"), Borrower::named("worker"));
/// assert_eq!(worker, worker.clone());
/// assert_ne!(worker, other); // the name is for people
/// assert_eq!(worker.name(), Some("worker"));
/// ```
#[derive(Clone)]
pub struct Borrower(Arc<Info>);

struct Info {
    identity: Identity,
    name: Option<Box<str>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Identity {
    Token(u64),
    Task(task::Id),
}

impl Borrower {
    /// Makes a borrower that is no other.
    #[expect(clippy::new_without_default, reason = "each one is another, which a default value should not be")]
    #[must_use]
    pub fn new() -> Self {
        Self::token(None)
    }

    /// Makes a borrower that is no other, with a name for messages.
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
        Self::token(Some(name.into().into_boxed_str()))
    }

    /// The running Tokio task; `None` outside of one. Every call in the same task gives the same borrower.
    #[must_use]
    pub fn current_task() -> Option<Self> {
        Some(Self(Arc::new(Info { identity: Identity::Task(task::try_id()?), name: None })))
    }

    /// The name that it was given.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    fn token(name: Option<Box<str>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: all that matters is that no number is given twice.
        let identity = Identity::Token(NEXT.fetch_add(1, Ordering::Relaxed));
        Self(Arc::new(Info { identity, name }))
    }
}

impl PartialEq for Borrower {
    fn eq(&self, other: &Self) -> bool {
        self.0.identity == other.0.identity
    }
}

impl Eq for Borrower {}

impl Hash for Borrower {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.identity.hash(state);
    }
}

impl fmt::Display for Borrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.identity, self.name()) {
            (Identity::Token(number), None) => write!(f, "borrower #{number}"),
            (Identity::Token(number), Some(name)) => write!(f, "borrower `{name}` #{number}"),
            (Identity::Task(id), _) => write!(f, "task {id}"),
        }
    }
}

impl fmt::Debug for Borrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A [`Borrower`] on the books of a limiter; from [`Limiter::borrowers`](super::Limiter::borrowers).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BorrowerStatistics {
    /// Who it is.
    pub borrower: Borrower,
    /// Whether it has its permit. One that was granted to a future that has not been polled since does not count yet.
    pub holds: bool,
}

/// The books of one limiter. The lock is never held together with that of the count.
#[derive(Debug)]
pub(super) struct Borrowers {
    /// Whether it holds. The hasher needs no seed: the numbers are ours.
    records: Mutex<HashMap<Borrower, bool, BuildHasherDefault<DefaultHasher>>>,
}

impl Borrowers {
    #[cfg(not(bowline_loom))]
    pub(super) const fn new() -> Self {
        Self { records: Mutex::new(HashMap::with_hasher(BuildHasherDefault::new())) }
    }

    #[cfg(bowline_loom)]
    pub(super) fn new() -> Self {
        Self { records: Mutex::new(HashMap::default()) }
    }

    /// Takes it down as one who waits.
    pub(super) fn enter(&self, borrower: &Borrower) -> Result<(), AlreadyHolds> {
        let mut records = lock(&self.records);
        if records.contains_key(borrower) {
            return Err(AlreadyHolds { borrower: borrower.clone() });
        }
        records.insert(borrower.clone(), false);
        Ok(())
    }

    /// It has its permit.
    pub(super) fn hold(&self, borrower: &Borrower) {
        if let Some(holds) = lock(&self.records).get_mut(borrower) {
            *holds = true;
        }
    }

    pub(super) fn leave(&self, borrower: &Borrower) {
        lock(&self.records).remove(borrower);
    }

    pub(super) fn list(&self) -> Vec<BorrowerStatistics> {
        let records = lock(&self.records);
        records
            .iter()
            .map(|(borrower, holds)| BorrowerStatistics { borrower: borrower.clone(), holds: *holds })
            .collect()
    }
}
