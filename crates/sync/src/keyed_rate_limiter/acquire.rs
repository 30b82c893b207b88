//! The futures that wait for slots of a key.

use std::{
    borrow::Borrow,
    fmt,
    hash::Hash,
    num::NonZeroU32,
    pin::Pin,
    task::{Context, Poll},
};

use super::{KeyRefused, KeyedRateLimiter, TooManyKeys, table::Index};
use crate::{
    inspected::Waiting,
    rate_limiter::{ExceedsBurst, request::Request},
};

/// Waits for the next slot of a key; made by [`KeyedRateLimiter::acquire`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in line. Its slot, even one that was already granted, goes to the next in line for that key, or back to the
/// key: a cancelled request costs nothing, and leaves nothing behind. The first in line of a key owns the timer for the others of that key, see
/// [`AcquireSlot`](crate::AcquireSlot).
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait outside a Tokio runtime with its timer on, and
/// polling it in another runtime after the one in which it waited has been shut down.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireKeySlot<'a, K, Q: ?Sized>(Inner<'a, K, Q>);

/// Waits for several slots of a key at once; made by [`KeyedRateLimiter::acquire_many`].
///
/// # Cancel safety
///
/// The same as [`AcquireKeySlot`]'s, with exactly as many slots as were granted.
///
/// # Panics
///
/// Polling it again after it has completed panics; so does having to wait outside a Tokio runtime with its timer on, and
/// polling it in another runtime after the one in which it waited has been shut down.
#[must_use = "futures do nothing unless polled"]
pub struct AcquireKeySlots<'a, K, Q: ?Sized>(Inner<'a, K, Q>);

struct Inner<'a, K, Q: ?Sized> {
    limiter: &'a KeyedRateLimiter<K>,
    key: &'a Q,
    /// Valid while the request is in line.
    index: Index,
    request: Request,
    waiting: Waiting,
}

impl<'a, K, Q: ?Sized> Inner<'a, K, Q> {
    fn new(limiter: &'a KeyedRateLimiter<K>, key: &'a Q, permits: NonZeroU32) -> Self {
        let waiting = limiter.resource.waiting();
        Self { limiter, key, index: Index::NONE, request: Request::new(permits), waiting }
    }
}

impl<K, Q> Inner<'_, K, Q>
where
    K: Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), KeyRefused>> {
        let Self { limiter, key, index, request, waiting } = self;
        let step = |request: &mut Request, waker: &_| {
            if request.is_in_line() {
                return Ok(limiter.locked(|state, clock, wakes, _| {
                    state.act(*index, clock, wakes, |line, clock, wakes| request.step(line, clock, wakes, waker))
                }));
            }
            limiter.with_key(*key, index, |line, clock, wakes| {
                ExceedsBurst::check(request.permits(), line)?;
                Ok(request.step(line, clock, wakes, waker))
            })?
        };
        waiting.poll(cx, |cx| request.poll(cx, step))
    }
}

impl<K, Q: ?Sized> Drop for Inner<'_, K, Q> {
    fn drop(&mut self) {
        self.limiter.give_up(self.index, &mut self.request);
    }
}

impl<'a, K, Q: ?Sized> AcquireKeySlot<'a, K, Q> {
    pub(super) fn new(limiter: &'a KeyedRateLimiter<K>, key: &'a Q) -> Self {
        Self(Inner::new(limiter, key, NonZeroU32::MIN))
    }
}

impl<'a, K, Q: ?Sized> AcquireKeySlots<'a, K, Q> {
    pub(super) fn new(limiter: &'a KeyedRateLimiter<K>, key: &'a Q, permits: NonZeroU32) -> Self {
        Self(Inner::new(limiter, key, permits))
    }
}

impl<K, Q> Future for AcquireKeySlot<'_, K, Q>
where
    K: Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
    type Output = Result<(), TooManyKeys>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TooManyKeys>> {
        self.get_mut().0.poll(cx).map_err(|refused| match refused {
            KeyRefused::TooManyKeys(refused) => refused,
            KeyRefused::RetryAfter(_) | KeyRefused::ExceedsBurst(_) => {
                unreachable!("a waiting request is not told to come again, and one permit is within every burst")
            }
        })
    }
}

impl<K, Q> Future for AcquireKeySlots<'_, K, Q>
where
    K: Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
    type Output = Result<(), KeyRefused>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), KeyRefused>> {
        self.get_mut().0.poll(cx)
    }
}

impl<K, Q: ?Sized> fmt::Debug for AcquireKeySlot<'_, K, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AcquireKeySlot").field(self.0.limiter).finish()
    }
}

impl<K, Q: ?Sized> fmt::Debug for AcquireKeySlots<'_, K, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireKeySlots")
            .field("limiter", self.0.limiter)
            .field("permits", &self.0.request.permits())
            .finish_non_exhaustive()
    }
}
