//! A timeout whose expiry is no error.

use std::{
    fmt,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::{Timeout, limit_of};

/// Gives `future` at most `limit`, and moves on without its value otherwise; like [`timeout`](crate::timeout()), which says why.
///
/// Only its own expiry gives `None`: that of a timeout inside is a value, and that of one outside drops this one.
///
/// # Panics
///
/// As those of [`timeout`](crate::timeout()).
///
/// # Examples
///
/// ```
/// use bowline_concurrency::move_on_after;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() {
/// let cached = move_on_after(Duration::from_millis(50), std::future::pending::<u32>()).await;
/// assert_eq!(cached.unwrap_or(0), 0);
/// # }
/// ```
#[doc(alias = "withTimeoutOrNull")]
#[track_caller]
pub fn move_on_after<F: IntoFuture>(limit: impl Into<Option<Duration>>, future: F) -> MoveOnAfter<F::IntoFuture> {
    MoveOnAfter { timeout: Timeout::new(limit_of(limit), Location::caller(), future.into_future()) }
}

pin_project! {
    /// Future of [`move_on_after`].
    ///
    /// # Cancel safety
    ///
    /// As that of [`Timeout`]: what the future leaves behind is waited for further up, and a borrowed future lives on.
    #[must_use = "futures do nothing unless awaited"]
    pub struct MoveOnAfter<F: Future> {
        #[pin]
        timeout: Timeout<F>,
    }
}

impl<F: Future> MoveOnAfter<F> {
    /// Waits at most this long for what the future left behind; see [`Timeout::settle_within`].
    pub fn settle_within(self, budget: Duration) -> Self {
        MoveOnAfter { timeout: self.timeout.settle_within(budget) }
    }
}

impl<F: Future> Future for MoveOnAfter<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        Poll::Ready(ready!(self.project().timeout.poll(cx)).ok())
    }
}

impl<F: Future> fmt::Debug for MoveOnAfter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MoveOnAfter").field(&self.timeout).finish()
    }
}
