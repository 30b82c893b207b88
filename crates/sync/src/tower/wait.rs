//! Requests that wait for a permit.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    Gate,
    guarded::{Guarded, take_ready},
};

/// A layer under which every request waits for a permit or a slot, in the order of arrival. The error is the service's own.
///
/// All clones of the layer and of its services share one limiter, so it limits a server that clones its service for every connection or request, such as axum. Other code can share that
/// limiter too, watch its `statistics()`, and change it while the server runs.
///
/// A request asks for its permit when its response is first polled, not when the service is found ready: a service that is ready and not
/// called takes nothing from anybody. The permit comes back when the response is there, or dropped; the body of a response that streams on is
/// outside. A request that waits keeps the inner service that was found ready for it: where that reserves something in `poll_ready`, put this layer inside.
///
/// The line has no bound of its own, and `tower`'s `load_shed` around this layer never sheds, since the service is ready whatever the line. Put a [`RejectLayer`](super::RejectLayer) with a larger limiter around it, or a time-out.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use bowline_sync::{Limiter, tower::WaitLayer};
/// # use std::{convert::Infallible, future::Ready, task::{Context, Poll}};
/// use tower_layer::Layer;
/// use tower_service::Service;
/// # #[derive(Clone)]
/// # struct Handler;
/// # impl Service<&'static str> for Handler {
/// #     type Response = String;
/// #     type Error = Infallible;
/// #     type Future = Ready<Result<String, Infallible>>;
/// #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> { Poll::Ready(Ok(())) }
/// #     fn call(&mut self, request: &'static str) -> Self::Future { std::future::ready(Ok(format!("{request}!"))) }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = Arc::new(Limiter::new(8));
/// // With axum: `Router::new().route("/", get(handler)).layer(WaitLayer::new(limiter))`.
/// let mut service = WaitLayer::new(Arc::clone(&limiter)).layer(Handler);
/// let mut clone = service.clone();
///
/// let held = limiter.acquire_many(8.try_into()?).await?;
/// let answers = [service.call("hello"), clone.call("again")].map(tokio::spawn);
/// drop(held);
/// for answer in answers {
///     assert!(["hello!", "again!"].contains(&answer.await??.as_str()));
/// }
/// # Ok(())
/// # }
/// ```
#[doc(alias = "ConcurrencyLimitLayer")]
#[doc(alias = "RateLimitLayer")]
#[doc(alias = "axum")]
#[derive(Debug, Clone)]
pub struct WaitLayer<G> {
    gate: G,
}

impl<G: Gate> WaitLayer<G> {
    /// Makes requests wait for this limiter: an `Arc` of a [`Limiter`](crate::Limiter), of a [`RateLimiter`](crate::RateLimiter) or of an
    /// [`Admission`](crate::Admission).
    pub fn new(limiter: G) -> Self {
        Self { gate: limiter }
    }
}

impl<G: Clone, S> Layer<S> for WaitLayer<G> {
    type Service = WaitService<G, S>;

    fn layer(&self, inner: S) -> WaitService<G, S> {
        WaitService { gate: self.gate.clone(), inner }
    }
}

/// The service of a [`WaitLayer`].
#[derive(Debug, Clone)]
pub struct WaitService<G, S> {
    gate: G,
    inner: S,
}

impl<G: Gate, S: Service<R> + Clone, R> Service<R> for WaitService<G, S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = WaitResponse<G, S, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        WaitResponse { call: Guarded::new(self.gate.wait_for_permit(), take_ready(&mut self.inner), request) }
    }
}

pin_project! {
    /// The response of a [`WaitService`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the place in line, or drops the inner response and then gives the permit back. A permit that was granted and not used goes to the
    /// next in line. One that is kept, but not polled, keeps others waiting.
    ///
    /// # Panics
    ///
    /// Polling it again after it has completed panics.
    #[must_use = "futures do nothing unless polled"]
    pub struct WaitResponse<G, S, R>
    where
        G: Gate,
        S: Service<R>,
    {
        #[pin]
        call: Guarded<G::Acquire, G::Permit, S, R>,
    }
}

impl<G: Gate, S: Service<R>, R> Future for WaitResponse<G, S, R> {
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = self.project().call.poll(cx, |acquire, cx| acquire.poll(cx).map(Ok::<_, Infallible>));
        outcome.map(|Ok(response)| response)
    }
}

impl<G: Gate, S: Service<R>, R> fmt::Debug for WaitResponse<G, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitResponse").finish_non_exhaustive()
    }
}
