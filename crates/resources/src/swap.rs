//! A value that is replaced while it is in use.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bowline_concurrency::Failure;
use thiserror::Error;
use tokio::sync::Mutex as Line;

use crate::{
    held::name,
    resource::Resource,
    shared::{Closed, Core, ShareError, SharedLease},
};

/// A value that can be replaced by a newer one while it is in use: a configuration, a log file that is rotated, a connection after a failover.
///
/// - [`get`](Swap::get) gives the current value, and never waits: not for a slow [`swap`](Swap::swap) either.
/// - The new one is acquired before the old one is let go. If that fails, the old one stays.
/// - The old one stays alive for those who use it, and is released when the last of them has left.
///
/// Dropped, it lets go of the current value, whose last user releases it.
///
/// For a value that needs no release take a `tokio::sync::watch`.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, Resource, Swap, resource};
/// use std::convert::Infallible;
///
/// fn config(version: u32) -> impl Resource<Value = u32, Error = Infallible> {
///     resource(async move || Ok(version), async |version, _: Exit| Ok(println!("{version} is gone")))
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let current = Swap::new(config(1)).await?;
/// assert_eq!(*current.get()?, 1);
/// current.swap(config(2)).await?; // "1 is gone"
/// assert_eq!(*current.get()?, 2);
/// current.close().await?; // "2 is gone"
/// assert!(current.get().is_err());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "Hotswap")]
#[doc(alias = "ArcSwap")]
#[doc(alias = "reload")]
pub struct Swap<R: Resource<Value: Sync>> {
    /// The share of this; `None` when it is closed.
    current: Mutex<Option<SharedLease<R>>>,
    /// One swap after the other.
    line: Line<()>,
}

impl<R: Resource<Value: Sync>> Swap<R> {
    /// Acquires the first value.
    ///
    /// # Errors
    ///
    /// That of the acquisition.
    ///
    /// # Panics
    ///
    /// With a panic of the acquisition; and outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, there is no `Swap`: a value that was on its way is released as soon as it is there, and the enclosing scope waits for that.
    pub async fn new(resource: R) -> Result<Self, R::Error> {
        let current = Mutex::new(Some(acquire(resource).await?));
        Ok(Swap { current, line: Line::new(()) })
    }

    /// The current value. It stays what it is for as long as the share is kept.
    ///
    /// # Errors
    ///
    /// It has been closed.
    pub fn get(&self) -> Result<SharedLease<R>, Closed> {
        self.current().clone().ok_or(Closed)
    }

    /// Acquires the new value and puts it in the place of the old one; then waits until the users of the old one have left and
    /// it has been released.
    ///
    /// So at most two are alive, and who holds a share of the old one and awaits this waits for itself. Several swaps are done one after the
    /// other, in the order of their first polls.
    ///
    /// # Errors
    ///
    /// [`SwapError::Acquire`]: the old value stays. [`SwapError::Release`]: the new one is in place, and the release of the old one, which
    /// nobody used any more, failed. (That of one in use is its last user's.) [`SwapError::Closed`].
    ///
    /// # Panics
    ///
    /// With a panic of the acquisition: the old one stays; or of such a release; and outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any point. Before the new value is acquired, the old one stays, and the new one is released in the
    /// background as soon as it is there. After that the new one is in place, and the old one is released without this.
    pub async fn swap(&self, new: R) -> Result<(), SwapError<R::Error>> {
        let _line = self.line.lock().await;
        if self.current().is_none() {
            return Err(SwapError::Closed);
        }
        let new = acquire(new).await.map_err(SwapError::Acquire)?;
        match self.replace(new) {
            Ok(old) => end(old).await.map_err(SwapError::Release),
            Err(unused) => {
                if let Err(error) = end(unused).await {
                    Failure::error(name::<R>("the release of"), error).report();
                }
                Err(SwapError::Closed)
            }
        }
    }

    /// Returns the old share; or the new one, if it is closed.
    fn replace(&self, new: SharedLease<R>) -> Result<SharedLease<R>, SharedLease<R>> {
        match &mut *self.current() {
            Some(current) => Ok(mem::replace(current, new)),
            None => Err(new),
        }
    }

    /// Refuses newcomers, and waits until the users of the current value have left and it has been released, and until a swap
    /// that runs has ended.
    ///
    /// Who holds a share and awaits this waits for itself.
    ///
    /// # Errors
    ///
    /// That of the release, if nobody used the value any more; else it is its last user's.
    ///
    /// # Panics
    ///
    /// With a panic of that release.
    ///
    /// # Cancel safety
    ///
    /// From the first poll on it is closed. Dropped half-way, the value is released without this, by its last user or in the background.
    pub async fn close(&self) -> Result<(), R::Error> {
        let current = self.current().take();
        let outcome = match current {
            Some(current) => end(current).await,
            None => Ok(()),
        };
        drop(self.line.lock().await);
        outcome
    }

    fn current(&self) -> MutexGuard<'_, Option<SharedLease<R>>> {
        self.current.lock().expect("nothing under the lock panics: shares are cloned and moved")
    }
}

async fn acquire<R: Resource<Value: Sync>>(resource: R) -> Result<SharedLease<R>, R::Error> {
    let mut resource = Some(resource);
    let make = move || resource.take().expect("a resource of a swap is acquired once");
    match Core::new(Box::new(make), Duration::ZERO).get().await {
        Ok(share) => Ok(share),
        Err(ShareError::Failed(error)) => Err(error),
        Err(ShareError::Closed) => unreachable!("nobody else knows it"),
    }
}

/// Gives the share back, and waits until the value has been released.
async fn end<R: Resource<Value: Sync>>(share: SharedLease<R>) -> Result<(), R::Error> {
    let core = Arc::clone(share.core());
    share.release().await?;
    core.close().await
}

/// Why [`Swap::swap`] failed, and so which value is current.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SwapError<E> {
    /// The new value could not be acquired: the old one is current.
    #[error("the old value stays, since the new one could not be acquired")]
    Acquire(#[source] E),
    /// The release of the old value failed: the new one is current.
    #[error("the new value is in place, but the old one was not released properly")]
    Release(#[source] E),
    /// It was closed before the new value was in place. The new one is not alive.
    #[error("{Closed}")]
    Closed,
}

impl<R: Resource<Value: Sync + fmt::Debug>> fmt::Debug for Swap<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let current = self.get().ok();
        f.debug_struct("Swap").field("current", &current).finish_non_exhaustive()
    }
}
