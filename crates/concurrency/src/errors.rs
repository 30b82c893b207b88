//! What a scope that failed returns.

use std::{error::Error, fmt};

use crate::reason::Reason;

/// Why a fallible scope has no value to return.
///
/// It implements [`Error`] for every `E` that can be printed, so that `?` works with `anyhow::Error` and with
/// `Box<dyn Error + Send + Sync>` as `E`. To return a bare `E` from a nested scope, take the first failure:
///
/// ```
/// use bowline_concurrency::{ScopeError, TaskGroup, try_scope};
///
/// async fn both() -> Result<(), String> {
///     try_scope(async |group: &TaskGroup<String>| {
///         group.try_spawn(async { Err::<(), _>("no route".to_owned()) }).await;
///         Ok(())
///     })
///     .await
///     .map_err(|error| error.into_first().unwrap_or_else(|reason| reason.to_string()))
/// }
/// # #[tokio::main(flavor = "current_thread")] async fn main() { assert_eq!(both().await, Err("no route".to_owned())); }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ScopeError<E> {
    /// The body or children failed; all failures, in the order in which they happened.
    Failed(Errors<E>),
    /// The scope was cancelled before its body had a value, and nothing failed.
    Cancelled(Reason),
}

impl<E> ScopeError<E> {
    /// All failures, if there are any.
    pub fn errors(&self) -> Option<&Errors<E>> {
        match self {
            ScopeError::Failed(errors) => Some(errors),
            ScopeError::Cancelled(_) => None,
        }
    }

    /// The failure that came first.
    ///
    /// # Errors
    ///
    /// The reason, if the scope was cancelled without a failure.
    pub fn into_first(self) -> Result<E, Reason> {
        match self {
            ScopeError::Failed(errors) => Ok(errors.into_first()),
            ScopeError::Cancelled(reason) => Err(reason),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ScopeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ScopeError::Failed(errors) => errors.fmt(f),
            ScopeError::Cancelled(reason) => write!(f, "cancelled: {reason}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> Error for ScopeError<E> {}

/// The failures of one scope: never empty, in the order in which they happened.
///
/// One failure shows as that failure; several show the first and how many others there are.
pub struct Errors<E> {
    first: Failed<E>,
    rest: Vec<Failed<E>>,
}

/// A failure and the name of the task that it came from.
pub(crate) struct Failed<E> {
    pub(crate) task: Option<String>,
    pub(crate) error: E,
}

impl<E> Errors<E> {
    /// `None` if nothing failed.
    pub(crate) fn new(failures: Vec<Failed<E>>) -> Option<Self> {
        let mut failures = failures.into_iter();
        Some(Errors { first: failures.next()?, rest: failures.collect() })
    }

    fn all(&self) -> impl Iterator<Item = &Failed<E>> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// The failure that came first: the one that cancelled the others.
    pub fn first(&self) -> &E {
        &self.first.error
    }

    /// All failures, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        self.all().map(|failed| &failed.error)
    }

    /// All failures, each with the name of its task if it has one (see [`TaskGroup::named`](crate::TaskGroup::named)).
    pub fn named(&self) -> impl Iterator<Item = (Option<&str>, &E)> {
        self.all().map(|failed| (failed.task.as_deref(), &failed.error))
    }

    /// The first failure; the others are dropped.
    pub fn into_first(self) -> E {
        self.first.error
    }

    /// All failures as values, the first one first.
    pub fn into_vec(self) -> Vec<E> {
        std::iter::once(self.first).chain(self.rest).map(|failed| failed.error).collect()
    }
}

impl<E: fmt::Debug> fmt::Debug for Errors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<E: fmt::Display> fmt::Display for Errors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(task) = &self.first.task {
            write!(f, "{task}: ")?;
        }
        self.first.error.fmt(f)?;
        match self.rest.len() {
            0 => Ok(()),
            1 => f.write_str(" (and 1 other failure)"),
            n => write!(f, " (and {n} other failures)"),
        }
    }
}

// Not `E: Error`: `anyhow::Error` and `Box<dyn Error>` are not, and `?` must work with them.
impl<E: fmt::Debug + fmt::Display> Error for Errors<E> {}
