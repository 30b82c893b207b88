//! What can be acquired and released.

use std::{fmt, time::Duration};

use crate::exit::Exit;

/// Something that is acquired, used and released, with awaits at both ends; used by [`with`](crate::with).
///
/// Write both as plain `async fn`. Each is masked: once begun it runs to its end, whatever becomes of the caller.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, Resource};
/// use std::{io, path::PathBuf};
///
/// /// A file that exists as long as it is used.
/// struct LockFile(PathBuf);
///
/// impl Resource for LockFile {
///     type Value = tokio::fs::File;
///     type Error = io::Error;
///
///     async fn acquire(&mut self) -> io::Result<tokio::fs::File> {
///         tokio::fs::File::create_new(&self.0).await
///     }
///
///     async fn release(&mut self, _file: tokio::fs::File, _exit: Exit) -> io::Result<()> {
///         tokio::fs::remove_file(&self.0).await
///     }
/// }
/// ```
#[doc(alias = "context manager")]
#[doc(alias = "AsyncDrop")]
pub trait Resource: Send + Sized + 'static {
    /// What the body works with.
    type Value: Send + 'static;
    /// Why acquiring or releasing failed.
    type Error: fmt::Debug + Send + 'static;

    /// Acquires the value. If the caller goes away meanwhile, it is released as soon as it is there.
    ///
    /// # Errors
    ///
    /// Nothing was acquired; then neither the body nor [`release`](Resource::release) runs.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe: it is dropped half-way only by the end of its runtime, or past [`release_within`](Resource::release_within)
    /// after its caller has gone.
    fn acquire(&mut self) -> impl Future<Output = Result<Self::Value, Self::Error>> + Send;

    /// Releases the value. Called once for every value acquired.
    ///
    /// # Errors
    ///
    /// The value could not be released properly; it is gone all the same.
    ///
    /// # Cancel safety
    ///
    /// It need not be cancel safe: if its caller goes, the enclosing scope waits for the rest. It is dropped half-way by the end
    /// of its runtime, or past [`release_within`](Resource::release_within); then the destructor of the value is what is left.
    fn release(&mut self, value: Self::Value, exit: Exit) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// How long the acquisition, and then the release, may take after the caller has gone; 30 s unless overridden. Past that
    /// it is dropped and reported to the observer, so that no scope waits for a dead peer for ever.
    fn release_within(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Takes what its release could not end: the last resort, without awaits. By default it drops the value.
    ///
    /// It is called once, instead of a [`release`](Resource::release) that never returned: `value` is there if the release had not begun, because its
    /// runtime had ended before; and gone with the release if that was cut short, by its deadline or the end of the runtime, or panicked.
    /// Close what can be closed at once, or count it. It must not block.
    fn abandon(&mut self, value: Option<Self::Value>) {
        drop(value);
    }
}
