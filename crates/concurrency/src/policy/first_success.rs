//! The first value is enough.

use std::{error::Error, fmt, ops::ControlFlow};

use super::{Place, Policy};
use crate::{
    current,
    errors::Errors,
    node::{Failed, Fate, Label},
};

/// A policy: the first child that succeeds gives the value of the scope; see [`policy_scope`](crate::policy_scope()).
#[doc(alias = "race")]
#[doc(alias = "select_ok")]
#[doc(alias = "anySuccessfulOrThrow")]
pub struct FirstSuccess<T, E> {
    value: Option<T>,
    failures: Fate,
    error: std::marker::PhantomData<fn() -> E>,
}

impl<T, E> FirstSuccess<T, E> {
    /// No child has succeeded yet.
    #[expect(clippy::new_without_default, reason = "a policy is made where it is used")]
    pub fn new() -> Self {
        FirstSuccess { value: None, failures: Fate::default(), error: std::marker::PhantomData }
    }
}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> Policy for FirstSuccess<T, E> {
    type Task = Result<T, E>;
    type Body = ();
    type Output = Result<T, NoSuccess<E>>;

    fn completed(&mut self, place: Place<'_>, output: Result<T, E>) -> ControlFlow<()> {
        match output {
            Ok(value) => {
                self.value = Some(value);
                ControlFlow::Break(())
            }
            Err(error) => {
                self.failures.errors.push(Failed { task: place.name.map(Into::into), error: Box::new(error) });
                ControlFlow::Continue(())
            }
        }
    }

    fn conclude(self) -> Result<T, NoSuccess<E>> {
        self.value.ok_or_else(|| {
            Errors::of(&Label::Kind("a scope"), self.failures).map_or(NoSuccess::NoTasks, NoSuccess::AllFailed)
        })
    }

    fn abandon(self) {
        current::current().report(self.failures);
    }
}

impl<T, E> fmt::Debug for FirstSuccess<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstSuccess").finish_non_exhaustive()
    }
}

/// Why a scope with [`FirstSuccess`] has no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoSuccess<E> {
    /// Every child failed; all errors, in the order in which they came.
    AllFailed(Errors<E>),
    /// No child was spawned, or none completed.
    NoTasks,
}

impl<E: fmt::Display> fmt::Display for NoSuccess<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoSuccess::AllFailed(errors) => errors.fmt(f),
            NoSuccess::NoTasks => f.write_str("no task could succeed: spawn at least one into the scope"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for NoSuccess<E> {}
