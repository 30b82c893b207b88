//! The failures of one scope.

use std::{any::Any, error::Error, fmt, sync::Arc};

use crate::{
    node::{Failed, Fate, Label},
    reason::Reason,
};

/// The failures of one scope: never empty, in the order in which they happened.
///
/// One failure shows as that failure, after the names of the scope and of the task where they have one; several show the first and how many
/// others there are. Errors of nested scopes show their path: `import: pages: page 7: not found`.
///
/// One word, so that a `Result` with it stays small.
pub struct Errors<E>(Box<List<E>>);

struct List<E> {
    scope: Label,
    first: Failed<E>,
    rest: Vec<Failed<E>>,
    cancelled_by: Option<Reason>,
}

impl<E: 'static> Errors<E> {
    /// `None` if nothing failed.
    pub(crate) fn of(scope: &Label, fate: Fate) -> Option<Self> {
        let mut failures = fate.errors.into_iter().map(|Failed { task, error }| {
            let error: Box<dyn Any> = error.into_any();
            let error = error.downcast().expect("all tasks of a group have its type of error");
            Failed { task, error: *error }
        });
        let first = failures.next()?;
        let rest = failures.collect();
        Some(Errors(Box::new(List { scope: scope.clone(), first, rest, cancelled_by: fate.cancelled_by })))
    }
}

impl<E> Errors<E> {
    pub(crate) fn one(scope: Label, first: Failed<E>) -> Self {
        Errors(Box::new(List { scope, first, rest: Vec::new(), cancelled_by: None }))
    }

    fn all(&self) -> impl Iterator<Item = &Failed<E>> {
        std::iter::once(&self.0.first).chain(&self.0.rest)
    }

    /// The failure that came first: the one that cancelled the others.
    pub fn first(&self) -> &E {
        &self.0.first.error
    }

    /// All failures, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.all().map(|failed| &failed.error)
    }

    /// All failures, each with the name of its task if it has one (see [`TaskGroup::named`](crate::TaskGroup::named)).
    pub fn named(&self) -> impl Iterator<Item = (Option<&str>, &E)> {
        self.all().map(|failed| (failed.task.as_deref(), &failed.error))
    }

    /// How many there are; at least one.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        1 + self.0.rest.len()
    }

    /// What the scope is called (see [`Builder::name`](crate::Builder::name)), if it has a name.
    pub fn scope(&self) -> Option<&str> {
        self.0.scope.given()
    }

    /// Why the scope was being cancelled already when the first failure came: then it is one of a cleanup.
    pub fn cancelled_by(&self) -> Option<&Reason> {
        self.0.cancelled_by.as_ref()
    }

    /// The first failure; the others are dropped.
    pub fn into_first(self) -> E {
        self.0.first.error
    }

    /// All failures as values, the first one first.
    pub fn into_vec(self) -> Vec<E> {
        let List { first, rest, .. } = *self.0;
        std::iter::once(first).chain(rest).map(|failed| failed.error).collect()
    }
}

impl<E> IntoIterator for Errors<E> {
    type Item = E;
    type IntoIter = std::vec::IntoIter<E>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

impl<E: fmt::Debug> fmt::Debug for Errors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<E: fmt::Display> fmt::Display for Errors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task: Option<&Arc<str>> = self.0.first.task.as_ref();
        for name in self.scope().into_iter().chain(task.map(|name| &**name)) {
            write!(f, "{name}: ")?;
        }
        self.0.first.error.fmt(f)?;
        match self.0.rest.len() {
            0 => {}
            1 => f.write_str(" (and 1 other failure)")?,
            n => write!(f, " (and {n} other failures)")?,
        }
        match &self.0.cancelled_by {
            Some(reason) => write!(f, ", while being cancelled: {reason}"),
            None => Ok(()),
        }
    }
}

// Not `E: Error`: `anyhow::Error` and `Box<dyn Error>` are not, and `?` must work with them.
impl<E: fmt::Debug + fmt::Display> Error for Errors<E> {}
