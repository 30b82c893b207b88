//! Two resources as one.

use std::{fmt, time::Duration};

use bowline_concurrency::gather;

use crate::{exit::Exit, first_failure::FirstFailure, member::Member, resource::Resource};

/// Two resources as one, by [`Resource::zip`].
#[derive(Clone)]
pub struct Zip<A: Resource, B: Resource> {
    a: Member<A>,
    b: Member<B>,
}

impl<A: Resource, B: Resource> Zip<A, B> {
    pub(crate) fn new(a: A, b: B) -> Self {
        Zip { a: Member::new(a), b: Member::new(b) }
    }
}

impl<A: Resource, B: Resource<Error = A::Error>> Resource for Zip<A, B> {
    type Value = (A::Value, B::Value);
    type Error = A::Error;

    async fn acquire(&mut self) -> Result<Self::Value, Self::Error> {
        let Zip { a, b } = self;
        let failures = FirstFailure::new();
        gather((a.acquire(&failures), b.acquire(&failures))).await;
        if failures.is_some() {
            gather((a.release_kept(Exit::Failed, &failures), b.release_kept(Exit::Failed, &failures))).await;
        }
        failures.conclude()?;
        Ok((a.take(), b.take()))
    }

    async fn release(&mut self, value: Self::Value, exit: Exit) -> Result<(), Self::Error> {
        let Zip { a, b } = self;
        let failures = FirstFailure::new();
        gather((a.release(value.0, exit.clone(), &failures), b.release(value.1, exit, &failures))).await;
        failures.conclude()
    }

    /// The longer one of both: they run side by side.
    fn release_within(&self) -> Duration {
        self.a.resource().release_within().max(self.b.resource().release_within())
    }

    /// Without values both have been told, or have returned.
    fn abandon(&mut self, value: Option<Self::Value>) {
        if let Some((a, b)) = value {
            self.a.abandon(a);
            self.b.abandon(b);
        }
    }
}

impl<A: Resource + fmt::Debug, B: Resource + fmt::Debug> fmt::Debug for Zip<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zip").field(self.a.resource()).field(self.b.resource()).finish()
    }
}
