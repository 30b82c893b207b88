//! A bounded number of values that are used again and again.

mod as_resource;
mod as_source;
mod background;
mod builder;
mod checkout;
mod close;
mod errors;
mod fill;
mod place;
mod pooled;
mod recycle;
mod shared;
mod state;
mod statistics;
mod tenant;
mod turn;

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use bowline_concurrency::inspect;

pub use self::{
    as_resource::PoolCheckout,
    builder::PoolBuilder,
    checkout::Checkout,
    close::CloseReport,
    errors::{AcquireError, GiveBackError, TryAcquireError},
    pooled::Pooled,
    statistics::{Destroyed, PoolStatistics},
};
use self::{as_resource::Taken, builder::Config, close::Owner, shared::Shared};
use crate::with::with;

/// Lends values of a resource that are expensive to make, such as connections: at most so many at a time, each to one user at a time, and
/// cleaned in between.
///
/// A handle, cheap to clone. Values are created when they are asked for and none is idle; the latest used is taken first.
///
/// - **Bounded**: a value that is being created, reset or destroyed counts, too. So there are never more than `max_size`, and a broken one is replaced
///   when it has gone: at the latest after [`recycle_timeout`](PoolBuilder::recycle_timeout) and [`release_within`](crate::Resource::release_within) of its resource.
/// - **Fair**: who asks first is served first. One whose value turned out to be broken keeps his place in the line.
/// - **Clean**: a value that comes back is [reset](Pooled::reset) before anybody else gets it. If that fails, or its use
///   [ended badly](Pooled::is_reusable_after), it is destroyed.
/// - **Nothing is lost**: every value is released once, and its place comes back, whatever is dropped, fails, panics or hangs on the way.
///
/// [`close`](Pool::close) ends it in order. With the last handle it closes, too, but nobody waits except the scope.
///
/// One value that many use at the same time needs no pool. A limit on something that needs no value is a semaphore.
///
/// # Examples
///
/// ```
/// use bowline_resources::{AcquireError, Exit, Pool, resource};
/// use std::{io, num::NonZeroUsize, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), AcquireError<io::Error>> {
/// let connect = resource(async || io::Result::Ok(Vec::new()), async |_: Vec<&str>, _: Exit| Ok(()));
/// let pool = Pool::new(connect, NonZeroUsize::MIN);
///
/// pool.with(async |connection| {
///     connection.push("first");
///     Ok::<_, AcquireError<io::Error>>(())
/// })
/// .await?;
///
/// let mut connection = pool.acquire().await?;
/// connection.push("second");
/// assert_eq!(*connection, ["first", "second"]); // The same one.
/// drop(connection);
///
/// let report = pool.close(Duration::from_secs(5)).await;
/// assert_eq!(report.to_string(), "1 released");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "connection pool")]
#[doc(alias = "object pool")]
pub struct Pool<R: Pooled>(Arc<Owner<R>>);

impl<R: Pooled> Pool<R> {
    /// Makes a pool of at most `max_size` values, with the default limits of [`PoolBuilder`].
    #[track_caller]
    pub fn new(resource: R, max_size: NonZeroUsize) -> Self {
        Pool::builder(resource, max_size).build()
    }

    /// Begins a pool with other limits.
    #[track_caller]
    pub fn builder(resource: R, max_size: NonZeroUsize) -> PoolBuilder<R> {
        PoolBuilder::new(resource, max_size)
    }

    fn open(resource: R, config: Config, seen: inspect::Resource) -> Self {
        Pool(Arc::new(Owner(Arc::new(Shared::new(resource, config, seen)))))
    }

    fn shared(&self) -> &Arc<Shared<R>> {
        &self.0.0
    }

    /// Takes a value; creates one if none is idle, or waits in line if all are taken.
    ///
    /// The place in line is taken at the first poll.
    ///
    /// # Errors
    ///
    /// The pool is closed, or nothing came back in time, or a value could not be created. Then its place is free for the next.
    ///
    /// # Panics
    ///
    /// With a panic of the creation; and where it creates or waits, outside a Tokio runtime with timers.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped anywhere. In line that gives up the place; what was granted in the same moment goes to the next. A creation or a check that has begun is finished in the
    /// background, the enclosing scope waits for it, and the value goes into the pool. One that is kept, but not polled, keeps what it was granted from all others.
    #[doc(alias = "get")]
    pub async fn acquire(&self) -> Result<Checkout<R>, AcquireError<R::Error>> {
        fill::acquire(self.shared()).await.map(Checkout::new)
    }

    /// Takes an idle value that needs no check, if there is one and nobody waits.
    ///
    /// # Errors
    ///
    /// The pool is closed, or no value is ready. None is created.
    pub fn try_acquire(&self) -> Result<Checkout<R>, TryAcquireError> {
        fill::try_acquire(self.shared()).map(Checkout::new)
    }

    /// Runs `body` with a value, and gives it back however the body ends; waits for that.
    ///
    /// As [`with`]: a value whose body panicked or was dropped half-way is destroyed, unless [`Pooled::is_reusable_after`] says otherwise.
    /// [`invalidate`](Checkout::invalidate) works in the body.
    ///
    /// # Errors
    ///
    /// The error of the body, or that of [`acquire`](Pool::acquire). A value that could not be reset is no error of the body's: it is replaced, and the
    /// observer hears of it.
    ///
    /// # Panics
    ///
    /// With a panic of the body, after the value has been dealt with; and as [`acquire`](Pool::acquire).
    ///
    /// # Cancel safety
    ///
    /// It may be dropped anywhere; the enclosing scope waits until the value is back or gone.
    pub async fn with<T, E, F>(&self, body: F) -> Result<T, E>
    where
        E: From<AcquireError<R::Error>> + fmt::Debug,
        F: AsyncFnOnce(&mut Checkout<R>) -> Result<T, E>,
    {
        // Not in the `acquire` of a resource, which would stay in line although its caller has gone.
        let checkout = Some(self.acquire().await?);
        with(Taken { checkout, return_within: self.return_within() }, body).await
    }

    /// Gives a [`Resource`](crate::Resource) whose value is a checkout: for [`with`], [`lease`](crate::lease), and whatever else takes one.
    ///
    /// The acquisition of a resource is finished although its caller has gone, so such a one stays in line, at most for the sum of
    /// [`recycle_timeout`](PoolBuilder::recycle_timeout) and [`release_within`](crate::Resource::release_within). [`Pool::with`] leaves at once.
    pub fn checkout(&self) -> PoolCheckout<R> {
        PoolCheckout::new(self.clone())
    }

    /// Closes the pool, and waits until every value has come back and is released, at most until the deadline.
    ///
    /// Who waits in line gets [`AcquireError::Closed`]. Idle values are released at once and side by side, others as they come back; a release that fails or panics keeps no
    /// other from its own. After the deadline, counted from the first poll, this goes on in the background: the report says what is left.
    ///
    /// # Panics
    ///
    /// Where it has to wait, outside a Tokio runtime with timers.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the pool stays closed, and releases that have begun are finished in the background. It may be called again.
    #[doc(alias = "drain")]
    #[doc(alias = "shutdown")]
    pub async fn close(&self, deadline: Duration) -> CloseReport {
        close::close(self.shared(), deadline).await
    }

    /// Destroys, in the background, the idle values that are older than [`max_lifetime`](PoolBuilder::max_lifetime) or have been idle for longer than
    /// [`idle_timeout`](PoolBuilder::idle_timeout). Returns their number.
    ///
    /// This happens by itself while the pool is in use. Call it now and then for one that may fall silent.
    pub fn sweep(&self) -> usize {
        self.shared().sweep()
    }

    /// What the pool is doing and has done, all of the same moment.
    pub fn statistics(&self) -> PoolStatistics {
        PoolStatistics::of(&self.shared().state())
    }

    fn return_within(&self) -> Duration {
        let Shared { resource, config, .. } = &**self.shared();
        config.recycle_timeout.saturating_add(resource.release_within())
    }
}

impl<R: Pooled> Clone for Pool<R> {
    fn clone(&self) -> Self {
        Pool(Arc::clone(&self.0))
    }
}

impl<R: Pooled> fmt::Debug for Pool<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.statistics()).finish()
    }
}
