//! A resource made of two closures.

use std::{fmt, time::Duration};

use crate::{exit::Exit, resource::Resource};

/// Makes a [`Resource`] of two functions: one acquires the value, one releases it and is told how its use ended.
///
/// Both are called at most once; `async` closures fit. For one that is to be acquired again, as by a pool, give it closures that can be cloned.
///
/// # Examples
///
/// All three arms of a database session: committed, rolled back, and closed after either.
///
/// ```
/// use bowline_resources::{Exit, resource, with};
/// # use std::io;
/// # #[derive(Clone)]
/// # struct Session;
/// # impl Session {
/// #     async fn open() -> io::Result<Session> { Ok(Session) }
/// #     async fn commit(&mut self) -> io::Result<()> { Ok(()) }
/// #     async fn rollback(&mut self) -> io::Result<()> { Ok(()) }
/// #     async fn store(&mut self, _: &str) -> io::Result<u32> { Ok(1) }
/// #     async fn close(self) -> io::Result<()> { Ok(()) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let session = resource(Session::open, async |mut session: Session, exit: Exit| {
///     let ended = if exit.is_completed() { session.commit().await } else { session.rollback().await };
///     session.close().await?; // Even after a rollback that failed.
///     ended
/// });
/// let stored = with(session, async |session| session.store("ada").await).await?;
/// assert_eq!(stored, 1);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "asynccontextmanager")]
#[doc(alias = "make")]
pub fn resource<V, E, A, AcquireFuture, R, ReleaseFuture>(acquire: A, release: R) -> FromFns<A, R>
where
    A: FnOnce() -> AcquireFuture + Send + 'static,
    AcquireFuture: Future<Output = Result<V, E>> + Send,
    R: FnOnce(V, Exit) -> ReleaseFuture + Send + 'static,
    ReleaseFuture: Future<Output = Result<(), E>> + Send,
{
    FromFns { acquire: Some(acquire), release: Some(release), release_within: None }
}

/// A resource made of two functions, by [`resource`].
#[derive(Clone)]
pub struct FromFns<A, R> {
    /// `None` once it has been called.
    acquire: Option<A>,
    release: Option<R>,
    release_within: Option<Duration>,
}

impl<A, R> FromFns<A, R> {
    /// Sets [`Resource::release_within`]; 30 s by default.
    #[must_use]
    pub fn release_within(mut self, budget: Duration) -> Self {
        self.release_within = Some(budget);
        self
    }
}

impl<V, E, A, AcquireFuture, R, ReleaseFuture> Resource for FromFns<A, R>
where
    V: Send + 'static,
    E: fmt::Debug + Send + 'static,
    A: FnOnce() -> AcquireFuture + Send + 'static,
    AcquireFuture: Future<Output = Result<V, E>> + Send,
    R: FnOnce(V, Exit) -> ReleaseFuture + Send + 'static,
    ReleaseFuture: Future<Output = Result<(), E>> + Send,
{
    type Value = V;
    type Error = E;

    async fn acquire(&mut self) -> Result<V, E> {
        let acquire = self.acquire.take().expect("a resource is acquired once");
        acquire().await
    }

    async fn release(&mut self, value: V, exit: Exit) -> Result<(), E> {
        let release = self.release.take().expect("a resource is released once");
        release(value, exit).await
    }

    fn release_within(&self) -> Duration {
        self.release_within.unwrap_or(Duration::from_secs(30))
    }
}

impl<A, R> fmt::Debug for FromFns<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FromFns").field("release_within", &self.release_within).finish_non_exhaustive()
    }
}
