//! What a running closure knows of its caller.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Tells a closure that runs on a [`BlockingPool`](crate::BlockingPool) whether somebody still waits for it.
///
/// Clones tell the same, on any thread: give one to the progress hook of a database, or to a helper thread.
#[doc(alias = "CancellationToken")]
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    cancelled: Arc<AtomicBool>,
}

/// Nobody waits for the call any more; from [`CallContext::check`].
///
/// It turns into an [`io::Error`], so that `cx.check()?` reads well between reads and writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the caller of this blocking call has gone: end it")]
#[non_exhaustive]
pub struct CallCancelled;

impl CallContext {
    /// Goes on if the caller still waits. Cheap enough for inner loops: one load.
    ///
    /// # Errors
    ///
    /// [`CallCancelled`] once the caller was dropped, or the pool was shut down and the deadline is over.
    #[doc(alias = "check_cancelled")]
    pub fn check(&self) -> Result<(), CallCancelled> {
        if self.is_cancelled() { Err(CallCancelled) } else { Ok(()) }
    }

    /// Whether [`check`](Self::check) would fail. It never changes back.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        // Relaxed: a hint to stop. Nothing that the caller wrote is read because of it.
        self.cancelled.load(Ordering::Relaxed)
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl From<CallCancelled> for io::Error {
    fn from(cancelled: CallCancelled) -> Self {
        // Not `Interrupted`: the readers and writers of `std` try again after that.
        io::Error::other(cancelled)
    }
}
