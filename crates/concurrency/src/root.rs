//! Roots: where a program enters the scope tree, and where everything below it is waited for.

use std::{
    future::poll_fn,
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use thiserror::Error;
use tokio::{
    runtime::{Builder, Handle},
    time::{Instant, timeout},
};

use crate::{
    below::Below,
    current,
    failure::Failure,
    node::{Label, Node, Owner},
    reason::Reason,
    settle::{Settle, Settled},
    shutdown::{Enrolled, Signals},
};

/// How long code that asked for the shutdown may take to end, after the first signal.
const GRACE: Duration = Duration::from_secs(10);
/// How long a root waits for what is left below it.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs `main` on a new multi-threaded runtime, below a root: what `asyncio.run` is for Python.
///
/// When `main` is done, everything that was handed off below it is waited for, at most 10 s, and what is left is reported;
/// only then the runtime goes. The first Ctrl-C or SIGTERM shuts down gracefully, see [`root_scope`].
///
/// # Errors
///
/// [`RunError::InsideRuntime`] when called from async code: use [`root_scope`] there. [`RunError::Runtime`] if no runtime could be
/// built. [`RunError::Interrupted`] if a signal ended `main` before it had a value.
///
/// # Panics
///
/// With the payload of a panic of `main`, after the runtime has been shut down.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), bowline_concurrency::RunError> {
/// let answer = bowline_concurrency::run(async { 42 })?;
/// assert_eq!(answer, 42);
/// # Ok(())
/// # }
/// ```
///
/// With a `main` of Tokio's, open the root by hand:
///
/// ```
/// #[tokio::main]
/// async fn main() -> Result<(), bowline_concurrency::Interrupted> {
///     let answer = bowline_concurrency::root_scope(async { 42 }).await?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
#[doc(alias = "asyncio.run")]
#[doc(alias = "Runner")]
#[doc(alias = "graceful shutdown")]
pub fn run<F: Future>(main: F) -> Result<F::Output, RunError> {
    if Handle::try_current().is_ok() {
        return Err(RunError::InsideRuntime);
    }
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(RunError::Runtime)?;
    let (result, began) = runtime.block_on(async {
        // Caught, because a runtime that is dropped in unwinding waits for its blocking threads for ever.
        let mut root = pin!(root_scope(main));
        let result = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| root.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        })
        .await;
        let began = Instant::now();
        // What was handed off outside the root would be cut short by the end of the runtime.
        let process = Settled::of(current::process_root());
        if timeout(DRAIN, process).await.is_err() {
            Failure::overdue("the drain at the end of the runtime", DRAIN)
                .with_left(current::process_root().stragglers())
                .report();
        }
        (result, began)
    });
    runtime.shutdown_timeout(DRAIN.saturating_sub(began.elapsed()));
    match result {
        Ok(result) => result.map_err(RunError::Interrupted),
        Err(payload) => resume_unwind(payload),
    }
}

/// Why [`run`] has no value to return.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// It was called from inside a runtime.
    #[error("`run` cannot start a runtime inside another one; use `root_scope(..).await` in async code")]
    InsideRuntime,
    /// The runtime could not be built.
    #[error("the runtime could not be built")]
    Runtime(#[source] io::Error),
    /// A signal ended the main future.
    #[error(transparent)]
    Interrupted(Interrupted),
}

/// A signal ended the main future before it had a value.
#[derive(Debug, Error)]
#[error("interrupted by a signal")]
#[non_exhaustive]
pub struct Interrupted {}

/// Opens a root in the running runtime: everything below it is waited for before this returns, at most 10 s.
///
/// The first Ctrl-C or SIGTERM cancels the root with [`Reason::Shutdown`]. If code below has asked
/// ([`shutdown_requested`](crate::shutdown_requested), [`cancelled`](crate::cancelled), [`is_cancelled`](crate::is_cancelled)),
/// `main` has 10 s to end in its own way; nobody having asked, it is dropped at once. A second signal drops it at once
/// in any case, and a further one ends the wait for what is left.
///
/// # Errors
///
/// [`Interrupted`] if a signal ended `main` before it had a value.
///
/// # Panics
///
/// With the payload of a panic of `main`, after what is below has settled; and outside a Tokio runtime with timer and I/O.
///
/// # Cancel safety
///
/// Dropping it drops `main`; what is left below goes to the enclosing scope or to the process root, which only [`run`]
/// waits for.
///
/// # Examples
///
/// See [`run`].
pub async fn root_scope<F: Future>(main: F) -> Result<F::Output, Interrupted> {
    let node = Node::new(Label::Fixed("the root"), Some(current::current()));
    let owner = Owner(node.clone());
    let _enrolled = Enrolled::new(&node);
    let mut signals = Signals::listen();
    let mut main = pin!(Below::inline(node.clone(), main));

    let mut end = signals.interrupt(main.as_mut()).await;
    if end.is_none() {
        node.cancel(Reason::Shutdown);
        if node.was_asked() {
            end = timeout(GRACE, signals.interrupt(main.as_mut())).await.ok().flatten();
        }
    }
    let dropped = main.as_mut().clear();
    let settle = signals.interrupt(pin!(timeout(DRAIN, Settle::new(&node)))).await;
    if !matches!(settle, Some(Ok(()))) {
        Failure::overdue("the drain of the root", DRAIN).with_left(node.stragglers()).report_from(node.clone());
    }
    drop(owner);
    match (end, dropped) {
        (Some(Err(payload)), _) | (_, Err(payload)) => resume_unwind(payload),
        (Some(Ok(value)), Ok(())) => Ok(value),
        (None, Ok(())) => Err(Interrupted {}),
    }
}
