//! Task groups: children that share the fate of a scope.

use std::{borrow::Cow, fmt, marker::PhantomData, panic::Location, sync::Arc};

use crate::{
    current,
    fallible::{CanFail, CannotFail},
    inspect::InLine,
    node::Node,
    reason::Reason,
    scope::Builder,
    spawner::Spawner,
    task::Task,
};

mod ending;
mod named;
mod permit;
mod services;
mod spawning;
mod start;

pub(crate) use ending::GroupEnding;
pub use named::Named;
pub(crate) use permit::Limit;
pub use permit::SpawnPermit;
pub(crate) use services::Services;
pub(crate) use spawning::{Fallible, Plain, Spawning, TaskName};
pub use start::{Ready, Start, StartError};

/// The children of a [`scope`](crate::scope) or [`try_scope`](crate::try_scope).
///
/// The body and its children share one fate: the first failure cancels all of them, and the scope returns after the last one is gone.
/// Children are `'static` and run in parallel; the body may borrow. A [`Task`] that is awaited gives the child's value,
/// because a failed sibling never lets the body go on.
///
/// `E` is the error of the scope; in a [`scope`](crate::scope), which cannot fail, it is [`CannotFail`].
///
/// A group is there only in the body of its scope: nothing can be spawned before, and none can be kept for later. Nor can the children of
/// another group use it, which might outlive it; they take a [`Spawner`].
///
/// ```compile_fail,E0599
/// # // TG-26: before the group is entered
/// # async fn before() {
/// bowline_concurrency::TaskGroup::builder().name("pages").spawn(async {}).await;
/// # }
/// ```
///
/// ```compile_fail
/// # // TG-25: after it has finished
/// # async fn after() {
/// let group = bowline_concurrency::scope(async |group| group).await;
/// drop(group.spawn(async {}));
/// # }
/// ```
///
/// ```compile_fail,E0521
/// # // TG-60: the outer one would be closed while the inner one is open
/// # use bowline_concurrency::scope;
/// # async fn across() {
/// scope(async |outer| {
///     scope(async |inner| drop(outer.spawn(async { inner.spawn(async {}).await }))).await;
/// })
/// .await;
/// # }
/// ```
///
/// For children that may borrow, in the caller's own task, use [`in_task_scope`](crate::in_task_scope); a `JoinSet` is lighter where children
/// need not be waited for.
#[doc(alias = "nursery")]
#[doc(alias = "JoinSet")]
#[doc(alias = "errgroup")]
pub struct TaskGroup<E: fmt::Debug + Send + 'static = CannotFail> {
    node: Arc<Node>,
    limit: Option<Limit>,
    services: Services,
    error: PhantomData<fn() -> E>,
}

impl TaskGroup {
    /// A scope with a name, a limit of children, a grace or a deadline.
    pub fn builder() -> Builder {
        Builder::new()
    }
}

impl<E: fmt::Debug + Send + 'static> TaskGroup<E> {
    pub(crate) fn open(node: Arc<Node>, limit: Option<Limit>) -> Self {
        crate::trace::opened(&node);
        TaskGroup { node, limit, services: Services::default(), error: PhantomData }
    }

    /// Spawns a child whose output is a value, whatever it is. Only a panic of it fails the group.
    ///
    /// A child spawned after the group began to fail never runs; its future is dropped at once.
    /// Dropping the handle does not cancel the child: the scope waits for it all the same.
    ///
    /// In a group with a [`limit`](Builder::limit) that has been reached, the child waits in its task until another one has ended; to wait before
    /// there is a task use [`permit`](TaskGroup::permit).
    ///
    /// A child may not borrow, not even what outlives the scope: a scope that is dropped half-way cannot wait for its children. Clone, or move.
    ///
    /// ```compile_fail
    /// # async fn borrows() {
    /// let page = String::from("page");
    /// bowline_concurrency::scope(async |group| group.spawn(async { page.len() }).await).await;
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<'_, F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawning(()).task::<_, Plain>(future, Location::caller())
    }

    /// Spawns a child whose error fails the group: its siblings and the body are cancelled, and the scope returns the error.
    ///
    /// Otherwise like [`spawn`](TaskGroup::spawn).
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
        self.spawning(()).task::<_, Fallible>(future, Location::caller())
    }

    /// Spawns a child that need not be `Send`, on the current thread; otherwise like [`spawn`](TaskGroup::spawn).
    ///
    /// It runs only while the `LocalSet` or the `LocalRuntime` around is polled.
    ///
    /// # Panics
    ///
    /// Outside a `LocalSet` and a `LocalRuntime`.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::scope;
    /// use std::rc::Rc;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let work = scope(async |group| {
    ///     let shared = Rc::new(20);
    ///     let copy = shared.clone();
    ///     group.spawn_local(async move { *copy + 1 }).await + *shared + 1
    /// });
    /// assert_eq!(tokio::task::LocalSet::new().run_until(work).await, 42);
    /// # }
    /// ```
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> Task<'_, F::Output>
    where
        F: Future<Output: 'static> + 'static,
    {
        self.spawning(()).local_task::<_, Plain>(future, Location::caller())
    }

    /// Spawns a fallible child that need not be `Send`; see [`spawn_local`](TaskGroup::spawn_local) and
    /// [`try_spawn`](TaskGroup::try_spawn).
    ///
    /// # Panics
    ///
    /// Outside a `LocalSet` and a `LocalRuntime`.
    #[track_caller]
    pub fn try_spawn_local<T, F>(&self, future: F) -> Task<'_, T>
    where
        T: 'static,
        F: Future<Output = Result<T, E>> + 'static,
    {
        self.spawning(()).local_task::<_, Fallible>(future, Location::caller())
    }

    /// Names the next child: `group.named("fetch").try_spawn(..)`. The name stands in errors, reports and lists.
    pub fn named(&self, name: impl Into<Arc<str>>) -> Named<'_, E> {
        Named::new(self.spawning(name.into()))
    }

    /// Waits until fewer children than the [`limit`](Builder::limit) run, and gives the right to spawn one. Work that waits here costs
    /// no task. Without a limit there is nothing to wait for.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the place in the line, first come, first served.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{TaskGroup, ScopeError};
    /// use std::num::NonZeroUsize;
    ///
    /// # async fn store(_: u32) -> Result<(), String> { Ok(()) }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ScopeError<String>> {
    /// let two = NonZeroUsize::new(2).expect("it is 2");
    /// TaskGroup::builder()
    ///     .limit(two)
    ///     .try_scope(async |group: &TaskGroup<String>| {
    ///         for page in 0..100 {
    ///             // Never more than two pages are in memory.
    ///             drop(group.permit().await.try_spawn(store(page)));
    ///         }
    ///         Ok(())
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn permit(&self) -> SpawnPermit<'_, E> {
        let permit = match &self.limit {
            Some(limit) => Some(InLine::new(&self.node, limit.acquire()).await),
            None => None,
        };
        SpawnPermit::new(self.spawning(()), permit)
    }

    /// The right to spawn a child, if fewer than the [`limit`](Builder::limit) run.
    pub fn try_permit(&self) -> Option<SpawnPermit<'_, E>> {
        let permit = match &self.limit {
            Some(limit) => Some(limit.try_acquire()?),
            None => None,
        };
        Some(SpawnPermit::new(self.spawning(()), permit))
    }

    /// A `'static` handle that spawns into this group, for children that must spawn siblings.
    ///
    /// It does not keep the group open.
    pub fn spawner(&self) -> Spawner<E> {
        Spawner::new(self.node.clone(), self.limit.clone())
    }

    /// Cancels the body and all children, with [`Reason::Explicit`]. The first reason wins: after another cancellation this does nothing.
    ///
    /// The body is dropped at its next await. If it ends with a value instead, the scope returns that; otherwise
    /// [`ScopeError::Cancelled`](crate::ScopeError::Cancelled), unless something has failed.
    ///
    /// Only for groups of a scope that may fail, which has a way to say so:
    ///
    /// ```compile_fail
    /// # async fn plain() {
    /// bowline_concurrency::scope(async |group| group.cancel("enough")).await;
    /// # }
    /// ```
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{ScopeError, TaskGroup, try_scope};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let result = try_scope(async |group: &TaskGroup<String>| {
    ///     drop(group.spawn(std::future::pending::<()>()));
    ///     group.cancel("enough");
    ///     std::future::pending().await
    /// });
    /// assert_eq!(result.await.map_err(|error: ScopeError<String>| error.to_string()), Err::<(), _>("cancelled: enough".to_owned()));
    /// # }
    /// ```
    pub fn cancel(&self, message: impl Into<Cow<'static, str>>)
    where
        E: CanFail,
    {
        self.node.cancel(Reason::Explicit(message.into()));
    }

    /// Why the group is being cancelled, if it is.
    pub fn cancellation(&self) -> Option<Reason> {
        self.node.reason()
    }

    pub(crate) fn spawning<N>(&self, name: N) -> Spawning<'_, N, E> {
        Spawning::new(&self.node, self.limit.as_ref(), name)
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn services(&self) -> &Services {
        &self.services
    }
}

impl<E: fmt::Debug + Send + 'static> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskGroup").field(&self.node).finish()
    }
}

impl<E: fmt::Debug + Send + 'static> Drop for TaskGroup<E> {
    /// If the scope's future was dropped half-way: cancel the children, and let the nearest live node wait for them.
    fn drop(&mut self) {
        let current = current::try_current();
        let services = self.services.get().map(|services| (services, current.clone()));
        crate::scope::leave(&self.node, current);
        if let Some((services, current)) = services {
            services::leave(services, &self.node, current);
        }
    }
}
