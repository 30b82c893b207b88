//! Starting a child and waiting until it is ready.

use std::{
    fmt,
    marker::PhantomData,
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::{JoinHandle, unconstrained};

use super::{
    Fallible, Plain, Spawning, TaskGroup,
    spawning::{Kind, TaskName},
};
use crate::{
    child::{Leaving, drop_untaken},
    fallible::CannotFail,
    node::{Label, Node, Owner},
    reason::Reason,
    task::Task,
};

mod ending;
mod error;
mod handshake;

use ending::{StartEnding, report};
pub use error::StartError;
use handshake::Handshake;

impl<E: fmt::Debug + Send + 'static> TaskGroup<E> {
    /// Spawns a child and waits until it says that it is ready, with a value; then the child goes on beside the body.
    ///
    /// For a server that has to be bound before somebody connects, a worker that has to be warm. The child is spawned by the call;
    /// awaiting the [`Start`] gives the value and the [`Task`]. A child that fails *before* it is ready is the caller's affair,
    /// afterwards it is like any other child. A panic fails the group at any time. In a group with a [`limit`](crate::Builder::limit) it waits for
    /// its place like any other child, before it can be ready.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::scope;
    /// use tokio::sync::mpsc;
    ///
    /// # async fn warm_up() -> u32 { 40 }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// scope(async |group| {
    ///     let (adder, worker) = group
    ///         .start(|ready| async move {
    ///             let mut sum = warm_up().await;
    ///             let (address, mut numbers) = mpsc::channel(8);
    ///             ready.signal(address);
    ///             while let Some(number) = numbers.recv().await {
    ///                 sum += number;
    ///             }
    ///             sum
    ///         })
    ///         .await?;
    ///     adder.send(2).await?; // It is warm.
    ///     drop(adder);
    ///     assert_eq!(worker.await, 42);
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// ```
    #[doc(alias = "nursery.start")]
    #[doc(alias = "task_status")]
    #[track_caller]
    pub fn start<T, F, Fut>(&self, child: F) -> Start<'_, T, Fut::Output, CannotFail>
    where
        T: Send + 'static,
        F: FnOnce(Ready<T>) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        Start::new::<_, _, _, _, Plain>(self.spawning(()), child, Location::caller())
    }

    /// Like [`start`](TaskGroup::start), for a child whose error fails the group once it is ready.
    ///
    /// An error before that is [`StartError::Failed`], and the group goes on. It is an error of its own type: turn it into that of the group with
    /// `map_err`, or match.
    ///
    /// ```
    /// use bowline_concurrency::{ScopeError, TaskGroup, try_scope};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ScopeError<String>> {
    /// let address = try_scope(async |group: &TaskGroup<String>| {
    ///     let (address, server) = group
    ///         .try_start(|ready| async move {
    ///             ready.signal("127.0.0.1:80");
    ///             Ok(()) // It serves, and ends well.
    ///         })
    ///         .await
    ///         .map_err(|error| error.to_string())?;
    ///     server.await;
    ///     Ok(address)
    /// })
    /// .await?;
    /// assert_eq!(address, "127.0.0.1:80");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_start<T, O, F, Fut>(&self, child: F) -> Start<'_, T, O, E>
    where
        T: Send + 'static,
        O: Send + 'static,
        F: FnOnce(Ready<T>) -> Fut,
        Fut: Future<Output = Result<O, E>> + Send + 'static,
    {
        Start::new::<_, _, _, _, Fallible>(self.spawning(()), child, Location::caller())
    }
}

/// By which a child says that it is ready; see [`TaskGroup::start`].
///
/// It says so once:
///
/// ```compile_fail,E0382
/// # // TG-51
/// # async fn twice() {
/// bowline_concurrency::scope(async |group| {
///     drop(group.start(|ready| async move { (ready.signal(1), ready.signal(2)) }).await);
/// })
/// .await;
/// # }
/// ```
///
/// A child that drops it and goes on is never ready: its caller waits until it ends.
#[must_use = "the caller waits until the child is ready or ends"]
pub struct Ready<T> {
    handshake: Arc<Handshake<T>>,
}

impl<T> Ready<T> {
    /// Gives the value to the caller, who goes on. If the caller has gone, nothing happens, and the value is dropped.
    pub fn signal(self, value: T) {
        self.handshake.signal(value);
    }
}

impl<T> fmt::Debug for Ready<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// Future of [`TaskGroup::start`] and [`TaskGroup::try_start`]: what the child gave when it was ready, and its [`Task`].
///
/// # Errors
///
/// The child ended before it was ready, or the group is being cancelled; see [`StartError`].
///
/// # Cancel safety
///
/// Dropping it before it gave its value cancels the child, and the group goes on. The scope or timeout in which it is dropped waits until the
/// child and all that it leaves behind are gone. An error that nobody takes goes to the observer (see
/// [`Scope::observe_failures`](crate::Scope::observe_failures)).
///
/// # Panics
///
/// When it is polled after it is done.
#[must_use = "the child is cancelled unless this is awaited"]
pub struct Start<'group, T, O, E> {
    child: Starting<O>,
    handshake: Arc<Handshake<T>>,
    node: &'group Arc<Node>,
    name: Option<Arc<str>>,
    error: PhantomData<fn() -> E>,
}

enum Starting<O> {
    /// The group is being cancelled: the child never ran.
    Refused,
    Running(JoinHandle<Leaving<O>>),
    Done,
}

impl<'group, T: Send + 'static, O, E> Start<'group, T, O, E> {
    pub(super) fn new<N, G, F, Fut, K>(
        spawning: Spawning<'group, N, G>,
        child: F,
        location: &'static Location<'static>,
    ) -> Self
    where
        N: TaskName,
        G: fmt::Debug + Send + 'static,
        F: FnOnce(Ready<T>) -> Fut,
        Fut: Future + Send + 'static,
        K: Kind<Fut::Output, G, Value = O>,
        O: Send + 'static,
    {
        let handshake = Arc::<Handshake<T>>::default();
        let (node, name) = (spawning.node(), spawning.name().shared());
        let future = child(Ready { handshake: handshake.clone() });
        let ending = |name| StartEnding::<N, G, K, T>::new(name, handshake.clone());
        let child = spawning.spawn_ending(future, location, ending).map_or(Starting::Refused, Starting::Running);
        Start { child, handshake, node, name, error: PhantomData }
    }
}

impl<'group, T, O, E: 'static> Future for Start<'group, T, O, E> {
    type Output = Result<(T, Task<'group, O>), StartError<O, E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let error = match &mut this.child {
            Starting::Done => panic!("a start is not polled after it is done"),
            Starting::Refused => None,
            Starting::Running(handle) => match ready!(this.handshake.poll(cx)) {
                Some(value) => {
                    let child = std::mem::replace(&mut this.child, Starting::Done);
                    let Starting::Running(handle) = child else { unreachable!("it was looked at above") };
                    return Poll::Ready(Ok((value, Task::new(this.node, this.name.take(), Some(handle)))));
                }
                // Unconstrained: like a task's handle.
                None => match ready!(Pin::new(&mut unconstrained(handle)).poll(cx)).ok().and_then(Leaving::take) {
                    Some(output) => Some(StartError::Ended(output)),
                    None => this.handshake.take_error().map(StartError::Failed),
                },
            },
        };
        this.child = Starting::Done;
        // Without an error the group is being cancelled, or the child was lost, which cancels it too.
        Poll::Ready(Err(
            error.unwrap_or_else(|| StartError::Cancelled(this.node.reason().unwrap_or(Reason::RuntimeGone)))
        ))
    }
}

impl<T, O, E> Drop for Start<'_, T, O, E> {
    /// The caller goes without the child, which is cancelled. What it leaves behind goes to a place of its own, for which whoever is current
    /// here waits. That place is held until the child's future is gone.
    fn drop(&mut self) {
        let Starting::Running(handle) = std::mem::replace(&mut self.child, Starting::Done) else { return };
        let place = Owner(self.node.cancel_task(handle.id()));
        let hold = place.0.try_hold(Label::Kind("a task that was not ready")).expect("a new node is not settled");
        let left = self.handshake.leave(hold, handle.id());
        handle.abort();
        if let Some(hold) = left.hold {
            self.node.forget_cancelled_task(handle.id()); // It has ended, and needs no place.
            drop(hold);
        }
        drop(place); // Hands it over to whoever is current.
        drop(handle);
        if let Some(error) = left.error {
            report(self.node, self.name.take(), error);
        }
        drop_untaken(left.value);
    }
}

impl<T, O, E> fmt::Debug for Start<'_, T, O, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("name", &self.name).finish_non_exhaustive()
    }
}
