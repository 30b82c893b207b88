//! A transaction on an owned connection, as a resource.
//!
//! # Invariants
//!
//! 1. From the poll that acquires a connection on, it is in an [`Owned`]: whatever cuts off what follows, it is thrown away.
//! 2. It is handed back in two places, and in both the last that happened to it is a commit or a rollback that returned `Ok`.
//! 3. Whether it is committed is decided by the [`Exit`] alone, so by the poll that ended the body.

use std::time::Duration;

use bowline_concurrency::Failure;

use super::{
    connection::{ConnectionSource, ErrorOf, Transactional},
    owned::Owned,
};
use crate::{exit::Exit, held::name, resource::Resource};

/// Acquiring it is beginning, releasing it is ending and handing back; both are masked as those of any resource.
pub(super) struct InTransaction<S: ConnectionSource> {
    /// `None` once it has begun.
    owned: Option<Owned<S>>,
    end_within: Duration,
}

impl<S: ConnectionSource> InTransaction<S> {
    pub(super) fn new(owned: Owned<S>) -> Self {
        InTransaction { end_within: owned.source().end_within(), owned: Some(owned) }
    }
}

impl<S: ConnectionSource> Resource for InTransaction<S> {
    type Value = Owned<S>;
    type Error = ErrorOf<S>;

    async fn acquire(&mut self) -> Result<Owned<S>, ErrorOf<S>> {
        let mut owned = self.owned.take().expect("a transaction begins once");
        match owned.connection().begin(0).await {
            Ok(()) => Ok(owned),
            Err(error) => Err(after_failure(owned, error).await),
        }
    }

    async fn release(&mut self, mut owned: Owned<S>, exit: Exit) -> Result<(), ErrorOf<S>> {
        if !exit.is_completed() {
            return owned.roll_back().await;
        }
        match owned.connection().commit(0).await {
            Ok(()) => {
                owned.give_back().await;
                Ok(())
            }
            Err(error) => Err(after_failure(owned, error).await),
        }
    }

    fn release_within(&self) -> Duration {
        self.end_within
    }
}

/// Rolls back as a precaution, so that the connection can be handed back. The caller is told of the failure that was first.
async fn after_failure<S: ConnectionSource>(owned: Owned<S>, error: ErrorOf<S>) -> ErrorOf<S> {
    if let Err(second) = owned.roll_back().await {
        Failure::error(name::<S>("the rollback on"), second).report();
    }
    error
}
