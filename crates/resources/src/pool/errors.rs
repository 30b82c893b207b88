//! Why a pool gave nothing, or did not take a value back.

use std::time::Duration;

use thiserror::Error;

/// Why [`Pool::acquire`](crate::Pool::acquire) gave nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AcquireError<E> {
    /// The pool was closed before or meanwhile.
    #[error("the pool is closed: open another one")]
    Closed,
    /// Nothing came back in time.
    #[error(
        "all {max_size} values of the pool were taken for {waited:?}: give them back earlier, raise `max_size`, or `wait_timeout`"
    )]
    TimedOut {
        /// The [`wait_timeout`](crate::PoolBuilder::wait_timeout).
        waited: Duration,
        /// How many values there may be.
        max_size: usize,
    },
    /// A value was not there in time.
    #[error(
        "a value of the pool was not created within {0:?}: see whether the other side is there, or raise `create_timeout`"
    )]
    CreateTimedOut(Duration),
    /// A value could not be created. Its place is free again, so the next try may succeed.
    #[error("a value of the pool could not be created")]
    Create(#[source] E),
}

/// Why [`Pool::try_acquire`](crate::Pool::try_acquire) gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// The pool was closed.
    #[error("the pool is closed: open another one")]
    Closed,
    /// No value is there that could be handed out without an await. There may be room for a new one.
    #[error("no value of the pool is ready: use `acquire`, which creates one or waits")]
    NoneReady,
}

/// Why a value was destroyed instead of [given back](crate::Checkout::give_back).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GiveBackError<E> {
    /// It could not be reset.
    #[error("a value of the pool could not be reset; it has been destroyed")]
    Reset(#[source] E),
    /// It was not reset in time.
    #[error(
        "a value of the pool was not reset within {0:?}; it has been destroyed: raise `recycle_timeout` if that is too short"
    )]
    TimedOut(Duration),
}
