//! Scopes whose children are polled in the scope's own task, and may borrow.

use std::{
    convert::identity,
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{errors::ScopeError, failure::Failure, fallible::CannotFail};

mod child;
mod fate;
mod group;
mod inside;
mod run;
mod shared;
mod slot;

pub use group::{InTaskGroup, InTaskNamed};
use run::Run;
pub use slot::InTaskChild;

/// Opens a scope that cannot fail, whose children are polled in this task: they may borrow what is outside of it, and cost no task.
///
/// The body and its children share one fate, as in [`scope`](crate::scope): it returns the body's value after the last child has ended.
/// The children go on while the body awaits something else, and after it has returned. They are concurrent and not parallel: one that
/// computes, or blocks, holds up the others. Each of them, and the body, is polled only when it was woken.
///
/// A child borrows from outside the scope. It cannot borrow what the body owns, which is gone first:
///
/// ```compile_fail,E0373
/// # use bowline_concurrency::in_task_scope;
/// # async fn inside() {
/// in_task_scope(async |group| {
///     let name = "a".to_owned();
///     group.spawn(async { name.len() }).await
/// })
/// .await;
/// # }
/// ```
///
/// # When to use something else
///
/// For two or three futures a `join!`; for work that is to run in parallel, or to go on while this task does something else, a
/// [`scope`](crate::scope). Children must be `Send` here as there.
///
/// # Panics
///
/// The future panics with the payload of the first panic of the body or of a child, once everything else was dropped and what that
/// left behind has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::in_task_scope;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let names = vec!["a".to_owned(), "bc".to_owned()];
/// let lengths = in_task_scope(async |group| {
///     let children: Vec<_> = names.iter().map(|name| group.spawn(async move { name.len() })).collect();
///     let mut lengths = Vec::new();
///     for child in children {
///         lengths.push(child.await);
///     }
///     lengths
/// })
/// .await;
/// assert_eq!(lengths, [1, 2]);
/// # }
/// ```
#[doc(alias = "nursery")]
#[doc(alias = "FuturesUnordered")]
#[doc(alias = "moro")]
pub fn in_task_scope<'env, F, B>(body: F) -> InTaskScope<'env, B>
where
    F: FnOnce(InTaskGroup<'env>) -> B,
    B: Future,
{
    InTaskScope { run: Run::open(body, Ok, Failure::error) }
}

/// Opens a scope whose children may fail and may borrow: the first failure drops the body and the other children, on the spot.
///
/// Otherwise it is like [`in_task_scope`]. Name the error in the closure, since `?` alone does not determine it:
/// `async |group: InTaskGroup<'_, MyError>| ..` or `async |group| -> Result<_, MyError> { .. }`.
///
/// # Errors
///
/// [`ScopeError::Failed`] with the error that the body or a child returned. The others are dropped before they can fail too,
/// so there is one.
///
/// # Panics
///
/// The future panics with the payload of the first panic of the body, of a child, or of a destructor of what was dropped. An error that
/// accompanies it goes to the observer (see [`Scope::observe_failures`](crate::Scope::observe_failures)).
///
/// # Examples
///
/// Several parts of one value, borrowed mutably at the same time:
///
/// ```
/// use bowline_concurrency::{InTaskGroup, ScopeError, try_in_task_scope};
/// use std::io;
///
/// async fn fill(page: &mut String, number: usize) -> io::Result<usize> {
///     *page = format!("page {number}");
///     Ok(page.len())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ScopeError<io::Error>> {
/// let mut pages = vec![String::new(); 3];
/// let filled = try_in_task_scope(async |group: InTaskGroup<'_, io::Error>| {
///     let mut children = Vec::new();
///     for (number, page) in pages.iter_mut().enumerate() {
///         children.push(group.try_spawn(fill(page, number)));
///     }
///     let mut filled = 0;
///     for child in children {
///         filled += child.await; // A value: had a sibling failed, the body would not go on.
///     }
///     Ok(filled)
/// })
/// .await?;
/// assert_eq!((filled, pages[2].as_str()), (18, "page 2"));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "nursery")]
#[doc(alias = "errgroup")]
#[doc(alias = "try_join_all")]
pub fn try_in_task_scope<'env, T, E, F, B>(body: F) -> TryInTaskScope<'env, B, T, E>
where
    E: fmt::Debug + Send + 'static,
    F: FnOnce(InTaskGroup<'env, E>) -> B,
    B: Future<Output = Result<T, E>>,
{
    TryInTaskScope { run: Run::open(body, identity, Failure::error) }
}

pin_project! {
    /// Future of [`in_task_scope`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the body and all children with it: nothing of them is left when the drop returns. What they hand off in
    /// their destructors, and tasks of the scopes that they had open, are waited for by the nearest enclosing scope, timeout or root.
    /// Between two polls everything in it stands still, so do not keep it aside, as in a `select!` over `&mut scope`, while a child
    /// may hold a lock that you need.
    #[must_use = "futures do nothing unless awaited"]
    pub struct InTaskScope<'env, B: Future> {
        #[pin]
        run: Run<'env, B, B::Output, CannotFail>,
    }
}

impl<B: Future> Future for InTaskScope<'_, B> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        match ready!(self.project().run.poll(cx)) {
            Ok(value) => Poll::Ready(value),
            Err(errors) => errors.first().unreachable(),
        }
    }
}

impl<B: Future> fmt::Debug for InTaskScope<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InTaskScope").field(self.run.node()).finish()
    }
}

pin_project! {
    /// Future of [`try_in_task_scope`].
    ///
    /// # Cancel safety
    ///
    /// Like that of [`InTaskScope`]: what it owns goes with it. An error that it had got, and had not returned since it still
    /// waited for what that error's siblings left behind, goes to the observer.
    #[must_use = "futures do nothing unless awaited"]
    pub struct TryInTaskScope<'env, B, T, E>
    where
        B: Future,
    {
        #[pin]
        run: Run<'env, B, T, E>,
    }
}

impl<B: Future, T, E> Future for TryInTaskScope<'_, B, T, E> {
    type Output = Result<T, ScopeError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().run.poll(cx).map_err(ScopeError::Failed)
    }
}

impl<B: Future, T, E> fmt::Debug for TryInTaskScope<'_, B, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TryInTaskScope").field(self.run.node()).finish()
    }
}
