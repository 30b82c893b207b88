//! The consumer has gone.

use std::io;

use thiserror::Error;

/// The consumer of a generator has gone; returned by [`Emitter::emit`](crate::Emitter::emit).
///
/// Return it with `?`: the awaits after it, such as the release of a session, still run. For an error type of your own,
/// `#[from] Closed` in a variant does the conversion; where there is none, write
/// `let Ok(()) = out.emit(item).await else { return Ok(()) };`.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the consumer of the stream has gone; end the generator")]
pub struct Closed;

impl From<Closed> for io::Error {
    fn from(closed: Closed) -> Self {
        io::Error::new(io::ErrorKind::BrokenPipe, closed)
    }
}
