//! Async generators whose cleanup is awaited.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bowline_concurrency::{Failure, Shield, shield};
use futures_core::{FusedStream, Stream};

use crate::{channel::Channel, emitter::Emitter};

/// How long the body of a dropped generator may take to end.
const BUDGET: Duration = Duration::from_secs(30);

/// What the body of a dropped generator is called in reports.
const CLEANUP: &str = "the cleanup of a generator";

/// Makes a stream of an async closure that emits its items.
///
/// The body runs only when an item is asked for, and never ahead. It ends the stream by returning: `Ok(())`, or an error, which is
/// the last item.
///
/// When the consumer goes early, [`emit`](Emitter::emit) returns [`Closed`](crate::Closed), so `?` unwinds the body, and
/// **the awaits after it still run**: a `finally` that may await. They run in the background, and the scope around the place
/// where the stream was dropped waits for them, at most 30 s; [`aclose`](TryGenerate::aclose) waits for them right there.
/// A body that is waiting elsewhere at that moment is not interrupted; it goes on to its next `emit`.
/// An error that the body returns then is a failure of the cleanup and goes to the observer, as a panic does, unless
/// it carries the `Closed`.
///
/// The body may use `join!`, `select!` and sets of futures, and may emit from tasks that it spawns. When it returns, the
/// stream ends, after the items that are emitted by then.
///
/// All this needs a Tokio runtime. In another executor it is a plain generator: dropped, it just drops its body.
///
/// For a stream over values that are there use `futures::stream::iter`; for one state and one step, `unfold`.
///
/// # Examples
///
/// ```
/// use bowline_streams::try_generate;
/// use futures_util::StreamExt;
/// use std::io;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> io::Result<()> {
/// let mut squares = try_generate(async |out| {
///     for n in 1_u64.. {
///         out.emit(n * n).await?;
///     }
///     Ok::<_, io::Error>(())
/// });
/// let mut sum = 0;
/// while let Some(square) = squares.next().await {
///     sum += square?;
///     if sum > 10 {
///         break;
///     }
/// }
/// assert_eq!(sum, 14);
/// squares.aclose().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "async generator")]
#[doc(alias = "async_stream")]
#[doc(alias = "yield")]
pub fn try_generate<T, E, F, Fut>(body: F) -> TryGenerate<T, E>
where
    T: Send + 'static,
    E: fmt::Debug + Send + 'static,
    F: FnOnce(Emitter<T>) -> Fut,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
{
    let channel = Channel::new();
    let orphaned = channel.clone();
    let body = shield(BUDGET, body(Emitter::new(channel.clone()))).named(CLEANUP).when_orphaned(move |result| {
        report(failure_of_cleanup(&orphaned, result));
    });
    TryGenerate { channel, body: Some(body), started: false, last: None }
}

/// The error of a body whose consumer has gone, unless it is a [`Closed`](crate::Closed) that was passed on.
fn failure_of_cleanup<T, E>(channel: &Channel<T>, result: Result<(), E>) -> Option<E> {
    result.err().filter(|_| !channel.is_refusal_held())
}

fn report<E: fmt::Debug + Send + 'static>(failure: Option<E>) {
    if let Some(error) = failure {
        Failure::error(CLEANUP, error).report();
    }
}

/// Stream of [`try_generate`].
///
/// # Cancel safety
///
/// Dropping the future of `next` loses nothing: the body stays where it is, and an item that it emitted stays for the next
/// call. Dropping the stream closes it: the body unwinds at its `emit`, and its cleanup is awaited by the scope around the
/// place of the drop. Items that nobody asked for are dropped, an error of the body is reported. A body that was never polled
/// never runs.
///
/// # Panics
///
/// With a panic of the body; after that the stream has ended.
#[must_use = "streams do nothing unless polled"]
pub struct TryGenerate<T: Send + 'static, E: fmt::Debug + Send + 'static> {
    channel: Arc<Channel<T>>,
    /// `None` when it has ended. Dropped half-way, a shield hands the rest of the body off.
    body: Option<Shield<Result<(), E>>>,
    started: bool,
    /// The error of the body, behind the items that are still queued.
    last: Option<E>,
}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> TryGenerate<T, E> {
    /// Closes the stream and waits until the body has ended: Python's `aclose`.
    ///
    /// It sets no limit; with a [`timeout`](bowline_concurrency::timeout) around it, the rest of the cleanup moves to the scope.
    ///
    /// # Errors
    ///
    /// The error of the body's cleanup, or one of the body that the consumer did not ask for. An error that carries the
    /// [`Closed`](crate::Closed) is none here.
    ///
    /// # Cancel safety
    ///
    /// Dropped anywhere, even before its first poll, the stream is closed, and the scope around that place waits for the
    /// rest of the cleanup.
    pub async fn aclose(mut self) -> Result<(), E> {
        self.channel.abandon();
        let failure = match self.body.take() {
            Some(body) if self.started => failure_of_cleanup(&self.channel, body.await),
            _ => self.last.take(),
        };
        failure.map_or(Ok(()), Err)
    }
}

// No field is pinned: the body is in a box.
impl<T: Send + 'static, E: fmt::Debug + Send + 'static> Unpin for TryGenerate<T, E> {}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> Stream for TryGenerate<T, E> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(item) = this.channel.ask(cx.waker()) {
            return Poll::Ready(Some(Ok(item)));
        }
        // Taken out while it is polled: a body that panics is not polled again, nor handed off.
        let Some(mut body) = this.body.take() else { return Poll::Ready(this.last.take().map(Err)) };
        this.started = true;
        let ending = Ending(&this.channel);
        match Pin::new(&mut body).poll(cx) {
            Poll::Ready(result) => {
                drop(ending);
                this.last = result.err();
            }
            Poll::Pending => {
                std::mem::forget(ending);
                this.body = Some(body);
            }
        }
        match (this.channel.look(), &this.body) {
            (Some(item), _) => Poll::Ready(Some(Ok(item))),
            (None, Some(_)) => Poll::Pending,
            (None, None) => Poll::Ready(this.last.take().map(Err)),
        }
    }
}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> FusedStream for TryGenerate<T, E> {
    fn is_terminated(&self) -> bool {
        self.body.is_none() && self.last.is_none() && self.channel.is_empty()
    }
}

/// Closes the channel, also when the body panics.
struct Ending<'a, T>(&'a Channel<T>);

impl<T> Drop for Ending<'_, T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> Drop for TryGenerate<T, E> {
    fn drop(&mut self) {
        // Before the body goes on elsewhere: its next emit is refused.
        self.channel.abandon();
        report(self.last.take());
    }
}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> fmt::Debug for TryGenerate<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TryGenerate").field("ended", &self.body.is_none()).finish_non_exhaustive()
    }
}
