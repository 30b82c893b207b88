//! Running a closure below a scope, on a thread that belongs to none.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use bowline_concurrency::{InScope, Scope};

/// Runs `work` below `scope`: what it hands off is waited for there, and what it reports is heard there.
pub(super) fn within<R>(scope: &Scope, work: impl FnOnce() -> R) -> R {
    let future = pin!(async { work() }.in_scope(scope));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a future without an await is ready at once"),
    }
}
