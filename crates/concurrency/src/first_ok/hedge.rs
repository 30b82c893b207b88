//! The same operation once more, if it is slow or fails.

use std::{
    fmt,
    num::NonZeroUsize,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::{NoneOk, attempts::Attempts};
use crate::several::Settling;

/// How many attempts a [`hedge`] makes, unless [`Hedge::attempts`] says otherwise.
const ATTEMPTS: usize = 2;

/// There is room for all attempts from the beginning.
const ATTEMPTS_MAX: usize = 1_024;

/// Makes a future of an operation and, if it has not ended after `delay` or as soon as it fails, one more; gives the first success.
///
/// It cuts off the long tail of latencies, for the price of some work done twice: set `delay` near the 95th percentile of the latency, and one
/// request in twenty is sent twice (Dean and Barroso, "The Tail at Scale", 2013). The operation must be idempotent: a loser may have had its effect
/// before it was dropped.
///
/// Two attempts at most, unless [`attempts`](Hedge::attempts) allows more. The others are dropped at the first `Ok`, which is returned when what they
/// left behind has settled. An attempt is made only when it starts. Attempts run in this task, at once, and may borrow.
///
/// # Errors
///
/// [`NoneOk`] with the error of every attempt, if all have failed.
///
/// # When to use something else
///
/// Different operations for the same value: [`first_ok`](crate::first_ok()), also [`staggered`](crate::FirstOk::staggered). To try again only
/// after a failure, with a growing delay: a retry crate.
///
/// # Panics
///
/// Outside a runtime with its timer enabled. And with the payload of the first panic of an attempt, or of `make`, once the other attempts were dropped and what that left behind has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{NoneOk, hedge};
/// use std::{io, sync::atomic::{AtomicU32, Ordering::Relaxed}, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), NoneOk<io::Error>> {
/// let attempts = AtomicU32::new(0);
/// let answer = hedge(Duration::from_millis(20), || async {
///     match attempts.fetch_add(1, Relaxed) {
///         0 => std::future::pending().await, // A server that is stuck.
///         _ => io::Result::Ok("the answer"),
///     }
/// })
/// .await?;
/// assert_eq!((answer, attempts.into_inner()), ("the answer", 2));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "retry")]
#[doc(alias = "speculative execution")]
#[track_caller]
pub fn hedge<M, F, T, E>(delay: Duration, make: M) -> Hedge<M, F, T, E>
where
    M: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    E: fmt::Debug,
{
    let mut attempts = Attempts::new("a hedge", Repeat { make, left: ATTEMPTS });
    attempts.stagger(delay);
    Hedge { attempts: Settling::new("a hedge", attempts, NoneOk::outranked) }
}

pin_project! {
    /// Future of [`hedge`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the attempts. What they leave behind is waited for by the nearest enclosing scope, timeout or root. Polled again, that is
    /// awaited in a new `hedge`, the operation starts anew.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Hedge<M, F, T, E>
    where
        M: FnMut() -> F,
        F: Future<Output = Result<T, E>>,
    E: fmt::Debug,
        E: fmt::Debug,
    {
        #[pin]
        attempts: Settling<Attempts<Repeat<M>, T, E>>,
    }
}

impl<M, F, T, E> Hedge<M, F, T, E>
where
    M: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    E: fmt::Debug,
{
    /// At most so many attempts, the first one included; two unless set, and never more than 1,024.
    pub fn attempts(mut self, attempts: NonZeroUsize) -> Self {
        self.attempts.get_mut().source().left = attempts.get().min(ATTEMPTS_MAX);
        self
    }
}

impl<M, F, T, E> Future for Hedge<M, F, T, E>
where
    M: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    E: fmt::Debug,
{
    type Output = Result<T, NoneOk<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().attempts.poll(cx)
    }
}

impl<M, F, T, E> fmt::Debug for Hedge<M, F, T, E>
where
    M: FnMut() -> F,
    F: Future<Output = Result<T, E>>,
    E: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hedge").field(&self.attempts).finish()
    }
}

/// Makes an attempt when one is to start.
struct Repeat<M> {
    make: M,
    left: usize,
}

impl<M: FnMut() -> F, F> Iterator for Repeat<M> {
    type Item = F;

    fn next(&mut self) -> Option<F> {
        self.left = self.left.checked_sub(1)?;
        Some((self.make)())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
