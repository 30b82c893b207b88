//! Closures on threads, as parts of the scope tree.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use thiserror::Error;
use tokio::task::JoinHandle;

use crate::{
    current::{self, enter},
    failure::{Failure, PanicInTransit},
    node::{Hold, Label, Node},
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
    /// A thread cannot be stopped: dropped half-way, the call goes on if it has begun, the current scope waits for it and for what its
    /// value owes, and its panic goes to the observer.
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
    handle: JoinHandle<Option<Owned<Outcome<T>>>>,
    done: bool,
}

type Outcome<T> = Result<T, PanicInTransit>;

impl<T: Send + 'static> BlockingCall<T> {
    #[track_caller]
    fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let node = Node::new(Label::Kind("a blocking call"), Some(current::current()));
        let hold = node.try_hold(Label::Kind("a thread")).expect("a new node is not settled");
        let work = Owned { value: Some(work), hold: Some(hold) };
        let handle = tokio::task::spawn_blocking(move || work.run());
        BlockingCall { node, handle, done: false }
    }
}

/// What belongs to the call: the closure until it runs, then what it gave. If nobody takes it, it is dropped below the call, which waits for
/// a release that it owes.
struct Owned<V> {
    value: Option<V>,
    /// `None` once it has gone over from the closure to what it gave.
    hold: Option<Hold>,
}

impl<V> Owned<V> {
    fn run<T>(mut self) -> Option<Owned<Outcome<T>>>
    where
        V: FnOnce() -> T,
    {
        let mut seat = self.hold.as_ref().map(|hold| hold.node().clone());
        if seat.as_ref().is_some_and(|node| node.is_cancelled()) {
            return None; // Its caller has gone before it began.
        }
        let work = self.value.take()?;
        let _entered = enter(&mut seat);
        let outcome = catch_unwind(AssertUnwindSafe(work));
        let value = Some(outcome.map_err(|payload| PanicInTransit::new("a blocking call", payload)));
        Some(Owned { value, hold: self.hold.take() })
    }

    fn take(mut self) -> Option<V> {
        self.value.take()
    }
}

impl<V> Drop for Owned<V> {
    fn drop(&mut self) {
        let (Some(value), Some(hold)) = (self.value.take(), &self.hold) else { return };
        let mut seat = Some(hold.node().clone());
        let _entered = enter(&mut seat);
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
            Failure::panic("a destructor of a blocking call", payload).report();
        }
    }
}

impl<T> Future for BlockingCall<T> {
    type Output = Result<T, BlockingError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.handle).poll(cx));
        self.done = true;
        match joined.ok().flatten().and_then(Owned::take) {
            Some(Ok(value)) => Poll::Ready(Ok(value)),
            Some(Err(panic)) => panic.resume(),
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
