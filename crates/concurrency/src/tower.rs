//! Feature `tower`: a scope for each request of a server.

use std::{
    fmt,
    panic::resume_unwind,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    below::Below,
    clock::{Timer, after},
    current::enter,
    node::{Label, Node, Owner},
    tree::Scope,
};

/// A layer that runs every request in a scope of its own, below the scope of the server.
///
/// Web servers handle requests in tasks of their own, which know no scope. Under this layer a handler that is dropped because its client hung up leaves its
/// children and releases to its request's scope, and the server's scope waits for them. For axum, tonic and whatever else takes a tower
/// layer.
///
/// A response is not kept back by what its handler left behind, unless [`settle_within`](ScopeLayer::settle_within) says so; it is waited for by the server's
/// scope in any case. The body of a response that streams on is outside: its scope is that of whoever polls it.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{Scope, ScopeLayer, root_scope};
/// # use std::convert::Infallible;
/// # use tower_layer::Layer;
/// # use tower_service::Service;
/// # struct Handler;
/// # impl Service<&'static str> for Handler {
/// #     type Response = String;
/// #     type Error = Infallible;
/// #     type Future = std::future::Ready<Result<String, Infallible>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
/// #         std::task::Poll::Ready(Ok(()))
/// #     }
/// #     fn call(&mut self, request: &'static str) -> Self::Future {
/// #         std::future::ready(Ok(format!("{request} in {}", Scope::current().name())))
/// #     }
/// # }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// root_scope(async {
///     // With axum: `Router::new().route("/", get(handler)).layer(ScopeLayer::new(Scope::current()))`.
///     let mut service = ScopeLayer::new(Scope::current()).layer(Handler);
///     let answer = tokio::spawn(service.call("hello")).await??;
///     # let _ = answer;
///     Ok::<_, Box<dyn std::error::Error>>(())
/// })
/// .await?
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ScopeLayer {
    server: Scope,
    settle_within: Duration,
}

impl ScopeLayer {
    /// Requests are below `server`.
    pub fn new(server: Scope) -> Self {
        ScopeLayer { server, settle_within: Duration::ZERO }
    }

    /// A response waits at most this long for what its handler left behind; zero unless set.
    pub fn settle_within(mut self, budget: Duration) -> Self {
        self.settle_within = budget;
        self
    }
}

impl<S> Layer<S> for ScopeLayer {
    type Service = ScopeService<S>;

    fn layer(&self, inner: S) -> ScopeService<S> {
        ScopeService { inner, layer: self.clone() }
    }
}

/// The service of a [`ScopeLayer`].
#[derive(Clone, Debug)]
pub struct ScopeService<S> {
    inner: S,
    layer: ScopeLayer,
}

impl<S, Request> Service<Request> for ScopeService<S>
where
    S: Service<Request>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RequestScope<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let node = Node::new(Label::Kind("a request"), Some(self.layer.server.node().clone()));
        RequestScope {
            body: Below::fixed(node.clone(), self.inner.call(request)),
            owner: Owner(node),
            settle_within: self.layer.settle_within,
            output: None,
            timer: Timer::default(),
        }
    }
}

pin_project! {
    /// Future of a request under a [`ScopeLayer`].
    ///
    /// # Cancel safety
    ///
    /// Dropped because the client hung up, it drops the handler below the request's scope; the server's scope waits for what that leaves behind.
    #[must_use = "futures do nothing unless awaited"]
    pub struct RequestScope<F: Future> {
        // Dropped before the owner, which hands over what the handler leaves behind.
        #[pin]
        body: Below<F>,
        owner: Owner,
        settle_within: Duration,
        // The response, while it waits.
        output: Option<(F::Output, tokio::time::Instant)>,
        timer: Timer,
    }

    impl<F: Future> PinnedDrop for RequestScope<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let mut seat = Some(this.owner.0.clone());
            // A response that waits and is not wanted any more: the server's scope waits for what it owes, too.
            let _entered = enter(&mut seat);
            *this.output = None;
        }
    }
}

impl<F: Future> Future for RequestScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if this.output.is_none() {
            match ready!(this.body.poll(cx)) {
                Ok(output) if this.settle_within.is_zero() => return Poll::Ready(output),
                Ok(output) => *this.output = Some((output, after(*this.settle_within))),
                Err(payload) => resume_unwind(payload),
            }
        }
        if let (Poll::Pending, Some((_, give_up))) = (this.owner.0.poll_settled(cx), &this.output) {
            ready!(this.timer.poll(*give_up, cx));
        }
        let (output, _) = this.output.take().expect("a response is not polled after it is done");
        Poll::Ready(output)
    }
}

impl<F: Future> fmt::Debug for RequestScope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestScope").field(&self.owner).finish()
    }
}
