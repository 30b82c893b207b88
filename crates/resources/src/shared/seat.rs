//! A place among the users of a shared resource.

use std::sync::Arc;

use super::{core::Core, errors::Closed, turn::Turn};
use crate::{lease::Lease, resource::Resource};

/// Keeps the value alive. Dropped, it is given back, and the release of the last one is handed off.
pub(super) struct Seat<R: Resource<Value: Sync>> {
    /// `None` once it is given back.
    core: Option<Arc<Core<R>>>,
}

impl<R: Resource<Value: Sync>> Seat<R> {
    pub(super) fn take(core: &Arc<Core<R>>) -> Result<Self, Closed> {
        core.sit()?;
        Ok(Seat { core: Some(Arc::clone(core)) })
    }

    pub(super) fn core(&self) -> &Arc<Core<R>> {
        self.core.as_ref().expect("it is given back by value")
    }

    /// Gives it back, and returns the lease if it was the last.
    pub(super) fn leave(mut self) -> Option<Lease<Turn<R>>> {
        self.core.take()?.leave()
    }
}

impl<R: Resource<Value: Sync>> Clone for Seat<R> {
    fn clone(&self) -> Self {
        self.core().sit_beside();
        Seat { core: self.core.clone() }
    }
}

impl<R: Resource<Value: Sync>> Drop for Seat<R> {
    fn drop(&mut self) {
        // The lease that is over hands its release off.
        drop(self.core.take().and_then(|core| core.leave()));
    }
}
