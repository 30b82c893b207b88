//! The guard of one user.

use std::{fmt, ops::Deref, sync::Arc};

use super::{core::Core, seat::Seat};
use crate::resource::Resource;

/// A share in a value that others use too; from [`Shared::get`](crate::Shared::get), [`KeyedShared::get`](crate::KeyedShared::get) and
/// [`Swap::get`](crate::Swap::get).
///
/// The value is kept while there is a share in it. A clone is another share of the same value. Users have it by `&`: a value that they change is a
/// lock, or has one inside.
///
/// The last one that is dropped lets the value go: its release is handed off to the current scope, and told the same as for a
/// [`Lease`](crate::Lease) that is dropped. With an idle time-out it is kept for that long, and then released as [`Exit::Completed`](crate::Exit::Completed).
#[must_use = "a share that is dropped at once lets the value go: bind it"]
pub struct SharedLease<R: Resource<Value: Sync>> {
    /// Dropped before the seat (invariant 2); never the last share, since the lease has one.
    value: Arc<R::Value>,
    seat: Seat<R>,
}

impl<R: Resource<Value: Sync>> SharedLease<R> {
    pub(super) fn new(value: Arc<R::Value>, seat: Seat<R>) -> Self {
        SharedLease { value, seat }
    }

    pub(crate) fn core(&self) -> &Arc<Core<R>> {
        self.seat.core()
    }

    /// Gives the share back, as after a success; and if it is the last one, and there is no idle time-out, waits for the release.
    ///
    /// # Errors
    ///
    /// That of the release, for the last user. The value is gone all the same.
    ///
    /// # Panics
    ///
    /// With a panic of the release.
    ///
    /// # Cancel safety
    ///
    /// The share is given back by the call. The future may be dropped at any point: the release is done in the background. Newcomers
    /// wait for it: poll it to its end or drop it, and do not keep it aside half-done.
    pub fn release(self) -> impl Future<Output = Result<(), R::Error>> + Send {
        let SharedLease { value, seat } = self;
        drop(value); // Before the seat (invariant 2).
        let ending = seat.leave().map(crate::lease::Lease::release);
        async move {
            match ending {
                Some(ending) => ending.await,
                None => Ok(()),
            }
        }
    }
}

impl<R: Resource<Value: Sync>> Clone for SharedLease<R> {
    fn clone(&self) -> Self {
        SharedLease { value: Arc::clone(&self.value), seat: self.seat.clone() }
    }
}

impl<R: Resource<Value: Sync>> Deref for SharedLease<R> {
    type Target = R::Value;

    fn deref(&self) -> &R::Value {
        &self.value
    }
}

impl<R: Resource<Value: Sync + fmt::Debug>> fmt::Debug for SharedLease<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedLease").field(&**self).finish()
    }
}
