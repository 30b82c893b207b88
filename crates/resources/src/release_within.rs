//! A resource with another deadline for what goes on without its caller.

use std::time::Duration;

use crate::{exit::Exit, resource::Resource};

/// A resource with another deadline, by [`Resource::with_release_within`].
#[derive(Clone, Debug)]
pub struct WithReleaseWithin<R> {
    resource: R,
    budget: Duration,
}

impl<R> WithReleaseWithin<R> {
    pub(crate) fn new(resource: R, budget: Duration) -> Self {
        WithReleaseWithin { resource, budget }
    }
}

impl<R: Resource> Resource for WithReleaseWithin<R> {
    type Value = R::Value;
    type Error = R::Error;

    fn acquire(&mut self) -> impl Future<Output = Result<R::Value, R::Error>> + Send {
        self.resource.acquire()
    }

    fn release(&mut self, value: R::Value, exit: Exit) -> impl Future<Output = Result<(), R::Error>> + Send {
        self.resource.release(value, exit)
    }

    fn release_within(&self) -> Duration {
        self.budget
    }

    fn abandon(&mut self, value: Option<R::Value>) {
        self.resource.abandon(value);
    }
}
