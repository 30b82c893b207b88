//! A connection that is thrown away unless it is known to be clean.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bowline_concurrency::Failure;
use tokio::{runtime::Handle, time::timeout};

use super::connection::{ConnectionSource, ErrorOf, Transactional};
use crate::held::name;

/// Ends with [`Owned::give_back`]. Dropped without that, in whatever state: [`ConnectionSource::discard`].
pub(crate) struct Owned<S: ConnectionSource> {
    source: S,
    /// `None` once it is on its way back.
    guard: Option<S::Guard>,
    /// Sources may spawn where a connection is thrown away, and that may be on a thread of no runtime.
    runtime: Handle,
}

impl<S: ConnectionSource> Owned<S> {
    pub(super) fn new(source: S, guard: S::Guard) -> Self {
        Owned { source, guard: Some(guard), runtime: Handle::current() }
    }

    pub(super) fn source(&self) -> &S {
        &self.source
    }

    pub(super) fn connection(&mut self) -> &mut S::Connection {
        self.guard.as_mut().expect("only the end takes it")
    }

    /// Rolls back and hands the connection back, or throws it away. Being late is reported; it is not the caller's error.
    pub(super) async fn roll_back(mut self) -> Result<(), ErrorOf<S>> {
        let budget = self.source.end_within();
        match timeout(budget, self.connection().rollback(0)).await {
            Ok(Ok(())) => self.give_back().await,
            Ok(Err(error)) => return Err(error),
            Err(_) => Failure::overdue(name::<S>("the rollback on"), budget).report(),
        }
        Ok(())
    }

    /// Hands the connection back. What goes wrong with that is reported: the transaction has ended, and so it was told.
    pub(super) async fn give_back(mut self) {
        let guard = self.guard.take().expect("only the end takes it");
        let budget = self.source.end_within();
        match timeout(budget, self.source.give_back(guard)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => Failure::error(name::<S>("the return to"), error).report(),
            Err(_) => Failure::overdue(name::<S>("the return to"), budget).report(),
        }
    }
}

impl<S: ConnectionSource> Drop for Owned<S> {
    fn drop(&mut self) {
        let Some(guard) = self.guard.take() else { return };
        let discarded = catch_unwind(AssertUnwindSafe(|| {
            let _inside = self.runtime.enter();
            self.source.discard(guard);
        }));
        if let Err(payload) = discarded {
            Failure::panic(name::<S>("the discard on"), payload).report();
        }
    }
}
