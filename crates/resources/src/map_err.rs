//! A resource with another type of error.

use std::{fmt, time::Duration};

use crate::{exit::Exit, resource::Resource};

/// A resource with another type of error, by [`Resource::map_err`].
#[derive(Clone)]
pub struct MapErr<R, F> {
    resource: R,
    make: F,
}

impl<R, F> MapErr<R, F> {
    pub(crate) fn new(resource: R, make: F) -> Self {
        MapErr { resource, make }
    }
}

impl<R, E, F> Resource for MapErr<R, F>
where
    R: Resource,
    E: fmt::Debug + Send + 'static,
    F: FnMut(R::Error) -> E + Send + 'static,
{
    type Value = R::Value;
    type Error = E;

    async fn acquire(&mut self) -> Result<R::Value, E> {
        self.resource.acquire().await.map_err(&mut self.make)
    }

    async fn release(&mut self, value: R::Value, exit: Exit) -> Result<(), E> {
        self.resource.release(value, exit).await.map_err(&mut self.make)
    }

    fn release_within(&self) -> Duration {
        self.resource.release_within()
    }

    fn abandon(&mut self, value: Option<R::Value>) {
        self.resource.abandon(value);
    }
}

impl<R: fmt::Debug, F> fmt::Debug for MapErr<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MapErr").field(&self.resource).finish_non_exhaustive()
    }
}
