//! Spawning into a group from its children.

use std::{
    borrow::Cow,
    fmt,
    marker::PhantomData,
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use thiserror::Error;

use crate::{
    fallible::{CanFail, CannotFail},
    group::{Fallible, Limit, Plain, Spawning},
    inspect::{self, On},
    node::Node,
    reason::Reason,
};

/// A `'static`, cloneable handle that spawns into a [`TaskGroup`](crate::TaskGroup), for children that spawn siblings.
///
/// It does not keep the group open: once the body and all children have ended, or the group is being cancelled, it
/// refuses, and gives the future back.
///
/// ```
/// use bowline_concurrency::scope;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// scope(async |group| {
///     let spawner = group.spawner();
///     drop(group.spawn(async move {
///         // The scope waits for the sibling too.
///         spawner.spawn(async { println!("from a sibling") }).is_ok()
///     }));
/// })
/// .await;
/// # }
/// ```
pub struct Spawner<E: fmt::Debug + Send + 'static = CannotFail> {
    node: Arc<Node>,
    limit: Option<Limit>,
    error: PhantomData<fn() -> E>,
}

impl<E: fmt::Debug + Send + 'static> Spawner<E> {
    pub(crate) fn new(node: Arc<Node>, limit: Option<Limit>) -> Self {
        Spawner { node, limit, error: PhantomData }
    }

    fn spawning(&self) -> Spawning<'_, (), E> {
        Spawning::new(&self.node, self.limit.as_ref(), ())
    }

    /// Spawns a child whose output is dropped; only a panic of it fails the group.
    ///
    /// # Errors
    ///
    /// The group is being cancelled or has returned; the future comes back unpolled.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<(), SpawnError<F>>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawning()
            .spawn::<_, Plain>(future, Location::caller())
            .map(drop)
            .map_err(|future| SpawnError::new(future, Refusal::Closed))
    }

    /// Spawns a child whose error fails the group.
    ///
    /// # Errors
    ///
    /// The group is being cancelled or has returned; the future comes back unpolled.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(&self, future: F) -> Result<(), SpawnError<F>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.spawning()
            .spawn::<_, Fallible>(future, Location::caller())
            .map(drop)
            .map_err(|future| SpawnError::new(future, Refusal::Closed))
    }
}

impl<E: fmt::Debug + Send + 'static + CanFail> Spawner<E> {
    /// Cancels the group from anywhere; see [`TaskGroup::cancel`](crate::TaskGroup::cancel).
    pub fn cancel(&self, message: impl Into<Cow<'static, str>>) {
        self.node.cancel(Reason::Explicit(message.into()));
    }

    /// Cancels the group and waits until it has returned, and everything below it is gone; only services may still be ending.
    ///
    /// Not from below the group itself, which is dropped while it waits for its own end.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{TaskGroup, scope, try_scope};
    /// use tokio::sync::oneshot;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// scope(async |outer| {
    ///     let (give, given) = oneshot::channel();
    ///     let server = outer.spawn(try_scope(async move |group: &TaskGroup<String>| -> Result<(), _> {
    ///         let _ = give.send(group.spawner());
    ///         std::future::pending().await
    ///     }));
    ///     given.await?.cancel_and_wait("enough").await; // It is gone.
    ///     assert!(server.await.is_err());
    ///     Ok(())
    /// })
    /// .await
    /// # }
    /// ```
    pub fn cancel_and_wait(&self, message: impl Into<Cow<'static, str>>) -> CancelAndWait {
        self.cancel(message);
        CancelAndWait { node: self.node.clone(), key: None }
    }
}

/// Future of [`Spawner::cancel_and_wait`].
///
/// # Cancel safety
///
/// The group is cancelled by the call, not by this future: dropping it gives up the wait only.
#[derive(Debug)]
#[must_use = "the group is cancelled, but not waited for, unless this is awaited"]
pub struct CancelAndWait {
    node: Arc<Node>,
    key: Option<u32>,
}

impl Future for CancelAndWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        inspect::waits(|| On::settled(&this.node)).poll(cx, |cx| this.node.poll_ended(cx, &mut this.key))
    }
}

impl Drop for CancelAndWait {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.forget_settling(key);
        }
    }
}

impl<E: fmt::Debug + Send + 'static> Clone for Spawner<E> {
    fn clone(&self) -> Self {
        Spawner { node: self.node.clone(), limit: self.limit.clone(), error: PhantomData }
    }
}

impl<E: fmt::Debug + Send + 'static> fmt::Debug for Spawner<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spawner").field(&self.node).finish()
    }
}

/// A spawn was refused; holds the future that was not spawned.
#[derive(Error)]
#[error("{refusal}")]
pub struct SpawnError<F> {
    future: F,
    refusal: Refusal,
}

#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Refusal {
    #[error("no more tasks are taken: the group is being cancelled, was shut down or has returned")]
    Closed,
    #[error("as many tasks run as the bound allows: wait until one has ended, or raise the bound")]
    Full,
    #[error("a task is in the slot: replace it, or wait until it has ended")]
    Occupied,
    #[error("there is no Tokio runtime here: spawn from inside one, or enter it with `Handle::enter`")]
    NoRuntime,
}

impl<F> SpawnError<F> {
    pub(crate) fn new(future: F, refusal: Refusal) -> Self {
        SpawnError { future, refusal }
    }

    /// The future, never polled; or, for work that runs more than once, the function that makes it.
    pub fn into_inner(self) -> F {
        self.future
    }

    /// Whether it was refused because as many tasks run as the bound allows; see
    /// [`BackgroundTasks::bounded`](crate::BackgroundTasks::bounded).
    pub fn is_full(&self) -> bool {
        self.refusal == Refusal::Full
    }

    /// Whether it was refused because a task is in the slot already; see [`TaskSlot`](crate::TaskSlot).
    pub fn is_occupied(&self) -> bool {
        self.refusal == Refusal::Occupied
    }
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnError").field("refusal", &self.refusal).finish_non_exhaustive()
    }
}
