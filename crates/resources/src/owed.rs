//! A value that is owed its release by a resource that somebody else may own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bowline_concurrency::Failure;

use crate::held::name;

/// Dropped before [`Owed::paid`] it tells the resource, with the value if its release has not begun.
pub(crate) struct Owed<R, V> {
    resource: R,
    /// `None` once the release has begun.
    value: Option<V>,
    is_owed: bool,
    /// Does not panic; see [`abandoned`].
    abandon: fn(&mut R, Option<V>),
}

impl<R, V> Owed<R, V> {
    pub(crate) fn new(resource: R, value: V, abandon: fn(&mut R, Option<V>)) -> Self {
        Owed { resource, value: Some(value), is_owed: true, abandon }
    }

    pub(crate) fn resource(&self) -> &R {
        &self.resource
    }

    pub(crate) fn value_mut(&mut self) -> &mut V {
        self.value.as_mut().expect(OWED)
    }

    /// What the release is made of, which begins.
    pub(crate) fn begin(&mut self) -> (&mut R, V) {
        (&mut self.resource, self.value.take().expect(OWED))
    }

    /// The release has returned.
    pub(crate) fn paid(mut self) {
        self.is_owed = false;
    }
}

const OWED: &str = "only the release takes the value, and it begins once";

impl<R, V> Drop for Owed<R, V> {
    fn drop(&mut self) {
        if self.is_owed {
            (self.abandon)(&mut self.resource, self.value.take());
        }
    }
}

/// Runs an `abandon` of the user's. Its panic goes to the observer: it is called in destructors, and others have their turn after it.
pub(crate) fn abandoned<R>(abandon: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(abandon)) {
        Failure::panic(name::<R>("the abandonment of"), payload).report();
    }
}
