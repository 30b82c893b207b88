//! Another deadline for the end of transactions.

use std::time::Duration;

use super::connection::{ConnectionSource, ErrorOf};

/// A [`ConnectionSource`] with another [`end_within`](ConnectionSource::end_within); made by [`ConnectionSource::ending_within`].
#[derive(Clone, Debug)]
pub struct EndingWithin<S> {
    source: S,
    budget: Duration,
}

impl<S> EndingWithin<S> {
    pub(super) fn new(source: S, budget: Duration) -> Self {
        EndingWithin { source, budget }
    }
}

impl<S: ConnectionSource> ConnectionSource for EndingWithin<S> {
    type Connection = S::Connection;
    type Guard = S::Guard;

    async fn acquire(&self) -> Result<S::Guard, ErrorOf<S>> {
        self.source.acquire().await
    }

    async fn give_back(&self, connection: S::Guard) -> Result<(), ErrorOf<S>> {
        self.source.give_back(connection).await
    }

    fn discard(&self, connection: S::Guard) {
        self.source.discard(connection);
    }

    fn end_within(&self) -> Duration {
        self.budget
    }
}
