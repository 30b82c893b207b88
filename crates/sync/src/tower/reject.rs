//! Requests that are turned away when there is no permit.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::task::coop;
use tower_layer::Layer;
use tower_service::Service;

use super::{
    AsError, Gate, Refused, RespondWith,
    answer::Answer,
    guarded::{Guarded, take_ready},
};

/// A layer that turns a request away when no permit or slot is free: as an error, or as a response of yours.
///
/// What [`WaitLayer`](super::WaitLayer) says about clones, about when the permit is taken and about how long it is kept holds here too. It never overtakes those who wait
/// for the same limiter.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use bowline_sync::{Limiter, tower::RejectLayer};
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
/// # async fn main() -> Result<(), Infallible> {
/// let limiter = Arc::new(Limiter::new(1));
/// // axum wants `Infallible`: there the refusal becomes a response, with status 429 or 503 and the header `retry-after`.
/// let layer = RejectLayer::respond_with(Arc::clone(&limiter), |refused| format!("not now: {refused}"));
/// let mut service = layer.layer(Handler);
/// assert_eq!(service.call("hello").await?, "hello!");
///
/// let _busy = limiter.acquire().await;
/// assert_eq!(service.call("hello").await?, "not now: the limit is reached, try again later");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "LoadShedLayer")]
#[doc(alias = "load shedding")]
#[doc(alias = "429")]
#[doc(alias = "axum")]
#[derive(Debug, Clone)]
pub struct RejectLayer<G, A = AsError> {
    gate: G,
    answer: A,
}

impl<G: Gate> RejectLayer<G> {
    /// Turns away with [`Rejected::Refused`](super::Rejected::Refused) whom this limiter has no permit for: an `Arc` of a [`Limiter`](crate::Limiter), of a
    /// [`RateLimiter`](crate::RateLimiter) or of an [`Admission`](crate::Admission).
    pub fn new(limiter: G) -> Self {
        Self { gate: limiter, answer: AsError }
    }

    /// Turns away with the response that `respond` makes. The error stays that of the inner service.
    pub fn respond_with<F, Response>(limiter: G, respond: F) -> RejectLayer<G, RespondWith<F>>
    where
        F: Fn(Refused) -> Response + Clone,
    {
        RejectLayer { gate: limiter, answer: RespondWith::new(respond) }
    }
}

impl<G: Clone, A: Clone, S> Layer<S> for RejectLayer<G, A> {
    type Service = RejectService<S, G, A>;

    fn layer(&self, inner: S) -> RejectService<S, G, A> {
        RejectService { inner, gate: self.gate.clone(), answer: self.answer.clone() }
    }
}

/// The service of a [`RejectLayer`].
#[derive(Debug, Clone)]
pub struct RejectService<S, G, A = AsError> {
    inner: S,
    gate: G,
    answer: A,
}

impl<S, G, A, R> Service<R> for RejectService<S, G, A>
where
    S: Service<R> + Clone,
    G: Gate,
    A: Answer<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = A::Error;
    type Future = RejectResponse<S, G, A, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), A::Error>> {
        self.inner.poll_ready(cx).map_err(A::failed)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let call = Guarded::new(self.gate.clone(), take_ready(&mut self.inner), request);
        RejectResponse { call, answer: self.answer.clone() }
    }
}

pin_project! {
    /// The response of a [`RejectService`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner response and then gives the permit back. It takes the permit at its first poll, so that one that was never polled has none.
    ///
    /// # Panics
    ///
    /// Polling it again after it has completed panics.
    #[must_use = "futures do nothing unless polled"]
    pub struct RejectResponse<S, G, A, R>
    where
        G: Gate,
        S: Service<R>,
    {
        #[pin]
        call: Guarded<G, G::Permit, S, R>,
        answer: A,
    }
}

impl<S, G, A, R> Future for RejectResponse<S, G, A, R>
where
    S: Service<R>,
    G: Gate,
    A: Answer<S::Response, S::Error>,
{
    type Output = Result<S::Response, A::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.call.poll(cx, |gate, cx| {
            let coop = ready!(coop::poll_proceed(cx));
            coop.made_progress();
            Poll::Ready(gate.take_permit())
        }));
        Poll::Ready(match outcome {
            Ok(response) => response.map_err(A::failed),
            Err(refused) => this.answer.refused(refused),
        })
    }
}

impl<S: Service<R>, G: Gate, A, R> fmt::Debug for RejectResponse<S, G, A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RejectResponse").finish_non_exhaustive()
    }
}
