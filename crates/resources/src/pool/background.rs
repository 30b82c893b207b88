//! Work that nobody awaits, done on the spot where it can be.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use bowline_concurrency::Failure;
use tokio::{runtime::Handle, task::unconstrained, time::sleep};

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
    noting_waits(limit, || {}, future).await
}

/// Like [`within`]; calls `waits` if the output is not ready at once.
pub(super) async fn noting_waits<F: Future>(
    limit: Option<Duration>,
    waits: impl FnOnce(),
    future: F,
) -> Option<F::Output> {
    let (mut future, mut timer, mut waits) = (pin!(future), pin!(None), Some(waits));
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if let Some(waits) = waits.take() {
            waits();
        }
        if cx.waker().will_wake(Waker::noop()) {
            return Poll::Pending; // On the spot, where the runtime may be gone, and with it the timers. It is polled again if it is not.
        }
        if timer.is_none() {
            // Unconstrained: it fires although the future has used up the budget of its task.
            timer.set(limit.map(|limit| unconstrained(sleep(limit))));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}
