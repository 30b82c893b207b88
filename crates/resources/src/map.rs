//! A resource whose body sees something else.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use bowline_concurrency::Failure;

use crate::{exit::Exit, first_failure::FirstFailure, held::name, member::Member, resource::Resource};

/// A resource whose body works with something made of its value, by [`Resource::map`].
#[derive(Clone)]
pub struct Map<R: Resource, F> {
    member: Member<R>,
    /// `None` once it has been called.
    make: Option<F>,
}

impl<R: Resource, F> Map<R, F> {
    pub(crate) fn new(resource: R, make: F) -> Self {
        Map { member: Member::new(resource), make: Some(make) }
    }
}

impl<R, W, F> Resource for Map<R, F>
where
    R: Resource,
    W: Send + 'static,
    F: FnOnce(&mut R::Value) -> W + Send + 'static,
{
    type Value = W;
    type Error = R::Error;

    async fn acquire(&mut self) -> Result<W, R::Error> {
        let Map { member, make } = self;
        let failures = FirstFailure::new();
        member.acquire(&failures).await;
        if let Some(value) = member.kept_mut() {
            let make = make.take().expect("a mapped resource is acquired once");
            let made = catch_unwind(AssertUnwindSafe(|| make(value)));
            if let Some(made) = failures.sort(|| name::<R>("the map of"), made.map(Ok)) {
                return Ok(made);
            }
            member.release_kept(Exit::Panicked, &failures).await;
        }
        failures.conclude()?;
        unreachable!("there is a value, or a failure")
    }

    async fn release(&mut self, made: W, exit: Exit) -> Result<(), R::Error> {
        let failures = FirstFailure::new();
        // A destructor of the user's: the original is released even if it panics.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(made)));
        failures.sort(|| name::<R>("what was made of"), dropped.map(Ok));
        self.member.release_kept(exit, &failures).await;
        failures.conclude()
    }

    fn release_within(&self) -> Duration {
        self.member.resource().release_within()
    }

    fn abandon(&mut self, made: Option<W>) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(made))) {
            Failure::panic(name::<R>("what was made of"), payload).report();
        }
        self.member.abandon_kept();
    }
}

impl<R: Resource + fmt::Debug, F> fmt::Debug for Map<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Map").field(self.member.resource()).finish_non_exhaustive()
    }
}
