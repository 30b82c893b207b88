//! Scopes: a body and its children, returned from together.

use std::{convert::Infallible, fmt, panic::resume_unwind};

use crate::{
    errors::{Errors, ScopeError},
    group::{BodyEnd, TaskGroup},
    node::Label,
    reason::Reason,
};

/// Opens a scope that cannot fail, and returns the body's value after the last task below it is gone.
///
/// If a child panics, the body and the siblings are cancelled, and the panic is resumed here with its payload.
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
pub async fn scope<T, F>(body: F) -> T
where
    F: AsyncFnOnce(&TaskGroup) -> T,
{
    // Declared first, dropped last: the body is gone when the group hands its children over.
    let group = TaskGroup::<Infallible>::open(Label::Fixed("a scope"));
    let end = group.run_body(body(&group)).await;
    match conclude(&group, end).await {
        Ok(value) => value,
        Err(ScopeError::Failed(errors)) => match *errors.first() {},
        Err(ScopeError::Cancelled(reason)) => panic!("a scope that cannot fail was cancelled: {reason}"),
    }
}

/// Opens a scope whose body and children may fail: the first failure cancels the others, and the scope returns after
/// the last one is gone, with *all* failures.
///
/// Name the error type in the closure, since `?` alone does not determine it: `async |group: &TaskGroup<MyError>| ..`
/// or `async |group| -> Result<_, MyError> { .. }`.
///
/// # Errors
///
/// [`ScopeError::Failed`] with every error that the body and the children returned, the first one first;
/// [`ScopeError::Cancelled`] if a child was lost because its runtime was shut down.
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
pub async fn try_scope<T, E, F>(body: F) -> Result<T, ScopeError<E>>
where
    E: fmt::Debug + Send + 'static,
    F: AsyncFnOnce(&TaskGroup<E>) -> Result<T, E>,
{
    let group = TaskGroup::open(Label::Fixed("a scope"));
    let end = match group.run_body(body(&group)).await {
        BodyEnd::Returned(Ok(value)) => BodyEnd::Returned(value),
        BodyEnd::Returned(Err(error)) => {
            group.core().fail(Some("the body".to_owned()), error);
            BodyEnd::Cancelled
        }
        BodyEnd::Panicked(payload) => BodyEnd::Panicked(payload),
        BodyEnd::Cancelled => BodyEnd::Cancelled,
    };
    conclude(&group, end).await
}

/// Waits for everything below and turns what happened into the scope's result.
async fn conclude<T, E: fmt::Debug + Send + 'static>(
    group: &TaskGroup<E>,
    end: BodyEnd<T>,
) -> Result<T, ScopeError<E>> {
    let value = match end {
        BodyEnd::Returned(value) => Some(value),
        BodyEnd::Panicked(payload) => {
            group.core().panicked(Some("the body"), payload);
            None
        }
        BodyEnd::Cancelled => None,
    };
    group.settle().await;
    let mut fate = group.core().take_fate();
    if let Some(payload) = fate.panic.take() {
        // The panic outranks the errors; they are not lost for that.
        group.core().report(fate);
        resume_unwind(payload);
    }
    if let Some(errors) = Errors::new(fate.errors) {
        return Err(ScopeError::Failed(errors));
    }
    value.ok_or_else(|| ScopeError::Cancelled(group.core().node().reason().unwrap_or(Reason::RuntimeGone)))
}
