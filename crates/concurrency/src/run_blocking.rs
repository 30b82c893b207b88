//! Closures on threads, as parts of the scope tree.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    thread,
};

use thiserror::Error;
use tokio::task::JoinHandle;

use crate::{
    child::Leaving,
    current::{self, enter},
    failure::Failure,
    node::{Label, Node},
};

/// Something that runs a closure on a thread, where it may block.
///
/// For code that leaves it to its caller which threads those are: Tokio's ([`SpawnBlocking`]), or a pool with a bound of its own.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{RunBlocking, SpawnBlocking};
///
/// async fn checksum<R: RunBlocking>(threads: &R, data: Vec<u8>) -> Result<u64, R::Error> {
///     threads.run_blocking(move || data.iter().map(|byte| u64::from(*byte)).sum()).await
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(checksum(&SpawnBlocking, vec![1, 2, 3]).await?, 6);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "run_in_executor")]
#[doc(alias = "to_thread")]
pub trait RunBlocking {
    /// Why a closure did not run to its end.
    type Error;

    /// Runs `work` on a thread, and gives what it returns; its panic is resumed at the caller.
    ///
    /// # Errors
    ///
    /// The closure was not run.
    ///
    /// # Cancel safety
    ///
    /// A thread cannot be stopped: dropped half-way, the call goes on if it has begun, the current scope waits for it, and its panic goes to
    /// the observer.
    fn run_blocking<T, F>(&self, work: F) -> impl Future<Output = Result<T, Self::Error>> + Send
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static;
}

/// The threads of the current Tokio runtime: its `spawn_blocking`, under the scope tree.
///
/// While the closure runs, [`is_cancelled`](crate::is_cancelled) tells it, on its thread, whether the scope of the call is cancelled
/// or the call was dropped. There is no bound of its own: Tokio has 512 threads unless told otherwise, and a queue.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpawnBlocking;

impl RunBlocking for SpawnBlocking {
    type Error = BlockingError;

    /// # Panics
    ///
    /// When called outside a Tokio runtime; and with the payload of a panic of the closure.
    #[track_caller]
    fn run_blocking<T, F>(&self, work: F) -> impl Future<Output = Result<T, BlockingError>> + Send
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        BlockingCall::start(work)
    }
}

/// A closure was not run: its runtime was shut down first.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the runtime was shut down before the closure ran: drain the scope before the runtime goes")]
#[non_exhaustive]
pub struct BlockingError {}

struct BlockingCall<T> {
    /// Counts the thread. While the call is awaited nobody waits for this node: a live value owns it.
    node: Arc<Node>,
    handle: JoinHandle<Leaving<thread::Result<T>>>,
    done: bool,
}

impl<T: Send + 'static> BlockingCall<T> {
    #[track_caller]
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let node = Node::new(Label::Kind("a blocking call"), Some(current::current()));
        assert!(node.add_child(), "a new node takes children");
        // Counted until the value is taken, or dropped by whoever comes last.
        let mut leaving = Leaving::new(None, node.clone());
        let handle = tokio::task::spawn_blocking(move || {
            let node = leaving.node().clone();
            if node.is_cancelled() {
                return leaving; // Its caller has gone before it began.
            }
            let mut seat = Some(node.clone());
            let entered = enter(&mut seat);
            let outcome = catch_unwind(AssertUnwindSafe(work));
            drop(entered);
            match outcome {
                Err(payload) if node.is_cancelled() => Failure::panic("a blocking call", payload).report_from(node),
                outcome => leaving.set(outcome),
            }
            leaving
        });
        BlockingCall { node, handle, done: false }
    }
}

impl<T> Future for BlockingCall<T> {
    type Output = Result<T, BlockingError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.handle).poll(cx));
        self.done = true;
        match joined.ok().and_then(Leaving::take) {
            Some(Ok(value)) => Poll::Ready(Ok(value)),
            Some(Err(payload)) => resume_unwind(payload),
            None => Poll::Ready(Err(BlockingError {})),
        }
    }
}

impl<T> Drop for BlockingCall<T> {
    fn drop(&mut self) {
        if !self.done {
            let around = current::current();
            self.node.cancel(around.reason_for_drop());
        }
        self.node.orphan(current::try_current());
    }
}

impl<T> fmt::Debug for BlockingCall<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BlockingCall").field(&self.node).finish()
    }
}
