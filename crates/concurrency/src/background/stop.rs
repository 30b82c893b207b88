//! Whether work that starts again and again is to go on.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::shared::Shared;
use crate::cancelled::{Cancelled, cancelled, is_cancelled};

/// Ready when no run may begin any more: new tasks are refused, or the tasks are cancelled. A run is new work, like a task.
pub(super) struct Stop<'a> {
    shared: &'a Shared,
    closed: Option<u32>,
    cancelled: Cancelled,
}

impl<'a> Stop<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Stop { shared, closed: None, cancelled: cancelled() }
    }

    /// Whether no run may begin.
    pub(super) fn has_come(&self) -> bool {
        self.shared.is_closed() || is_cancelled().is_some()
    }

    /// Waits for `future`, but not beyond the stop: `None`.
    pub(super) async fn or<F: Future>(&mut self, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|cx| match Pin::new(&mut *self).poll(cx) {
            Poll::Ready(()) => Poll::Ready(None),
            Poll::Pending => future.as_mut().poll(cx).map(Some),
        })
        .await
    }
}

impl Future for Stop<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Stop { shared, closed, cancelled } = &mut *self;
        if shared.poll_closed(cx, closed).is_ready() { Poll::Ready(()) } else { Pin::new(cancelled).poll(cx).map(drop) }
    }
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.closed {
            self.shared.forget_watcher(key);
        }
    }
}
