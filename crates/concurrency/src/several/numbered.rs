//! A future that remembers which one it is.

use std::{
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use pin_project_lite::pin_project;

use crate::failure::Failure;

pin_project! {
    /// Gives its number with its output.
    ///
    /// Many of them are dropped together. A destructor that panics must not keep the others from running, nor end the process when it is the
    /// second one: then its panic goes to the observer.
    pub(crate) struct Numbered<F> {
        #[pin]
        future: Option<F>,
        number: usize,
    }

    impl<F> PinnedDrop for Numbered<F> {
        fn drop(this: Pin<&mut Self>) {
            if mem::needs_drop::<F>() && thread::panicking() {
                let mut future = this.project().future;
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| future.set(None))) {
                    Failure::panic("a destructor", payload).report();
                }
            }
        }
    }
}

impl<F> Numbered<F> {
    pub(crate) fn new(number: usize, future: F) -> Self {
        Numbered { future: Some(future), number }
    }
}

impl<F: Future> Future for Numbered<F> {
    type Output = (usize, F::Output);

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let future = this.future.as_pin_mut().expect("the future is taken only by the drop");
        Poll::Ready((*this.number, ready!(future.poll(cx))))
    }
}
