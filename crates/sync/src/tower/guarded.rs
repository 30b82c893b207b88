//! A call that begins with a permit and ends before it.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    /// `A` is what asks for the permit `P`.
    #[project = Projected]
    pub(super) enum Guarded<A, P, S, R>
    where
        S: Service<R>,
    {
        Asks {
            #[pin]
            asks: A,
            // The service that was found ready, and its request.
            call: Option<(S, R)>,
        },
        // In the order in which they are dropped: what is limited has gone before its permit comes back.
        Runs {
            #[pin]
            response: S::Future,
            permit: P,
        },
        Over,
    }
}

/// The outer error is the refusal.
pub(super) type Outcome<S, R, E> = Result<Result<<S as Service<R>>::Response, <S as Service<R>>::Error>, E>;

impl<A, P, S: Service<R>, R> Guarded<A, P, S, R> {
    /// The service must be ready.
    pub(super) fn new(asks: A, service: S, request: R) -> Self {
        Guarded::Asks { asks, call: Some((service, request)) }
    }

    pub(super) fn poll<E>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        ask: impl FnOnce(Pin<&mut A>, &mut Context<'_>) -> Poll<Result<P, E>>,
    ) -> Poll<Outcome<S, R, E>> {
        if let Projected::Asks { asks, call } = self.as_mut().project() {
            let next = match (ready!(ask(asks, cx)), call.take()) {
                (Ok(permit), Some((mut service, request))) => {
                    Ok(Guarded::Runs { response: service.call(request), permit })
                }
                (Err(refused), _) => Err(refused),
                (Ok(_), None) => Ok(Guarded::Over), // An earlier poll panicked.
            };
            match next {
                Ok(next) => self.set(next),
                Err(refused) => {
                    self.set(Guarded::Over);
                    return Poll::Ready(Err(refused));
                }
            }
        }
        let Projected::Runs { response, .. } = self.as_mut().project() else {
            panic!("a response was polled after it had completed");
        };
        let output = ready!(response.poll(cx));
        self.set(Guarded::Over);
        Poll::Ready(Ok(output))
    }
}

/// The service that was found ready; a clone, which was not, stays behind.
pub(super) fn take_ready<S: Clone>(service: &mut S) -> S {
    let clone = service.clone();
    mem::replace(service, clone)
}
