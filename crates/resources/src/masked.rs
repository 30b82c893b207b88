//! Work that is finished although its caller has gone.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bowline_concurrency::Shield;

/// A [`Shield`] whose name and whose taker are made only if it is dropped half-way: what happens seldom costs nothing before.
pub(crate) struct Masked<T: Send + 'static> {
    /// `None` when it is done.
    work: Option<Shield<T>>,
    /// Furnishes the rest of the work and drops it, at the place where the caller is dropped.
    hand_off: fn(Shield<T>),
}

impl<T: Send + 'static> Masked<T> {
    pub(crate) fn new(work: Shield<T>, hand_off: fn(Shield<T>)) -> Self {
        Masked { work: Some(work), hand_off }
    }
}

impl<T: Send + 'static> Future for Masked<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let work = self.work.as_mut().expect("it is not polled after it is done");
        let output = ready!(Pin::new(work).poll(cx));
        self.work = None;
        Poll::Ready(output)
    }
}

impl<T: Send + 'static> Drop for Masked<T> {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            (self.hand_off)(work);
        }
    }
}
