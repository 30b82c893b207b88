//! The right to have the value alive, attached to the resource: there is one turn, so there is one value.

use std::{sync::Arc, time::Duration};

use tokio::sync::OwnedMutexGuard;

use super::core::{Core, Make};
use crate::{exit::Exit, resource::Resource};

/// The resource of a lease that is shared. It keeps the turn until its release has ended, whoever ends it.
pub(crate) struct Turn<R: Resource<Value: Sync>> {
    resource: R,
    _turn: OwnedMutexGuard<Make<R>>,
    /// Dropped after the turn: what belongs to a key is there as long as its value is (see `keyed.rs`).
    _core: Arc<Core<R>>,
}

impl<R: Resource<Value: Sync>> Turn<R> {
    /// Makes the resource, in its turn.
    pub(super) fn new(mut turn: OwnedMutexGuard<Make<R>>, core: Arc<Core<R>>) -> Self {
        let resource = (*turn)();
        Turn { resource, _turn: turn, _core: core }
    }
}

impl<R: Resource<Value: Sync>> Resource for Turn<R> {
    type Value = Arc<R::Value>;
    type Error = R::Error;

    async fn acquire(&mut self) -> Result<Arc<R::Value>, R::Error> {
        self.resource.acquire().await.map(Arc::new)
    }

    async fn release(&mut self, value: Arc<R::Value>, exit: Exit) -> Result<(), R::Error> {
        self.resource.release(only(value), exit).await
    }

    fn release_within(&self) -> Duration {
        self.resource.release_within()
    }

    fn abandon(&mut self, value: Option<Arc<R::Value>>) {
        self.resource.abandon(value.map(only));
    }
}

fn only<V>(value: Arc<V>) -> V {
    Arc::into_inner(value).expect("who left gave its share back before its seat (invariant 2)")
}
