//! All values, or errors.

use std::{fmt, ops::ControlFlow};

use super::{Place, Policy};
use crate::{
    current,
    errors::Errors,
    node::{Failed, Fate, Label},
};

/// A policy: the scope returns all values, in the order of spawning, or errors; see [`policy_scope`](crate::policy_scope()).
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{Collect, policy_scope};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let squares = policy_scope(Collect::fail_fast(), async |group| {
///     (1..=3).for_each(|n| group.spawn(async move { Ok::<_, String>(n * n) }));
/// })
/// .await?;
/// assert_eq!(squares, [1, 4, 9]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "gather")]
#[doc(alias = "errgroup")]
#[doc(alias = "awaitAllSuccessfulOrThrow")]
pub struct Collect<T, E> {
    values: Vec<Option<T>>,
    failures: Fate,
    fail_fast: bool,
    error: std::marker::PhantomData<fn() -> E>,
}

impl<T, E> Collect<T, E> {
    /// The first error cancels the others, and is the only one.
    pub fn fail_fast() -> Self {
        Self::new(true)
    }

    /// All children run to their ends; all errors are returned, the first one first.
    pub fn all() -> Self {
        Self::new(false)
    }

    fn new(fail_fast: bool) -> Self {
        Collect { values: Vec::new(), failures: Fate::default(), fail_fast, error: std::marker::PhantomData }
    }
}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> Policy for Collect<T, E> {
    type Task = Result<T, E>;
    type Body = ();
    type Output = Result<Vec<T>, Errors<E>>;

    fn spawned(&mut self, _: Place<'_>) {
        self.values.push(None);
    }

    fn completed(&mut self, place: Place<'_>, output: Result<T, E>) -> ControlFlow<()> {
        match output {
            Ok(value) => self.values[place.index] = Some(value),
            Err(error) => {
                self.failures.errors.push(Failed { task: place.name.map(Into::into), error: Box::new(error) });
                if self.fail_fast {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn conclude(self) -> Result<Vec<T>, Errors<E>> {
        match Errors::of(&Label::Kind("a scope"), self.failures) {
            None => Ok(self.values.into_iter().flatten().collect()),
            Some(errors) => Err(errors),
        }
    }

    fn abandon(self) {
        current::current().report(self.failures);
    }
}

impl<T, E> fmt::Debug for Collect<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect").field("fail_fast", &self.fail_fast).finish_non_exhaustive()
    }
}
