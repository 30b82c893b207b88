//! Resources of one thread.

use std::{fmt, panic::resume_unwind, time::Duration};

use crate::{exit::Exit, resource::Resource, unseen::UnseenPanic};

mod keeper;
mod lease;
mod masked;

use lease::{LocalLease, report_release};

/// A [`Resource`] that stays on its thread: neither it nor its value need be `Send`; used by [`with_local`].
///
/// Every [`Resource`] is one, too. The methods are those of [`Resource`], and promise the same.
///
/// # Examples
///
/// See [`with_local`].
pub trait LocalResource: Sized + 'static {
    /// What the body works with.
    type Value: 'static;
    /// Why acquiring or releasing failed.
    type Error: fmt::Debug + 'static;

    /// As [`Resource::acquire`].
    ///
    /// # Errors
    ///
    /// Nothing was acquired; then neither the body nor [`release`](LocalResource::release) runs.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe: whatever becomes of its caller, it goes on, as long as its `LocalSet` and its time last.
    fn acquire(&mut self) -> impl Future<Output = Result<Self::Value, Self::Error>>;

    /// As [`Resource::release`].
    ///
    /// # Errors
    ///
    /// The value could not be released properly; it is gone all the same.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe either; cut short, its value goes with it, and [`abandon`](LocalResource::abandon) is told so.
    fn release(&mut self, value: Self::Value, exit: Exit) -> impl Future<Output = Result<(), Self::Error>>;

    /// As [`Resource::release_within`]; 30 s unless overridden.
    fn release_within(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// As [`Resource::abandon`]; also for a value whose `LocalSet` has ended.
    fn abandon(&mut self, value: Option<Self::Value>) {
        drop(value);
    }
}

impl<R: Resource> LocalResource for R {
    type Value = R::Value;
    type Error = R::Error;

    fn acquire(&mut self) -> impl Future<Output = Result<R::Value, R::Error>> {
        Resource::acquire(self)
    }

    fn release(&mut self, value: R::Value, exit: Exit) -> impl Future<Output = Result<(), R::Error>> {
        Resource::release(self, value, exit)
    }

    fn release_within(&self) -> Duration {
        Resource::release_within(self)
    }

    fn abandon(&mut self, value: Option<R::Value>) {
        Resource::abandon(self, value);
    }
}

/// Acquires, uses and releases like [`with`](crate::with), for what cannot be handed to another thread, such as an `Rc` or a client that is not `Send`.
///
/// It runs on a [`LocalSet`](tokio::task::LocalSet), in its `run_until` or in its tasks. As soon as something waits, it spawns one task there, which finishes
/// what a caller that goes away leaves behind. So that `LocalSet` has to be driven until the enclosing scope has returned: put the scope inside. One that
/// is dropped first, or with its runtime, loses the release, which is reported and counted in
/// [`lost_releases`](bowline_concurrency::lost_releases); then the value goes to [`LocalResource::abandon`].
///
/// Where the values are `Send`, use [`with`](crate::with), which needs no `LocalSet`.
///
/// # Errors
///
/// The error of the body, or else that of acquiring or releasing.
///
/// # Panics
///
/// As [`with`](crate::with); and outside of a `LocalSet`, as soon as something waits.
///
/// # Cancel safety
///
/// That of [`with`](crate::with): it may be dropped anywhere, also outside of the `LocalSet` whose thread it is on. The rest is done by the `LocalSet`, and the enclosing
/// scope, timeout or root waits for it.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, LocalResource, with_local};
/// use std::{cell::Cell, io, rc::Rc};
/// use tokio::task::LocalSet;
///
/// /// A client that is not `Send`.
/// struct Connect(Rc<Cell<u32>>);
///
/// impl LocalResource for Connect {
///     type Value = Rc<Cell<u32>>;
///     type Error = io::Error;
///
///     async fn acquire(&mut self) -> io::Result<Self::Value> {
///         Ok(self.0.clone())
///     }
///
///     async fn release(&mut self, queries: Self::Value, _exit: Exit) -> io::Result<()> {
///         tokio::task::yield_now().await; // Says goodbye to the server.
///         queries.set(0);
///         Ok(())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let queries = Rc::new(Cell::new(0));
/// let use_it = with_local(Connect(queries.clone()), async |client| {
///     client.set(client.get() + 1);
///     io::Result::Ok(client.get())
/// });
/// assert_eq!(LocalSet::new().run_until(use_it).await?, 1);
/// assert_eq!(queries.get(), 0);
/// # Ok(())
/// # }
/// ```
///
/// Such a value is refused by [`with`](crate::with):
///
/// ```compile_fail,E0277
/// use bowline_resources::{Exit, resource, with};
/// use std::{io, rc::Rc};
///
/// # async fn refused() -> io::Result<()> {
/// let client = resource(async || io::Result::Ok(Rc::new(7)), async |_: Rc<i32>, _: Exit| Ok(()));
/// with(client, async |_| io::Result::Ok(())).await
/// # }
/// ```
#[doc(alias = "LocalSet")]
#[doc(alias = "spawn_local")]
pub async fn with_local<R, T, E, F>(resource: R, body: F) -> Result<T, E>
where
    R: LocalResource,
    E: From<R::Error> + fmt::Debug,
    F: AsyncFnOnce(&mut R::Value) -> Result<T, E>,
{
    // Declared first, dropped last: the body is gone when the lease hands its release off.
    let mut lease = LocalLease::acquire(resource).await?;
    match lease.lend(body).await {
        Ok(Ok(output)) => {
            lease.end().await.unwrap_or_else(|payload| resume_unwind(payload))?;
            Ok(output)
        }
        Ok(Err(error)) => {
            report_release::<R>(lease.end().await);
            Err(error.into_inner())
        }
        Err(payload) => {
            let panic = UnseenPanic::new(payload);
            report_release::<R>(lease.end().await);
            panic.resume()
        }
    }
}
