//! Work that owes something: locals that must be gone, and leases whose release must have run.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use bowline_concurrency::{Scope, hand_off, scope};
use tokio::{runtime::Handle, task::yield_now};

use crate::support::{Alive, Census, SlowDrop};

/// Counts what work below it has, and what it owes.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    census: Census,
    owed: Arc<AtomicUsize>,
    released: Arc<AtomicUsize>,
}

/// Owes one release, which its drop hands off.
#[derive(Debug)]
pub(crate) struct Lease {
    released: Arc<AtomicUsize>,
    runtime: Handle,
}

impl World {
    pub(crate) fn enter(&self) -> Alive {
        self.census.enter()
    }

    pub(crate) fn lease(&self) -> Lease {
        self.owed.fetch_add(1, SeqCst);
        Lease { released: self.released.clone(), runtime: Handle::current() }
    }

    pub(crate) fn leases(&self) -> usize {
        self.owed.load(SeqCst)
    }

    pub(crate) fn released(&self) -> usize {
        self.released.load(SeqCst)
    }

    /// Suspends a few times, with a local that is slow to drop and a lease.
    pub(crate) async fn work(self) -> usize {
        let _here = SlowDrop::new(self.enter());
        let _lease = self.lease();
        for _ in 0..3 {
            yield_now().await;
        }
        1
    }

    /// Never ends by itself.
    pub(crate) async fn endless(self) {
        let _here = SlowDrop::new(self.enter());
        let _lease = self.lease();
        std::future::pending().await
    }

    /// Panics if something is left.
    pub(crate) async fn left_clean(self) {
        self.assert_clean();
    }

    pub(crate) fn assert_clean(&self) {
        assert_eq!(self.census.alive(), 0, "something is still alive");
        let (owed, released) = (self.leases(), self.released());
        assert_eq!(owed, released, "every lease is released once");
    }
}

/// Runs a future below a scope that hears of failures and says nothing.
pub(crate) async fn hushed<F: Future>(future: F) -> F::Output {
    scope(async |_| {
        Scope::current().observe_failures(|_| {});
        future.await
    })
    .await
}

impl Drop for Lease {
    fn drop(&mut self) {
        let released = self.released.clone();
        hand_off(&self.runtime, "lease", async move {
            yield_now().await;
            released.fetch_add(1, SeqCst);
        });
    }
}
