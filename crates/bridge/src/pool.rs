//! Threads of one's own for blocking calls, bounded in number and in the calls that wait for them.

mod answer;
mod builder;
mod call;
mod context;
mod errors;
mod label;
mod shared;
mod shutdown;
mod within;
mod worker;

use std::{fmt, panic::Location, pin::pin, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, TryAcquireError};

use self::shared::Shared;
pub use self::{
    builder::Builder,
    call::Call,
    context::{CallCancelled, CallContext},
    errors::{BuildError, CallError, TryRunError},
    shared::PoolStatistics,
    shutdown::{ShutdownReport, StuckCall},
};

/// Runs blocking closures on a bounded number of threads of its own.
///
/// At most `threads` calls run and `queue` more wait for a thread; further callers wait, in order, for a place. A place is
/// taken until the thread is really free, also when the caller has gone.
///
/// Clones are handles to the same pool. When the last one is dropped, the threads end after the last queued call; nobody
/// waits for them. To wait, see [`shutdown`](Self::shutdown).
///
/// # Examples
///
/// ```
/// use std::fs;
///
/// use bowline_bridge::BlockingPool;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let files = BlockingPool::builder().name("files").threads(2).queue(16).build()?;
/// let manifest = files.run(|_| fs::read_to_string("Cargo.toml")).await??;
/// assert!(manifest.contains("bowline-bridge"));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "run_in_executor")]
#[doc(alias = "to_thread")]
#[doc(alias = "ThreadPoolExecutor")]
#[doc(alias = "spawn_blocking")]
#[derive(Clone)]
pub struct BlockingPool {
    handle: Arc<LastHandle>,
}

/// Closes the pool when it is dropped, with the last clone of the pool.
struct LastHandle {
    shared: Arc<Shared>,
}

impl Drop for LastHandle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl BlockingPool {
    /// Starts the description of a pool.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Runs `work` on a thread of the pool.
    ///
    /// The call waits for a place in the queue, in the order of the first polls, and then for a thread. On the thread, `work` runs below the scope
    /// and in the runtime of the caller: `Handle::current().block_on(..)` works, and what it hands off is waited for there.
    ///
    /// Called from a thread of this same pool, `work` runs inline at the first poll, because waiting for a thread while holding one is how
    /// pools deadlock. An inline closure cannot call `block_on` again: Tokio panics there.
    ///
    /// # Errors
    ///
    /// [`CallError::Closed`] if the pool was shut down before `work` could begin. It has been dropped then; to keep
    /// it, see [`try_run`](Self::try_run).
    ///
    /// # Panics
    ///
    /// The future panics with the payload of `work`, if that panics. The thread lives on.
    ///
    /// # Examples
    ///
    /// A closure that asks whether it should go on:
    ///
    /// ```
    /// use std::io;
    ///
    /// use bowline_bridge::BlockingPool;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = BlockingPool::builder().threads(1).build()?;
    /// let sum = pool
    ///     .run(|cx| {
    ///         let mut sum = 0;
    ///         for block in 0..100 {
    ///             cx.check()?; // ends the call once nobody waits for it
    ///             sum += block;
    ///         }
    ///         Ok::<_, io::Error>(sum)
    ///     })
    ///     .await??;
    /// assert_eq!(sum, 4950);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn run<T, F>(&self, work: F) -> Call<T>
    where
        T: Send + 'static,
        F: FnOnce(&CallContext) -> T + Send + 'static,
    {
        Call::new(self.clone(), Box::new(work), None, Location::caller())
    }

    /// Runs `work` if there is a place for it at this moment. The place is taken now, the call begins when it is polled.
    ///
    /// # Errors
    ///
    /// [`TryRunError`] gives `work` back: the pool is full, or shut down.
    ///
    /// # Examples
    ///
    /// ```
    /// # use bowline_bridge::BlockingPool;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = BlockingPool::builder().threads(1).queue(0).build()?;
    /// let first = pool.try_run(|_| "first")?;
    /// let refused = pool.try_run(|_| "second").expect_err("the only place is taken");
    /// assert!(refused.is_full());
    /// assert_eq!(first.await?, "first");
    /// assert_eq!(pool.run(refused.into_inner()).await?, "second");
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn try_run<T, F>(&self, work: F) -> Result<Call<T>, TryRunError<F>>
    where
        T: Send + 'static,
        F: FnOnce(&CallContext) -> T + Send + 'static,
    {
        match self.shared().places.clone().try_acquire_owned() {
            Ok(place) => Ok(self.call_in(place, work)),
            Err(TryAcquireError::NoPermits) => Err(TryRunError::full(self.shared().name.clone(), work)),
            Err(TryAcquireError::Closed) => Err(TryRunError::closed(self.shared().name.clone(), work)),
        }
    }

    #[track_caller]
    fn call_in<T, F>(&self, place: OwnedSemaphorePermit, work: F) -> Call<T>
    where
        T: Send + 'static,
        F: FnOnce(&CallContext) -> T + Send + 'static,
    {
        Call::new(self.clone(), Box::new(work), Some(place), Location::caller())
    }

    /// Waits until no call runs and none waits in the queue. New ones are welcome meanwhile.
    ///
    /// # Cancel safety
    ///
    /// It only looks, and can be dropped and awaited anew at any time.
    pub async fn idle(&self) {
        loop {
            let mut idle = pin!(self.shared().idle.notified());
            // Listens before it looks: what becomes idle in between is not missed.
            idle.as_mut().enable();
            if self.shared().is_idle() {
                return;
            }
            idle.await;
        }
    }

    /// Refuses new calls, waits for those that were accepted, at most for `deadline`, and tells which were stuck.
    ///
    /// Callers that still wait for a place are refused at once. At the deadline the queued calls are refused
    /// ([`CallError::Closed`]) and the running ones are told to end ([`CallContext::check`]); those are named in the report.
    /// It neither stops nor joins threads, so that a stuck call delays nobody but its own caller.
    ///
    /// Calls that a running closure makes to its own pool are part of it, and run.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with its time driver enabled.
    ///
    /// # Cancel safety
    ///
    /// Dropped half-way, the pool stays closed to new calls, and those that were accepted go on. Calling it again
    /// goes on waiting, with a new deadline.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{sync::mpsc, time::Duration};
    ///
    /// use bowline_bridge::BlockingPool;
    /// use bowline_concurrency::scope;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = BlockingPool::builder().threads(1).build()?;
    /// let (release, gate) = mpsc::channel::<()>();
    /// let call = pool.try_run(move |_| gate.recv())?.named("wait for the gate");
    ///
    /// let result = scope(async |group| {
    ///     let call = group.spawn(call);
    ///     tokio::task::yield_now().await;
    ///     let report = pool.shutdown(Duration::from_millis(20)).await;
    ///     assert_eq!(report.stuck()[0].name(), "wait for the gate");
    ///     drop(release);
    ///     call.await
    /// })
    /// .await;
    /// assert!(result?.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.shared().close();
        // Elapsed or not, what is left tells.
        let _ = tokio::time::timeout(deadline, self.idle()).await;
        self.shared().give_up()
    }

    /// How many calls run and wait, as of one moment.
    #[must_use]
    pub fn statistics(&self) -> PoolStatistics {
        self.shared().statistics()
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl fmt::Debug for BlockingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingPool")
            .field("name", &self.shared().name)
            .field("statistics", &self.statistics())
            .finish_non_exhaustive()
    }
}
