//! The end of a pool.

use std::{fmt, pin::pin, sync::Arc, time::Duration};

use super::{background::within, pooled::Pooled, shared::Shared, statistics::PoolStatistics};

/// What [`Pool::close`](crate::Pool::close) found at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CloseReport {
    /// How many values were released meanwhile.
    pub released: u64,
    /// How many of these releases failed, took too long or panicked. What they said has gone to the observer.
    pub failed: u64,
    /// How many values are still in use. Each will be released when it comes back.
    pub in_use: usize,
    /// How many are still being created, reset, checked or released; each has a deadline of its own.
    pub unfinished: usize,
}

impl CloseReport {
    /// Whether nothing is left.
    pub fn is_complete(&self) -> bool {
        self.in_use == 0 && self.unfinished == 0
    }
}

impl fmt::Display for CloseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} released", self.released)?;
        for (count, what) in
            [(self.failed as usize, "of them failed"), (self.in_use, "still in use"), (self.unfinished, "unfinished")]
        {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

/// Closes the pool with its last handle.
pub(super) struct Owner<R: Pooled>(pub(super) Arc<Shared<R>>);

impl<R: Pooled> Drop for Owner<R> {
    fn drop(&mut self) {
        self.0.shut();
    }
}

pub(super) async fn close<R: Pooled>(shared: &Arc<Shared<R>>, deadline: Duration) -> CloseReport {
    let before = PoolStatistics::of(&shared.state());
    shared.shut();
    _ = within(Some(deadline), emptied(shared)).await;
    let now = PoolStatistics::of(&shared.state());
    let gone = |statistics: &PoolStatistics| statistics.destroyed.total() - statistics.closing as u64;
    CloseReport {
        released: gone(&now) - gone(&before),
        failed: now.failed_releases - before.failed_releases,
        in_use: now.in_use,
        unfinished: now.creating + now.recycling + now.closing,
    }
}

async fn emptied<R: Pooled>(shared: &Shared<R>) {
    loop {
        let mut told = pin!(shared.emptied.notified());
        // Before the look, so that nothing is missed between the two.
        told.as_mut().enable();
        if shared.state().size() == 0 {
            return;
        }
        told.await;
    }
}
