//! The group: the way to spawn children into a scope that polls them itself.

use std::{convert::identity, fmt, sync::Arc};

use super::{shared::Shared, slot::InTaskChild};
use crate::fallible::CannotFail;

/// The children of an [`in_task_scope`](crate::in_task_scope) or [`try_in_task_scope`](crate::try_in_task_scope).
///
/// Children may borrow what outlives `'env`: everything outside the scope. The group itself does not, so a child that spawns siblings
/// takes a clone with it:
///
/// ```
/// use bowline_concurrency::in_task_scope;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let words = ["a".to_owned(), "bc".to_owned()];
/// let total = in_task_scope(async |group| {
///     let inner = group.clone();
///     let [first, second] = &words;
///     let child = group.spawn(async move {
///         let sibling = inner.spawn(async move { second.len() });
///         first.len() + sibling.await
///     });
///     child.await
/// });
/// assert_eq!(total.await, 3);
/// # }
/// ```
///
/// A reference to the body's own group cannot go into a child:
///
/// ```compile_fail,E0597
/// # use bowline_concurrency::in_task_scope;
/// # async fn by_reference() {
/// in_task_scope(async |group| {
///     let group = &group;
///     group.spawn(async move { group.spawn(async { 1 }).await }).await
/// })
/// .await;
/// # }
/// ```
///
/// `E` is the error of the scope; in an [`in_task_scope`](crate::in_task_scope), which cannot fail, it is [`CannotFail`].
pub struct InTaskGroup<'env, E = CannotFail> {
    shared: Arc<Shared<'env, E>>,
}

impl<'env, E> InTaskGroup<'env, E> {
    pub(super) fn new(shared: Arc<Shared<'env, E>>) -> Self {
        InTaskGroup { shared }
    }
}

impl<'env, E: Send + 'env> InTaskGroup<'env, E> {
    /// Spawns a child whose output is a value, whatever it is. Only a panic of it fails the group.
    ///
    /// It is first polled when whoever spawned it has suspended or ended. In a group that has failed, whose futures are being dropped, a
    /// child never runs; its future is dropped at once.
    ///
    /// Dropping the handle does not cancel the child: the scope returns after it all the same.
    ///
    /// # Panics
    ///
    /// After the scope has ended, if a clone of the group was carried out of it.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> InTaskChild<'_, F::Output>
    where
        F: Future<Output: Send> + Send + 'env,
    {
        self.shared.spawn(None, future, Ok)
    }

    /// Spawns a child whose error fails the group: its siblings and the body are dropped, and the scope returns the error.
    ///
    /// Otherwise like [`spawn`](InTaskGroup::spawn).
    ///
    /// # Panics
    ///
    /// After the scope has ended.
    #[track_caller]
    pub fn try_spawn<T, F>(&self, future: F) -> InTaskChild<'_, T>
    where
        T: Send + 'env,
        F: Future<Output = Result<T, E>> + Send + 'env,
    {
        self.shared.spawn(None, future, identity)
    }

    /// Names the next child: `group.named("fetch").try_spawn(..)`. The name stands in errors, reports and lists.
    pub fn named(&self, name: impl Into<String>) -> InTaskNamed<'_, 'env, E> {
        InTaskNamed { group: self, name: name.into() }
    }
}

impl<E> Clone for InTaskGroup<'_, E> {
    fn clone(&self) -> Self {
        InTaskGroup { shared: self.shared.clone() }
    }
}

impl<E> fmt::Debug for InTaskGroup<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InTaskGroup").field(self.shared.node()).finish()
    }
}

/// A name for the next child; see [`InTaskGroup::named`].
#[derive(Debug)]
#[must_use = "a name does nothing until something is spawned under it"]
pub struct InTaskNamed<'group, 'env, E> {
    group: &'group InTaskGroup<'env, E>,
    name: String,
}

impl<'group, 'env, E: Send + 'env> InTaskNamed<'group, 'env, E> {
    /// Spawns a child under this name; see [`InTaskGroup::spawn`].
    ///
    /// # Panics
    ///
    /// After the scope has ended.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> InTaskChild<'group, F::Output>
    where
        F: Future<Output: Send> + Send + 'env,
    {
        self.group.shared.spawn(Some(self.name), future, Ok)
    }

    /// Spawns a fallible child under this name; see [`InTaskGroup::try_spawn`].
    ///
    /// # Panics
    ///
    /// After the scope has ended.
    #[track_caller]
    pub fn try_spawn<T, F>(self, future: F) -> InTaskChild<'group, T>
    where
        T: Send + 'env,
        F: Future<Output = Result<T, E>> + Send + 'env,
    {
        self.group.shared.spawn(Some(self.name), future, identity)
    }
}
