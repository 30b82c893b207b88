//! Gathering what is finished in time.

use std::{
    fmt,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::{
    gathering::{Gathering, Salvage},
    judge::Judge,
};
use crate::{
    primitive::lock,
    several::Shape,
    timeout::{Timeout, timeout},
};

pin_project! {
    /// Future of [`Gather::within`](crate::Gather::within).
    ///
    /// # Cancel safety
    ///
    /// As that of [`Gather`](crate::Gather): dropping it drops the inputs and the outputs that are there already.
    #[must_use = "futures do nothing unless awaited"]
    pub struct GatherWithin<F, S, J>
    where
        F: Future,
        J: Judge<F::Output>,
    {
        #[pin]
        timeout: Timeout<Gathering<F, J>>,
        salvage: Salvage<J::Value>,
        shape: PhantomData<fn() -> S>,
    }
}

impl<F, S, J> GatherWithin<F, S, J>
where
    F: Future,
    J: Judge<F::Output>,
{
    #[track_caller]
    pub(super) fn new(limit: Duration, mut gathering: Gathering<F, J>) -> Self {
        let salvage = gathering.salvage();
        GatherWithin { timeout: timeout(limit, gathering), salvage, shape: PhantomData }
    }

    /// Names the work in [`Elapsed`](crate::Elapsed) and in reports.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.timeout = self.timeout.named(name);
        self
    }

    /// Waits at most this long for what the inputs left behind; see [`Timeout::settle_within`](crate::Timeout::settle_within).
    pub fn settle_within(mut self, budget: Duration) -> Self {
        self.timeout = self.timeout.settle_within(budget);
        self
    }
}

impl<F, S, J> Future for GatherWithin<F, S, J>
where
    F: Future,
    S: Shape<J::Value>,
    J: Judge<F::Output>,
{
    type Output = J::Verdict<S::InTime>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (outputs, elapsed) = match ready!(this.timeout.poll(cx)) {
            Ok(Ok(outputs)) => (outputs, None),
            Ok(Err(error)) => return Poll::Ready(J::verdict(Err(error))),
            Err(elapsed) => (lock(this.salvage).take().expect("the deadline has dropped the gathering"), Some(elapsed)),
        };
        Poll::Ready(J::verdict(Ok(S::in_time(outputs, elapsed.as_ref()))))
    }
}

impl<F, S, J> fmt::Debug for GatherWithin<F, S, J>
where
    F: Future,
    J: Judge<F::Output>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GatherWithin").field(&self.timeout).finish()
    }
}
