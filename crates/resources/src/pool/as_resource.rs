//! A checkout as a resource.

use std::{fmt, time::Duration};

use super::{Pool, checkout::Checkout, errors::AcquireError, pooled::Pooled};
use crate::{exit::Exit, resource::Resource};

/// A [`Resource`] that is a value of a pool; made by [`Pool::checkout`].
pub struct PoolCheckout<R: Pooled>(Pool<R>);

impl<R: Pooled> PoolCheckout<R> {
    pub(super) fn new(pool: Pool<R>) -> Self {
        PoolCheckout(pool)
    }
}

/// The release resets the value and puts it back, or destroys it, as [`Pooled::is_reusable_after`] says. If that fails the value is replaced, so the error goes to
/// the observer.
impl<R: Pooled> Resource for PoolCheckout<R> {
    type Value = Checkout<R>;
    type Error = AcquireError<R::Error>;

    async fn acquire(&mut self) -> Result<Checkout<R>, Self::Error> {
        self.0.acquire().await
    }

    async fn release(&mut self, checkout: Checkout<R>, exit: Exit) -> Result<(), Self::Error> {
        checkout.end(exit).await;
        Ok(())
    }

    /// Each step of the way back has its own deadline; this is the sum.
    fn release_within(&self) -> Duration {
        self.0.return_within()
    }
}

impl<R: Pooled> Clone for PoolCheckout<R> {
    fn clone(&self) -> Self {
        PoolCheckout(self.0.clone())
    }
}

impl<R: Pooled> fmt::Debug for PoolCheckout<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolCheckout").field(&self.0).finish()
    }
}

/// A checkout that is there already.
pub(super) struct Taken<R: Pooled> {
    pub(super) checkout: Option<Checkout<R>>,
    pub(super) return_within: Duration,
}

impl<R: Pooled> Resource for Taken<R> {
    type Value = Checkout<R>;
    type Error = AcquireError<R::Error>;

    async fn acquire(&mut self) -> Result<Checkout<R>, Self::Error> {
        Ok(self.checkout.take().expect("a resource is acquired once"))
    }

    async fn release(&mut self, checkout: Checkout<R>, exit: Exit) -> Result<(), Self::Error> {
        checkout.end(exit).await;
        Ok(())
    }

    fn release_within(&self) -> Duration {
        self.return_within
    }
}
