//! Task groups: children that share the fate of a scope.

use std::{
    any::Any,
    convert::Infallible,
    fmt,
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::{
    below::Below,
    current,
    node::{Label, Node},
    reason::Reason,
    spawner::Spawner,
    task::Task,
};

mod core;

pub(crate) use self::core::{Core, Fallible, Plain};

/// The children of a [`scope`](crate::scope) or [`try_scope`](crate::try_scope).
///
/// The body and its children share one fate: the first failure cancels all of them, and the scope returns after the last one is gone.
/// Children are `'static` and run in parallel; the body may borrow. A [`Task`] that is awaited gives the child's value,
/// because a failed sibling never lets the body go on.
///
/// `E` is the error of the scope; in a [`scope`](crate::scope), which cannot fail, it is [`Infallible`].
///
/// For work in the caller's own task that may borrow, use a `join!`; a `JoinSet` is lighter where children need not be waited for.
#[doc(alias = "nursery")]
#[doc(alias = "JoinSet")]
#[doc(alias = "errgroup")]
pub struct TaskGroup<E: fmt::Debug + Send + 'static = Infallible> {
    core: Arc<Core<E>>,
}

impl<E: fmt::Debug + Send + 'static> TaskGroup<E> {
    pub(crate) fn open(label: Label) -> Self {
        let node = Node::new(label, Some(current::current()));
        TaskGroup { core: Arc::new(Core::new(node)) }
    }

    /// Spawns a child whose output is a value, whatever it is. Only a panic of it fails the group.
    ///
    /// A child spawned after the group began to fail never runs; its future is dropped at once.
    /// Dropping the handle does not cancel the child: the scope waits for it all the same.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<'_, F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.core.task(None, future, Plain, Location::caller())
    }

    /// Spawns a child whose error fails the group: its siblings and the body are cancelled, and the scope returns the error.
    ///
    /// A child spawned after the group began to fail never runs; its future is dropped at once.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(&self, future: F) -> Task<'_, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.core.task(None, future, Fallible, Location::caller())
    }

    /// Names the next child: `group.named("fetch").try_spawn(..)`. The name stands in errors, reports and lists.
    pub fn named(&self, name: impl Into<String>) -> Named<'_, E> {
        Named { group: self, name: name.into() }
    }

    /// A `'static` handle that spawns into this group, for children that must spawn siblings.
    ///
    /// It does not keep the group open.
    pub fn spawner(&self) -> Spawner<E> {
        Spawner::new(self.core.clone())
    }

    /// Runs the body beside the children: a failure drops it, as it drops them.
    pub(crate) fn run_body<F: Future>(&self, body: F) -> RunBody<'_, F> {
        let node = self.core.node();
        RunBody { body: Below::inline(node.clone(), body), place: CancelPlace { node, key: None } }
    }

    /// Waits until everything below is gone.
    pub(crate) async fn settle(&self) {
        crate::settle::Settle::new(self.core.node()).await;
    }

    pub(crate) fn core(&self) -> &Core<E> {
        &self.core
    }
}

impl<E: fmt::Debug + Send + 'static> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskGroup").field(self.core.node()).finish()
    }
}

impl<E: fmt::Debug + Send + 'static> Drop for TaskGroup<E> {
    /// The scope's future was dropped half-way: cancel the children, and let the nearest live node wait for them.
    fn drop(&mut self) {
        if self.core.node().try_close() {
            // All are gone, perhaps with failures that the owner did not come back for. A scope that returned took them.
            return self.core.disown();
        }
        let around = current::try_current().or_else(|| self.core.node().parent());
        let reason = around.map_or(Reason::OwnerDropped, |node| node.reason_for_drop());
        self.core.cancel(reason);
        // The children are handed over first: nothing that a report calls may come in between.
        self.core.node().orphan(current::try_current());
        self.core.disown();
    }
}

/// A name for the next child; see [`TaskGroup::named`].
#[derive(Debug)]
#[must_use = "a name does nothing until something is spawned under it"]
pub struct Named<'group, E: fmt::Debug + Send + 'static> {
    group: &'group TaskGroup<E>,
    name: String,
}

impl<'group, E: fmt::Debug + Send + 'static> Named<'group, E> {
    /// Spawns a child under this name; see [`TaskGroup::spawn`].
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<'group, F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.group.core.task(Some(self.name), future, Plain, Location::caller())
    }

    /// Spawns a fallible child under this name; see [`TaskGroup::try_spawn`].
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(self, future: F) -> Task<'group, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.group.core.task(Some(self.name), future, Fallible, Location::caller())
    }
}

/// How the body of a scope ended.
pub(crate) enum BodyEnd<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    /// The group was cancelled, and the body was dropped.
    Cancelled,
}

pin_project! {
    /// Future of [`TaskGroup::run_body`]. A struct: an async fn would hold the body twice, and double it at each level.
    pub(crate) struct RunBody<'group, F> {
        #[pin]
        body: Below<F>,
        place: CancelPlace<'group>,
    }
}

impl<F: Future> Future for RunBody<'_, F> {
    type Output = BodyEnd<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let CancelPlace { node, key } = this.place;
        if !node.poll_own_cancellation(cx, key) {
            match this.body.as_mut().poll(cx) {
                Poll::Ready(Ok(output)) => return Poll::Ready(BodyEnd::Returned(output)),
                Poll::Ready(Err(payload)) => return Poll::Ready(BodyEnd::Panicked(payload)),
                // The body may have been what cancelled the group, and then nobody wakes it again.
                Poll::Pending if node.is_cancelled() => {}
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(match this.body.clear() {
            Ok(()) => BodyEnd::Cancelled,
            Err(payload) => BodyEnd::Panicked(payload),
        })
    }
}

/// The body's place among those who are woken by the cancellation.
struct CancelPlace<'a> {
    node: &'a Arc<Node>,
    key: Option<u32>,
}

impl Drop for CancelPlace<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.forget_cancelling(key);
        }
    }
}
