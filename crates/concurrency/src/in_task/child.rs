//! A child that is polled in the task of its scope.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::{fate::Broken, slot::Slot};
use crate::{
    failure::Failure,
    inspect::{self, Tracked},
};

/// A child, whatever its future and its value are. It never panics when it is polled.
pub(super) type BoxedChild<'env, E> = Pin<Box<dyn Future<Output = Result<(), Box<Broken<E>>>> + Send + 'env>>;

/// Tells a value from an error: `Ok` where every output is a value, `identity` where it is a `Result`.
pub(super) type Judge<O, T, E> = fn(O) -> Result<T, E>;

pin_project! {
    pub(super) struct Child<F: Future, T, E> {
        #[pin]
        future: Option<F>,
        judge: Judge<F::Output, T, E>,
        slot: Arc<Slot<T>>,
        name: Option<String>,
        tracked: Option<Tracked>,
    }
}

impl<F: Future, T, E> Child<F, T, E> {
    pub(super) fn new(
        future: F,
        judge: Judge<F::Output, T, E>,
        slot: Arc<Slot<T>>,
        name: Option<String>,
        tracked: Option<Tracked>,
    ) -> Self {
        Child { future: Some(future), judge, slot, name, tracked }
    }
}

impl<F: Future, T, E> Future for Child<F, T, E> {
    type Output = Result<(), Box<Broken<E>>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (future, judge) = (this.future, *this.judge);
        let ended = ready!(inspect::poll(this.tracked, cx, |cx| poll_to_end(future, judge, cx)));
        // A value that nobody waits for is dropped here; that may panic too.
        let ended = ended.and_then(|value| match catch_unwind(AssertUnwindSafe(|| drop(this.slot.fill(value)))) {
            Ok(()) => Ok(()),
            Err(payload) => Err(Broken { task: None, error: None, panic: Some(payload) }),
        });
        Poll::Ready(ended.map_err(|broken| Box::new(Broken { task: this.name.take(), ..broken })))
    }
}

/// Polls the future in the slot, and drops it when it is done: before anybody hears of its end.
pub(super) fn poll_to_end<F: Future, T, E>(
    mut slot: Pin<&mut Option<F>>,
    judge: Judge<F::Output, T, E>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, Broken<E>>> {
    let future = slot.as_mut().as_pin_mut().expect("a future is not polled after it is done");
    let mut broken = Broken { task: None, error: None, panic: None };
    let value = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
        Ok(Poll::Pending) => return Poll::Pending,
        Ok(Poll::Ready(output)) => judge(output).map_err(|error| broken.error = Some(error)).ok(),
        Err(payload) => {
            broken.panic = Some(payload);
            None
        }
    };
    let dropped = catch_unwind(AssertUnwindSafe(|| slot.set(None)));
    Poll::Ready(match (value, dropped) {
        (Some(value), Ok(())) => Ok(value),
        (None, Ok(())) => Err(broken),
        (_, Err(second)) if broken.panic.is_some() => {
            Failure::panic("a destructor", second).report();
            Err(broken)
        }
        // The value goes with the panic of the destructor, as in a function that panics while it returns.
        (_, Err(payload)) => Err(Broken { panic: Some(payload), ..broken }),
    })
}
