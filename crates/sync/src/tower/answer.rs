//! What becomes of a request that is turned away.

use std::{fmt, time::Duration};

use crate::{AdmissionRefused, AtCapacity, RetryAfter};

/// Why a [`RejectLayer`](super::RejectLayer) turned a request away, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refused {
    retry_after: Option<Duration>,
}

impl Refused {
    /// When it is worth asking again; `None` if nobody can tell, as with a bound on how many at once.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.retry_after {
            Some(pause) => write!(f, "the limit is reached, try again in {pause:?}"),
            None => f.write_str("the limit is reached, try again later"),
        }
    }
}

impl std::error::Error for Refused {}

impl From<AtCapacity> for Refused {
    fn from(_: AtCapacity) -> Self {
        Self { retry_after: None }
    }
}

impl From<RetryAfter> for Refused {
    fn from(refused: RetryAfter) -> Self {
        Self { retry_after: Some(refused.duration()) }
    }
}

impl From<AdmissionRefused> for Refused {
    fn from(refused: AdmissionRefused) -> Self {
        Self { retry_after: refused.retry_after() }
    }
}

/// The error of a [`RejectLayer`](super::RejectLayer) that was made by [`RejectLayer::new`](super::RejectLayer::new).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejected<E> {
    /// The request was turned away.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The service failed.
    #[error(transparent)]
    Inner(E),
}

/// What becomes of a refusal. Public for the compiler only: nobody outside can name it.
pub trait Answer<Response, E>: Clone {
    /// The error of the service.
    type Error;

    /// Answers for the service.
    ///
    /// # Errors
    ///
    /// Where the refusal becomes an error.
    fn refused(&self, refused: Refused) -> Result<Response, Self::Error>;

    /// The service's own error.
    fn failed(error: E) -> Self::Error;
}

/// A refusal becomes an error: [`Rejected`].
#[derive(Debug, Clone, Copy)]
pub struct AsError;

impl<Response, E> Answer<Response, E> for AsError {
    type Error = Rejected<E>;

    fn refused(&self, refused: Refused) -> Result<Response, Rejected<E>> {
        Err(refused.into())
    }

    fn failed(error: E) -> Rejected<E> {
        Rejected::Inner(error)
    }
}

/// A refusal becomes a response; see [`RejectLayer::respond_with`](super::RejectLayer::respond_with).
#[derive(Clone, Copy)]
pub struct RespondWith<F>(F);

impl<F> RespondWith<F> {
    pub(super) fn new(respond: F) -> Self {
        Self(respond)
    }
}

impl<F: Fn(Refused) -> Response + Clone, Response, E> Answer<Response, E> for RespondWith<F> {
    type Error = E;

    fn refused(&self, refused: Refused) -> Result<Response, E> {
        Ok((self.0)(refused))
    }

    fn failed(error: E) -> E {
        error
    }
}

impl<F> fmt::Debug for RespondWith<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RespondWith").finish_non_exhaustive()
    }
}
