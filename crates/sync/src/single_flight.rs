//! Calls that share one execution.
//!
//! # Invariants
//!
//! 1. A flight that has not landed has exactly one leader: the call that runs its work, or a call that was granted the lead and has not been polled
//!    since. A leader that goes away without landing hands the lead to the first in line.
//! 2. A flight is in the map from its first call until it has landed, is forgotten, or its last call has left. One that has landed is never there, so whoever
//!    finds a flight waits for something that is still to come.
//! 3. Calls board under the lock of the map. Under it, a flight that is handed on has a next leader or is taken out.
//! 4. The lock of a flight is taken inside that of the map, never the other way round.
//! 5. Keys are hashed before the locks; keys and values are cloned and dropped, and wakers woken, after them. `Eq` runs under the lock of the map, before
//!    anything has changed: a panic there leaves everything as it was.

mod call;
#[cfg(all(test, bowline_loom))]
mod loom_tests;

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    sync::{Arc, OnceLock},
};

use self::call::{Call, Role, caught};
use crate::{
    inspected::Resource,
    keyed::{Keyed, hash_of},
    primitive::{Mutex, lock},
    wait_list::WaitList,
};

/// Runs one piece of work at a time for each key, for all who ask for it in the meantime.
///
/// The first call of a key, its *leader*, runs its work; calls that come before it has ended wait, and get a clone of the same value. Once it has ended
/// the key is unknown again: this is no cache, but it keeps a hundred misses of one from becoming a hundred requests. Calls of other keys do not
/// wait.
///
/// The work runs inside the caller's own future: nothing is spawned, it may borrow, and it is cancelled with its caller. Then the next call in line becomes
/// the leader, with its own work.
///
/// An error is a value like any other. One that cannot be cloned is shared in an `Arc`, and so is a large value.
///
/// Use `tokio::sync::OnceCell` to keep a value for good.
///
/// # Examples
///
/// ```
/// use std::{io, sync::Arc};
///
/// use bowline_sync::SingleFlight;
///
/// static PROFILES: SingleFlight<u64, Result<Arc<str>, Arc<io::Error>>> = SingleFlight::new();
///
/// async fn fetch(id: u64) -> io::Result<String> {
///     tokio::task::yield_now().await; // … a request …
///     if id == 0 { Err(io::ErrorKind::NotFound.into()) } else { Ok(format!("profile {id}")) }
/// }
///
/// async fn profile(id: u64) -> Result<Arc<str>, Arc<io::Error>> {
///     PROFILES.run(id, async || Ok(fetch(id).await?.into())).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Arc<io::Error>> {
/// let (first, second) = tokio::join!(profile(7), profile(7));
/// assert!(Arc::ptr_eq(&first?, &second?));
///
/// let (first, second) = tokio::join!(profile(0), profile(0));
/// assert!(Arc::ptr_eq(&first.unwrap_err(), &second.unwrap_err()));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "singleflight")]
#[doc(alias = "coalesce")]
#[doc(alias = "deduplicate")]
#[doc(alias = "stampede")]
pub struct SingleFlight<K, T> {
    flights: Mutex<Keyed<K, Arc<Flight<T>>>>,
    resource: Resource,
}

/// One execution.
struct Flight<T> {
    followers: Mutex<WaitList>,
    /// Written before the followers are granted, and only when there are any.
    landing: OnceLock<Landing<T>>,
}

/// How an execution has ended.
enum Landing<T> {
    Value(T),
    Panicked(String),
}

/// What a [`SingleFlight`] is doing at one moment; made by [`SingleFlight::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SingleFlightStatistics {
    /// How many keys are being worked on. Forgotten executions are not among them.
    pub keys: usize,
    /// How many calls wait for the work of another call for one of these keys.
    pub waiting: usize,
}

impl<K, T> SingleFlight<K, T> {
    /// Creates it without any key; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new() -> Self {
        Self { flights: Mutex::new(Keyed::new()), resource: Resource::new("single flight") }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new() -> Self {
        Self { flights: Mutex::new(Keyed::new()), resource: Resource::new("single flight") }
    }

    /// Runs `work`, or waits for the call that is running its own for the same key.
    ///
    /// The call takes part from its first poll on. Work that runs a call of its own key waits for itself, for ever.
    ///
    /// # Panics
    ///
    /// When `work` panics. The calls that wait for it panic too, with a message that names the key and repeats that of the panic: what
    /// they asked for has a bug, which an error next to the work's own errors would invite to treat as one of those. Later calls begin anew.
    ///
    /// A panic of the wakers of those who wait does not reach the leader, which returns its own value or panic.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future of a call that waits has no effect on the others. Dropping that of the leader drops its work, half done, and
    /// the call that has waited longest runs its own. When the last one is dropped nothing is left.
    ///
    /// A leader that is kept but not polled holds up all the others, and so does a call that has been woken to take over. If the caller may
    /// stop polling, as a `select!` by `&mut` does, spawn the call and wait for the task.
    pub fn run<F>(&self, key: K, work: F) -> impl Future<Output = T>
    where
        K: Eq + Hash + fmt::Debug,
        T: Clone,
        F: AsyncFnOnce() -> T,
    {
        let mut call = Call::new(self, key);
        async move {
            match call.board().await {
                // What is left of the work is dropped before the next call may lead: there are never two at work.
                Role::Leads => {
                    let outcome = caught(work).await;
                    call.land(outcome)
                }
                Role::Landed => call.landed(),
            }
        }
    }

    /// Makes later calls of the key begin anew. The present ones finish, together, as if nothing had happened.
    ///
    /// For whoever knows that the value under way is out of date.
    #[doc(alias = "invalidate")]
    pub fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let hash = hash_of(key);
        let forgotten = {
            let mut flights = lock(&self.flights);
            flights.find(hash, key).and_then(|slot| flights.remove(slot))
        };
        drop(forgotten);
    }

    /// Reports how many keys are being worked on and how many calls wait, as of one moment. Takes time proportional to the number of keys.
    #[must_use]
    pub fn statistics(&self) -> SingleFlightStatistics {
        let flights = lock(&self.flights);
        let waiting = flights.values().map(|flight| lock(&flight.followers).len()).sum();
        SingleFlightStatistics { keys: flights.len(), waiting }
    }
}

impl<K, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K, T> fmt::Debug for SingleFlight<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SingleFlightStatistics { keys, waiting } = self.statistics();
        f.debug_struct("SingleFlight").field("keys", &keys).field("waiting", &waiting).finish()
    }
}

impl<T> Flight<T> {
    fn new() -> Self {
        Self { followers: Mutex::new(WaitList::new()), landing: OnceLock::new() }
    }
}
