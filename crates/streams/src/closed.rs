//! The consumer has gone.

use std::{io, sync::Arc};

use thiserror::Error;

/// The consumer of a generator has gone; returned by [`Emitter::emit`](crate::Emitter::emit).
///
/// Return it with `?`, inside your own error: the awaits after the body's `emit`, such as the release of a session, still run. An error that
/// carries the `Closed` is known to be no failure; any other that the body returns then is reported. `#[from] Closed` in a variant
/// does the conversion, [`io::Error`] has one. Where the error has no place for it, write
/// `let Ok(()) = out.emit(item).await else { return Ok(()) };`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the consumer of the stream has gone; end the generator")]
pub struct Closed(
    // Tells the generator that it is held: there is no other way to look into a foreign error.
    #[allow(dead_code, reason = "held for its count")] Arc<()>,
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
