//! A value that its users share.

mod core;
mod errors;
mod guard;
mod idle;
mod keyed;
mod seat;
mod turn;

use std::{fmt, sync::Arc, time::Duration};

pub(crate) use self::core::Core;
pub use self::{
    errors::{Closed, ShareError},
    guard::SharedLease,
    keyed::KeyedShared,
};
use crate::{lease::Lease, resource::Resource};

/// A resource that its users share: acquired by the first, released when the last has left.
///
/// - At most one value is alive. Who comes while the last one is being released waits for that, and acquires anew.
/// - Who comes while the first user acquires waits for it, in the order of arrival. If that fails, the error is the first user's, and
///   the next one tries.
/// - [`idle_for`](Shared::idle_for): a value that nobody uses is kept for a while.
///
/// Errors and panics of releases whose caller has gone go to the observer
/// ([`Scope::observe_failures`](bowline_concurrency::Scope::observe_failures)).
///
/// Dropping it is closing it without waiting: an idle value is released in the background, and one in use by its last user. An idle value is not
/// waited for by any scope, so close it, or drop it, before its runtime ends. The runtime of the acquisition releases, others may use; if it
/// ends first, the release is lost and reported as such.
///
/// For a value that can be shared and dropped without an await take an `Arc` in a `tokio::sync::OnceCell`; for one that is used by one at a
/// time, a pool.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, Shared, resource};
/// use std::convert::Infallible;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connection = Shared::new(|| {
///     resource(async || Ok::<_, Infallible>("connected"), async |_, _: Exit| Ok(println!("closed")))
/// });
/// let (a, b) = tokio::join!(connection.get(), connection.get());
/// let (a, b) = (a?, b?);
/// assert_eq!(connection.statistics().acquired, 1);
/// assert_eq!(*a, "connected");
/// drop(a);
/// b.release().await?; // "closed"
/// assert!(!connection.statistics().is_alive);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "RcRef")]
#[doc(alias = "memoize")]
#[doc(alias = "refcount")]
pub struct Shared<R: Resource<Value: Sync>> {
    core: Arc<Core<R>>,
}

impl<R: Resource<Value: Sync>> Shared<R> {
    /// Nothing is acquired before [`get`](Shared::get). `make` makes the resource, for each acquisition anew.
    pub fn new(make: impl FnMut() -> R + Send + 'static) -> Self {
        Shared { core: Core::new(Box::new(make), Duration::ZERO) }
    }

    /// Keeps the value for that long when its last user has left; it is released at once unless set, and if `limit` is zero.
    ///
    /// Who comes in that time uses it, and the time begins anew when the last one has left. It is measured by a task on the
    /// runtime of the acquisition, which no scope waits for.
    #[must_use]
    pub fn idle_for(self, limit: Duration) -> Self {
        self.core.set_idle_for(limit);
        self
    }

    /// The value: that of the others, or a new one.
    ///
    /// # Errors
    ///
    /// [`ShareError::Failed`] with the error of the acquisition; [`ShareError::Closed`].
    ///
    /// # Panics
    ///
    /// With a panic of the acquisition or of the closure; and outside a Tokio runtime. The next user acquires anew.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any point. While it waits, it loses its place. An acquisition is finished in the background, and the enclosing scope
    /// waits for that: others who wait then have the value; if there are none, it is released, or kept as an idle one.
    ///
    /// The others wait for it: poll it to its end or drop it, and do not keep it aside half-done.
    pub async fn get(&self) -> Result<SharedLease<R>, ShareError<R::Error>> {
        Arc::clone(&self.core).get().await
    }

    /// Refuses newcomers, releases an idle value at once, and waits until the users of another one have left and it has been released.
    ///
    /// Who waits to acquire is refused, too. Who holds a share and awaits this waits for itself.
    ///
    /// # Errors
    ///
    /// That of the release of an idle value. That of another one is its last user's.
    ///
    /// # Panics
    ///
    /// With a panic of that release.
    ///
    /// # Cancel safety
    ///
    /// From the first poll on it is closed. Dropped half-way, the release is done in the background.
    pub async fn close(&self) -> Result<(), R::Error> {
        self.core.close().await
    }

    /// What is going on.
    pub fn statistics(&self) -> SharedStatistics {
        let state = self.core.state();
        SharedStatistics { users: state.seats, is_alive: state.current.is_some(), acquired: state.acquired }
    }
}

/// What is going on with a [`Shared`] resource; from [`Shared::statistics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SharedStatistics {
    /// How many shares are out, and how many callers wait for one.
    pub users: usize,
    /// Whether there is a value, in use or idle. One that is being released is not counted.
    pub is_alive: bool,
    /// How often it was acquired so far.
    pub acquired: u64,
}

impl<R: Resource<Value: Sync>> Drop for Shared<R> {
    fn drop(&mut self) {
        drop(self.core.refuse().map(Lease::release)); // Handed off.
    }
}

impl<R: Resource<Value: Sync>> fmt::Debug for Shared<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SharedStatistics { users, is_alive, acquired } = self.statistics();
        let mut shared = f.debug_struct("Shared");
        shared.field("users", &users).field("is_alive", &is_alive).field("acquired", &acquired).finish()
    }
}
