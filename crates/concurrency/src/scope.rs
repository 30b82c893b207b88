//! Scopes: a body and its children, returned from together.

use std::{fmt, future::poll_fn, panic::Location, sync::Arc};

use tokio::{runtime::Handle, time::timeout};

use crate::{
    current,
    errors::ScopeError,
    fallible::CannotFail,
    group::TaskGroup,
    inspect,
    node::{Hold, Label, Node, hold_nearest},
    reason::Reason,
};

mod builder;
mod conclusion;
mod limits;
mod running;

pub use builder::{Builder, TryBuilder};
pub(crate) use conclusion::of as conclude;
pub(crate) use limits::Limits;
use running::End;
pub(crate) use running::Running;

/// Opens a scope that cannot fail, and returns the body's value after the last task below it is gone.
///
/// If a child panics, the body and the siblings are cancelled, and the panic is resumed here with its payload.
/// A scope that has nothing to wait for does not yield to the scheduler.
///
/// For children that return errors see [`try_scope`].
///
/// # Panics
///
/// With the payload of the first panic of the body or of a child, once everything below has settled; and if a child
/// was lost because its runtime was shut down.
///
/// # Cancel safety
///
/// Dropping the future cancels the body and all children. They cannot be waited for in a drop, so the nearest enclosing
/// scope, timeout or root waits for them instead. Leaking it with [`std::mem::forget`] leaves its children running, and
/// nobody waits for them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let sum = bowline_concurrency::scope(async |group| {
///     let a = group.spawn(async { 40 });
///     let b = group.spawn(async { 2 });
///     a.await + b.await
/// })
/// .await;
/// assert_eq!(sum, 42);
/// # }
/// ```
#[doc(alias = "nursery")]
#[doc(alias = "coroutineScope")]
#[track_caller]
pub fn scope<T, F>(body: F) -> impl Future<Output = T>
where
    F: AsyncFnOnce(&TaskGroup) -> T,
{
    let site = Location::caller();
    async move { open(TaskGroup::open(default_node(site), None), None, body).await }
}

/// Opens a scope whose body and children may fail: the first failure cancels the others, and the scope returns after
/// the last one is gone, with *all* failures.
///
/// Name the error type in the closure, since `?` alone does not determine it: `async |group: &TaskGroup<MyError>| ..`
/// or `async |group| -> Result<_, MyError> { .. }`.
/// In a future that must be `Send`, such as one that is spawned, an error with a reference in it (`&'static str`) makes the compiler say that
/// "`AsyncFnOnce` is not general enough", a limit of its own: take a `String`, or a type of yours.
///
/// # Errors
///
/// [`ScopeError::Failed`] with every error that the body and the children returned, the first one first;
/// [`ScopeError::Cancelled`] after [`TaskGroup::cancel`], and if a child was lost because its runtime was shut down.
///
/// # Panics
///
/// With the payload of the first panic of the body or of a child, once everything below has settled. Errors and further
/// panics that accompany it go to the observer (see [`Scope::observe_failures`](crate::Scope::observe_failures)).
///
/// # Cancel safety
///
/// Dropping the future cancels the body and all children, and the nearest enclosing scope, timeout or root waits for
/// them. Errors of such orphans have no owner any more and go to the observer.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{ScopeError, TaskGroup, try_scope};
///
/// async fn length(text: &'static str) -> Result<usize, std::io::Error> {
///     Ok(text.len())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ScopeError<std::io::Error>> {
/// let lengths: Vec<usize> = try_scope(async |group: &TaskGroup<std::io::Error>| {
///     let tasks: Vec<_> = ["a", "bc"].map(|text| group.try_spawn(length(text))).into();
///     let mut lengths = Vec::new();
///     for task in tasks {
///         lengths.push(task.await);
///     }
///     Ok(lengths)
/// })
/// .await?;
/// assert_eq!(lengths, [1, 2]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "nursery")]
#[doc(alias = "errgroup")]
#[doc(alias = "TaskGroup")]
#[track_caller]
pub fn try_scope<T, E, F>(body: F) -> impl Future<Output = Result<T, ScopeError<E>>>
where
    E: fmt::Debug + Send + 'static,
    F: AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
{
    let site = Location::caller();
    async move { try_open(TaskGroup::open(default_node(site), None), None, body).await }
}

pub(crate) fn default_node(site: &'static Location<'static>) -> Arc<Node> {
    let node = Node::new(Label::Kind("a scope"), Some(current::current()));
    inspect::set_site(&node, site);
    node
}

async fn open<T, F>(group: TaskGroup, limits: Option<Box<Limits>>, body: F) -> T
where
    F: AsyncFnOnce(&TaskGroup) -> T,
{
    // The group was declared first and is dropped last: the body is gone when the group hands its children over.
    let end = Running::new(&group, limits, |_, value| Some(value), body(&group)).await;
    match conclusion::of::<T, CannotFail>(group.node(), end) {
        Ok(value) => value,
        Err(ScopeError::Failed(errors)) => errors.first().unreachable(),
        Err(error) => panic!("a scope that cannot fail has no value to return: {error}"),
    }
}

async fn try_open<T, E, F>(group: TaskGroup<E>, limits: Option<Box<Limits>>, body: F) -> Result<T, ScopeError<E>>
where
    E: fmt::Debug + Send + 'static,
    F: AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
{
    let judge = |node: &Arc<Node>, result: Result<T, E>| {
        result.map_err(|error| node.record_error(Some("the body".into()), Box::new(error))).ok()
    };
    let end = Running::new(&group, limits, judge, body(&group)).await;
    conclusion::of(group.node(), end)
}

/// The group of a scope goes: at the end, or because the scope's future was dropped half-way. Then its children are cancelled, and
/// `current`, or the nearest live node above, waits for them.
pub(crate) fn leave(node: &Arc<Node>, current: Option<Arc<Node>>) {
    if node.try_close() {
        crate::trace::settled(node);
        if node.is_cancelled() {
            // Perhaps with failures that the owner did not come back for; a scope that returned has taken them.
            node.report(node.take_fate());
        }
        return node.retire();
    }
    let around = current.clone().or_else(|| node.parent());
    node.cancel(around.map_or(Reason::OwnerDropped, |node| node.reason_for_drop()));
    // The children are handed over first: nothing that a report calls may come in between.
    node.orphan(current);
    node.disown();
    if !node.is_aborting() {
        // The owner was to abort them after the grace: somebody else has to.
        abort_after_grace(
            node.clone(),
            hold_nearest(node.parent().unwrap_or_else(current::process_root), node.label().clone()),
        );
    }
}

fn abort_after_grace(node: Arc<Node>, hold: Hold) {
    let Ok(runtime) = Handle::try_current() else { return node.abort_all() };
    let end = AbortAtEnd { node, _hold: hold };
    runtime.spawn(async move {
        let node = &end.node;
        let mut place = None;
        // Nobody gives the place back: the node ends soon, and its list of those who wait with it.
        let ended = poll_fn(|cx| node.poll_ended(cx, &mut place));
        let _ = timeout(node.grace(), ended).await;
    });
}

/// Aborts what has not ended when the grace is over, and also where nobody can count it: in a runtime that is going, or that has no timers.
struct AbortAtEnd {
    node: Arc<Node>,
    _hold: Hold,
}

impl Drop for AbortAtEnd {
    fn drop(&mut self) {
        self.node.abort_all();
    }
}
