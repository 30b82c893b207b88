//! From the error of a scope to one of the user's own.

use super::ScopeError;
use crate::reason::Reason;

/// Turns the result of a scope into one with the bare error, for scopes inside functions and scopes that have an error of their own.
///
/// The first failure becomes the error; the others are dropped, as is the name of the task.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{FirstError, Reason, TaskGroup, try_scope};
///
/// #[derive(Debug, PartialEq)]
/// enum FetchError {
///     NoRoute,
///     Cancelled,
/// }
///
/// impl From<Reason> for FetchError {
///     fn from(_: Reason) -> Self {
///         FetchError::Cancelled
///     }
/// }
///
/// async fn fetch() -> Result<(), FetchError> {
///     try_scope(async |group: &TaskGroup<FetchError>| {
///         group.try_spawn(async { Err::<(), _>(FetchError::NoRoute) }).await;
///         Ok(())
///     })
///     .await
///     .first_error()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_eq!(fetch().await, Err(FetchError::NoRoute));
/// # }
/// ```
pub trait FirstError {
    /// The value of the scope.
    type Value;
    /// The error of its tasks.
    type Error;

    /// The first failure, or the reason of the cancellation converted into an error.
    ///
    /// # Errors
    ///
    /// Whenever the scope has failed.
    fn first_error(self) -> Result<Self::Value, Self::Error>
    where
        Self: Sized,
        Self::Error: From<Reason>;

    /// The first failure, or what `convert` makes of the reason of the cancellation.
    ///
    /// # Errors
    ///
    /// Whenever the scope has failed.
    fn first_error_or_else(self, convert: impl FnOnce(Reason) -> Self::Error) -> Result<Self::Value, Self::Error>;
}

impl<T, E> FirstError for Result<T, ScopeError<E>> {
    type Value = T;
    type Error = E;

    fn first_error(self) -> Result<T, E>
    where
        E: From<Reason>,
    {
        self.first_error_or_else(E::from)
    }

    fn first_error_or_else(self, convert: impl FnOnce(Reason) -> E) -> Result<T, E> {
        self.map_err(|error| error.into_first().unwrap_or_else(convert))
    }
}
