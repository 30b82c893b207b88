//! A value that is owed its release, with the resource that can give it.

use crate::{exit::Exit, owed::abandoned, resource::Resource};

/// Ends with [`Held::release`]. Dropped without that, or in the middle of it, it tells the resource: [`Resource::abandon`].
pub(crate) struct Held<R: Resource> {
    resource: R,
    /// `None` once the release has begun.
    value: Option<R::Value>,
    is_owed: bool,
}

impl<R: Resource> Held<R> {
    pub(crate) fn new(resource: R, value: R::Value) -> Self {
        Held { resource, value: Some(value), is_owed: true }
    }

    pub(crate) fn resource(&self) -> &R {
        &self.resource
    }

    pub(crate) fn value(&self) -> &R::Value {
        self.value.as_ref().expect(HELD)
    }

    pub(crate) fn value_mut(&mut self) -> &mut R::Value {
        self.value.as_mut().expect(HELD)
    }

    pub(crate) fn parts_mut(&mut self) -> (&mut R, &mut R::Value) {
        (&mut self.resource, self.value.as_mut().expect(HELD))
    }

    pub(crate) async fn release(mut self, exit: Exit) -> Result<(), R::Error> {
        let value = self.value.take().expect(HELD);
        let outcome = self.resource.release(value, exit).await;
        self.is_owed = false;
        outcome
    }
}

const HELD: &str = "only the release takes the value, and with it everything";

impl<R: Resource> Drop for Held<R> {
    fn drop(&mut self) {
        if self.is_owed {
            let value = self.value.take();
            abandoned::<R>(|| self.resource.abandon(value));
        }
    }
}

/// What reports call a step of the resource.
pub(crate) fn name<R>(what: &str) -> String {
    format!("{what} {}", std::any::type_name::<R>())
}
