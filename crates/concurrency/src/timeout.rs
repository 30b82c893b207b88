//! Deadlines that cancel on time and return after what they cancelled is gone.

use std::{panic::Location, time::Duration};

use tokio::time::Instant;

use crate::{
    current,
    node::{Label, Node},
};

mod effective;
mod elapsed;
mod future;
mod handle;
mod move_on;

pub use effective::effective_deadline;
pub use elapsed::Elapsed;
use future::Limit;
pub use future::Timeout;
pub use handle::{DeadlineHandle, RescheduleError};
pub use move_on::{MoveOnAfter, move_on_after};

/// How long a [`timeout`] waits for the cleanup of what it cancelled, unless [`Timeout::settle_within`] says otherwise.
pub const SETTLE_WITHIN: Duration = Duration::from_secs(5);

/// Gives `future` at most `limit` to finish, and returns after everything below it is gone. `None` is no limit.
///
/// A drop-in for Tokio's `timeout` with a stronger contract:
///
/// - At the deadline the future is dropped. Scopes that it had opened are cancelled, releases that it owed run, and the
///   timeout returns when all of that is done, but waits no longer than [`settle_within`](Timeout::settle_within).
/// - A value that is finished beats a timer that is late: the future is polled before the clock is asked.
/// - [`Elapsed`] says which deadline it was, so that nested ones are not confused, and names what was still not gone.
/// - `timeout(limit, &mut future)` gives up *waiting*: the future goes on when it is polled again.
///
/// The clock starts at the first poll. A limit too long for the clock never elapses.
///
/// # Holding a lock across a timeout
///
/// A release below that needs a lock which the caller holds cannot run until the caller goes on: the timeout waits for
/// it until `settle_within` has passed. Latency-sensitive code sets that to zero: cleanup then moves to the
/// enclosing scope at once.
///
/// # Panics
///
/// The future panics when polled outside a runtime with its timer enabled; and with the payload of a panic of `future`,
/// once what is below has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::timeout;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let value = timeout(Duration::from_secs(5), async { 42 }).await?;
/// assert_eq!(value, 42);
///
/// let slow = timeout(Duration::from_secs(5), std::future::pending::<()>()).named("page 7");
/// let elapsed = slow.await.unwrap_err();
/// assert!(elapsed.to_string().starts_with("page 7 did not finish within 5s"));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "fail_after")]
#[doc(alias = "wait_for")]
#[doc(alias = "withTimeout")]
#[track_caller]
pub fn timeout<F: IntoFuture>(limit: impl Into<Option<Duration>>, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(limit_of(limit), Location::caller(), future.into_future())
}

/// Gives `future` until `deadline`; otherwise like [`timeout`].
///
/// A deadline in the past leaves the future one poll.
///
/// # Panics
///
/// As those of [`timeout`].
///
/// # Examples
///
/// ```
/// use bowline_concurrency::timeout_at;
/// use std::time::Duration;
/// use tokio::time::Instant;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let end = Instant::now() + Duration::from_secs(5);
/// let first = timeout_at(end, async { 1 }).await?;
/// let second = timeout_at(end, async { 2 }).await?; // What is left of the same five seconds.
/// assert_eq!(first + second, 3);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "fail_at")]
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout::new(Limit::At(deadline), Location::caller(), future.into_future())
}

/// Gives the future of `body` at most `limit`, which can be moved meanwhile; otherwise like [`timeout`].
///
/// The handle works from any task. A body that makes progress can ask for more time, and somebody who waits for it can give it less.
///
/// # Panics
///
/// As those of [`timeout`].
///
/// # Examples
///
/// ```
/// use bowline_concurrency::deadline;
/// use std::time::Duration;
/// use tokio::time::{Instant, sleep};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let chunks = deadline(Duration::from_secs(5), async |deadline| {
///     for _ in 0..3 {
///         sleep(Duration::from_secs(4)).await; // Each chunk may take five seconds, all of them more.
///         deadline.reschedule(Instant::now() + Duration::from_secs(5))?;
///     }
///     Ok::<_, bowline_concurrency::RescheduleError>(3)
/// })
/// .await??;
/// assert_eq!(chunks, 3);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "reschedule")]
#[doc(alias = "CancelScope")]
#[track_caller]
pub fn deadline<F>(limit: impl Into<Option<Duration>>, body: impl FnOnce(DeadlineHandle) -> F) -> Timeout<F>
where
    F: Future,
{
    let node = Node::new(Label::Kind("a deadline"), Some(current::current()));
    let future = body(DeadlineHandle::new(node.clone()));
    Timeout::new(limit_of(limit), Location::caller(), future).movable(node)
}

fn limit_of(limit: impl Into<Option<Duration>>) -> Limit {
    Limit::After(limit.into().unwrap_or(Duration::MAX))
}
