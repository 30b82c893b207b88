//! A tower service out of an async function.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use tower_service::Service;

pub(crate) struct Handler<H>(pub(crate) H);

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Infallible>> + Send>>;

impl<R, F, H> Service<R> for Handler<H>
where
    H: FnMut(R) -> F,
    F: Future<Output: Send> + Send + 'static,
{
    type Response = F::Output;
    type Error = Infallible;
    type Future = Answer<F::Output>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let answer = (self.0)(request);
        Box::pin(async { Ok(answer.await) })
    }
}
