//! Scopes whose children are polled in the scope's own task.

mod borrowing;
mod dropped;
mod failures;
mod one_fate;
mod wake_ups;

use std::{
    pin::Pin,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    task::{Context, Poll},
};

use tokio::task::yield_now;

/// Counts the polls of a future.
struct Counted<'a, F>(F, &'a AtomicUsize);

impl<F: Future + Unpin> Future for Counted<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.1.fetch_add(1, SeqCst);
        Pin::new(&mut self.0).poll(cx)
    }
}

/// Runs code when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

async fn length(text: &str) -> usize {
    yield_now().await;
    text.len()
}
