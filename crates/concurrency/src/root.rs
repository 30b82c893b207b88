//! Roots: where a program enters the scope tree, and where everything below it is waited for.

use std::{io, pin::pin, sync::Arc, time::Duration};

use thiserror::Error;
use tokio::{
    runtime::{Builder, Handle},
    time::{Instant, timeout},
};

use crate::{
    below::Below,
    current,
    failure::{Failure, PanicInTransit},
    inspect::KeptOn,
    node::{Label, Node, Owner},
    reason::Reason,
    settle::{Settle, Settled},
    shutdown::{Enrolled, Signals},
};

mod options;

pub use options::Root;

/// Runs `main` on a new multi-threaded runtime, below a root: what `asyncio.run` is for Python.
///
/// When `main` is done, everything that was handed off below it is waited for, at most 10 s, and what is left is reported;
/// only then the runtime goes. For other times, or a runtime of your own, see [`Root`]. The first Ctrl-C or SIGTERM shuts down gracefully, see [`root_scope`].
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
    Root::new().run(main)
}

fn run_with<F: Future>(root: Root, main: F) -> Result<F::Output, RunError> {
    if Handle::try_current().is_ok() {
        return Err(RunError::InsideRuntime);
    }
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(RunError::Runtime)?;
    let (rooted, hurried) = runtime.block_on(async {
        let Rooted { outcome, hurried, mut signals } = below_root(root, main).await;
        // What was handed off outside the root would be cut short by the end of the runtime.
        let process = current::process_root();
        let left = Settled::of(process.clone());
        let end = "the end of the runtime";
        let hurried = hurried || drain(end, &process, left, root.drain_within, &mut signals).await;
        (outcome, hurried)
    });
    // Never dropped: that would wait for blocking threads for ever.
    if hurried {
        runtime.shutdown_background();
    } else {
        runtime.shutdown_timeout(root.drain_within);
    }
    rooted.unwrap_or_else(|panic| panic.resume()).map_err(RunError::Interrupted)
}

/// Why [`run`] has no value to return.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// It was called from inside a runtime.
    #[error(
        "`run` cannot start a runtime inside another one: await `root_scope(..)` in async code, or give it to \
         `Handle::current().block_on` in blocking code"
    )]
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
/// Signals are seen while `main` awaits: code that blocks its thread cannot be interrupted. From the first root on they no longer end
/// the process by themselves, also after it has returned: Tokio keeps their handlers.
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
    Root::new().scope(main).await
}

struct Rooted<T> {
    outcome: Result<Result<T, Interrupted>, PanicInTransit>,
    /// A signal ended the wait for what was left.
    hurried: bool,
    signals: Signals,
}

async fn below_root<F: Future>(root: Root, main: F) -> Rooted<F::Output> {
    let _inspected = root.inspect.then(KeptOn::new);
    let node = Node::new(Label::Kind("the root"), Some(current::current()));
    let owner = Owner(node.clone());
    let _enrolled = Enrolled::new(&node);
    let mut signals = Signals::listen();
    let mut main = pin!(Below::inline(node.clone(), main));

    let mut end = signals.interrupt(main.as_mut()).await;
    if end.is_none() {
        node.cancel(Reason::Shutdown);
        if node.was_asked() {
            end = timeout(root.grace, signals.interrupt(main.as_mut())).await.ok().flatten();
        }
    }
    let in_transit = |payload| PanicInTransit::new("the main future", payload);
    let outcome = match (end, main.as_mut().clear()) {
        (Some(Err(payload)), _) | (_, Err(payload)) => Err(in_transit(payload)),
        (Some(Ok(value)), Ok(())) => Ok(Ok(value)),
        (None, Ok(())) => Ok(Err(Interrupted {})),
    };
    let hurried = drain("the root", &node, Settle(&node), root.drain_within, &mut signals).await;
    drop(owner);
    Rooted { outcome, hurried, signals }
}

/// Waits until `node` has `settled`, at most `budget`, and reports what is left then. `true`: a signal ended the wait, and not the first one.
async fn drain(
    name: &str,
    node: &Arc<Node>,
    settled: impl Future<Output = ()>,
    budget: Duration,
    signals: &mut Signals,
) -> bool {
    let began = Instant::now();
    let mut wait = pin!(timeout(budget, settled));
    let first = !signals.were_heard();
    let mut end = signals.interrupt(wait.as_mut()).await;
    if end.is_none() && first {
        // It asks for an end, which has come already; it does not ask for a quick one.
        end = signals.interrupt(wait).await;
    }
    if !matches!(end, Some(Ok(()))) {
        let left = Failure::overdue(format!("the cleanup at {name}"), began.elapsed());
        left.with_left(node.stragglers()).report_from(node.clone());
    }
    end.is_none()
}
