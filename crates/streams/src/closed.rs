//! The consumer has gone.

use std::{io, sync::Arc};

use thiserror::Error;

/// The consumer of a generator has gone; returned by [`Emitter::emit`](crate::Emitter::emit).
///
/// Return it with `?`: what the body awaits afterwards, such as the release of a session, still runs. `#[from] Closed` in a
/// variant of your own error does the conversion, and [`io::Error`] has one. Where an error has no place for it, write
/// `let Ok(()) = out.emit(item).await else { return Ok(()) };`.
///
/// An error that carries a `Closed` is no failure; any other that the body returns then is reported. The generator knows it by
/// the `Closed` being alive, so do not keep one elsewhere.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the consumer of the stream has gone; end the generator")]
pub struct Closed(
    /// Counted by the channel: there is no other way to look into a foreign error.
    Arc<()>,
);

impl Closed {
    pub(crate) fn new(shared: Arc<()>) -> Self {
        Closed(shared)
    }
}

impl From<Closed> for io::Error {
    fn from(closed: Closed) -> Self {
        io::Error::new(io::ErrorKind::BrokenPipe, closed)
    }
}
