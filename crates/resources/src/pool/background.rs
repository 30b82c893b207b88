//! Work that nobody awaits, done on the spot where it can be.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bowline_concurrency::Failure;
use tokio::{runtime::Handle, time::timeout};

use crate::masked::Masked;

/// Begins the work on the spot, below its runtime; only what is left then becomes a task, for which the current scope waits.
///
/// It never panics: it is called in destructors, on any thread, also after the runtime has gone.
pub(super) fn in_background<T: Send + 'static>(runtime: &Handle, work: impl FnOnce() -> Masked<T>) {
    let begun = catch_unwind(AssertUnwindSafe(|| {
        let _entered = runtime.enter();
        let mut work = work();
        drop(Pin::new(&mut work).poll(&mut Context::from_waker(Waker::noop())));
        // Drops what is left, and with that hands it off.
    }));
    if let Err(payload) = begun {
        Failure::panic("a pool", payload).report();
    }
}

/// The output, unless it takes longer. Most are ready at once, and then no timer is made.
pub(super) async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    if let Some(output) = at_once(future.as_mut()).await {
        return Some(output);
    }
    match limit {
        Some(limit) => timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}

/// Polls once; the output if it is ready.
pub(super) async fn at_once<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}
