//! The way to the lock: at once if it is free, otherwise in Tokio's line.

use std::{
    future::poll_fn,
    panic::Location,
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{Mutex, MutexGuard};

impl<T: ?Sized> Mutex<T> {
    /// Locks in the name of the code at `location`.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async fn keeps its arguments twice, and a hundred thousand may wait"
    )]
    #[inline]
    pub(crate) fn lock_at(&self, location: &'static Location<'static>) -> impl Future<Output = MutexGuard<'_, T>> {
        async move {
            let value = match poll_fn(|cx| self.poll_free(cx)).await {
                Some(value) => value,
                None => {
                    self.holder.refuse_the_holder();
                    let _waiter = Waiter::new(&self.waiting);
                    let mut waiting = self.resource.waiting();
                    let mut lock = pin!(self.value.lock());
                    poll_fn(move |cx| waiting.poll(cx, |cx| lock.as_mut().poll(cx))).await
                }
            };
            MutexGuard::new(self, value, location)
        }
    }

    /// Ready with the lock if it is free, and with nothing if one has to wait.
    #[inline]
    fn poll_free(&self, cx: &mut Context<'_>) -> Poll<Option<tokio::sync::MutexGuard<'_, T>>> {
        let coop = ready!(coop::poll_proceed(cx));
        let value = self.value.try_lock().ok();
        if value.is_some() {
            coop.made_progress();
        }
        Poll::Ready(value)
    }
}

/// One future in the line.
struct Waiter<'a>(&'a AtomicUsize);

impl<'a> Waiter<'a> {
    fn new(waiting: &'a AtomicUsize) -> Self {
        // Relaxed, here and below: a count for the statistics.
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
