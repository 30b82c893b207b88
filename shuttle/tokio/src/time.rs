//! Timers without a clock: what is due soon may fire at any moment, what is due late never does.
//!
//! `shuttle-tokio` has timers that fire at their first poll, and a `timeout` that never fires by itself. For the question whether
//! a tree of scopes survives a deadline *whenever* it comes, neither will do. So a model chooses: a limit below [`SOON`] means
//! "some time, perhaps at once", and a longer one "not in this model".

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use shuttle::rand::{Rng, thread_rng};
pub use shuttle_tokio::time::{Duration, Instant, Interval, MissedTickBehavior, error, interval, interval_at};

/// Timers that are due later than this from their first poll never fire.
pub const SOON: Duration = Duration::from_secs(1);

/// A timer that fires `limit` from now, or never; see [`SOON`].
pub fn sleep(limit: Duration) -> Sleep {
    let now = Instant::now();
    sleep_until(now.checked_add(limit).unwrap_or(now + SOON * 2))
}

/// A timer that fires at `deadline`, or never; see [`SOON`].
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { deadline, fires: None, elapsed: false }
}

/// Future of [`sleep`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    deadline: Instant,
    /// Decided by the first poll, so that a slow machine cannot change its mind.
    fires: Option<bool>,
    elapsed: bool,
}

impl Sleep {
    /// When it is due.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether it has fired.
    pub fn is_elapsed(&self) -> bool {
        self.elapsed
    }

    /// Winds it up again.
    pub fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.set(sleep_until(deadline));
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.deadline;
        if !*self.fires.get_or_insert_with(|| due.saturating_duration_since(Instant::now()) < SOON) {
            return Poll::Pending;
        }
        if self.elapsed || thread_rng().gen_ratio(1, 4) {
            self.elapsed = true;
            return Poll::Ready(());
        }
        // Not yet: asks again, after others had a chance to run.
        cx.waker().wake_by_ref();
        shuttle::thread::yield_now();
        Poll::Pending
    }
}

/// Polls `future` until the timer fires; like Tokio, the future first.
pub fn timeout<F: IntoFuture>(limit: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), sleep: sleep(limit) }
}

/// Like [`timeout`], until a point in time.
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    Timeout { future: future.into_future(), sleep: sleep_until(deadline) }
}

pin_project! {
    /// Future of [`timeout`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F> {
        #[pin]
        future: F,
        sleep: Sleep,
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, error::Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(output) = this.future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        Pin::new(this.sleep).poll(cx).map(|()| Err(error::Elapsed::new()))
    }
}
