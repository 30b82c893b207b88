//! What can be acquired and released.

use std::{fmt, time::Duration};

use crate::{exit::Exit, map::Map, map_err::MapErr, release_within::WithReleaseWithin, zip::Zip};

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

    /// Makes one resource of this one and `other`: both are acquired at once, and released at once, in one task. The body gets a pair.
    ///
    /// If one acquisition fails or panics, the other is waited for, since no acquisition is dropped half-way, and what it gave is released as
    /// [`Exit::Failed`]. The first error is returned, or the first panic resumed; further ones go to the observer. The same holds for errors of the
    /// releases, both of which run whatever becomes of the other.
    ///
    /// Both have one type of error; see [`map_err`](Resource::map_err). The longer one of both [`release_within`](Resource::release_within) holds.
    /// For any number of one type use [`all`](crate::all); where one needs the value of the other, nest two [`with`](crate::with).
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_resources::{Exit, Resource, resource, with};
    /// # use std::io;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
    /// # fn open(path: &'static str) -> impl Resource<Value = String, Error = io::Error> {
    /// #     resource(async move || Ok(path.to_owned()), async |_: String, _: Exit| Ok(()))
    /// # }
    /// let copied = with(open("from").zip(open("to")), async |(from, to)| {
    ///     to.push_str(from);
    ///     io::Result::Ok(to.clone())
    /// })
    /// .await?;
    /// assert_eq!(copied, "tofrom");
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "both")]
    #[doc(alias = "parallel")]
    fn zip<B: Resource<Error = Self::Error>>(self, other: B) -> Zip<Self, B> {
        Zip::new(self, other)
    }

    /// Lets the body work with what `make` gives for the value, such as a handle. The value itself is kept aside, and released after what was made of it
    /// has been dropped.
    ///
    /// A panic of `make` is resumed after the release. `make` is called once: a mapped resource is acquired once, and its clones once each.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_resources::{Exit, Resource, resource, with};
    /// # use std::{io, sync::mpsc};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
    /// let log = resource(async || io::Result::Ok(mpsc::channel()), async |(sender, lines): (_, mpsc::Receiver<&str>), _: Exit| {
    ///     drop(sender);
    ///     assert_eq!(lines.iter().collect::<Vec<_>>(), ["hello"]); // Ends: the body's sender is gone.
    ///     Ok(())
    /// });
    /// let sender = log.map(|(sender, _)| sender.clone());
    /// with(sender, async |sender| sender.send("hello").map_err(io::Error::other)).await?;
    /// # Ok(())
    /// # }
    /// ```
    fn map<W, F>(self, make: F) -> Map<Self, F>
    where
        W: Send + 'static,
        F: FnOnce(&mut Self::Value) -> W + Send + 'static,
    {
        Map::new(self, make)
    }

    /// Turns the errors into others, for a body or a [`zip`](Resource::zip) with another type of error.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_resources::{Exit, Resource, resource, with};
    /// use std::io;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let file = resource(async || Err(io::Error::other("full")), async |(): (), _: Exit| Ok(()));
    /// let used = with(file.map_err(|error| error.to_string()), async |()| Ok::<_, String>(())).await;
    /// assert_eq!(used, Err("full".to_owned()));
    /// # }
    /// ```
    fn map_err<E, F>(self, make: F) -> MapErr<Self, F>
    where
        E: fmt::Debug + Send + 'static,
        F: FnMut(Self::Error) -> E + Send + 'static,
    {
        MapErr::new(self, make)
    }

    /// Replaces [`release_within`](Resource::release_within): how long the acquisition, and then the release, may take after the caller has gone.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_resources::{Exit, Resource, resource};
    /// use std::time::Duration;
    ///
    /// let session = resource(async || Ok::<_, ()>(()), async |(), _: Exit| Ok(()));
    /// let soon = session.with_release_within(Duration::from_secs(3));
    /// assert_eq!(soon.release_within(), Duration::from_secs(3));
    /// ```
    fn with_release_within(self, budget: Duration) -> WithReleaseWithin<Self> {
        WithReleaseWithin::new(self, budget)
    }
}
