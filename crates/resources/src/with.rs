//! Acquire, use, release.

use std::{fmt, panic::resume_unwind};

use crate::{
    lease::{Lease, report_release},
    resource::Resource,
    unseen::UnseenPanic,
};

/// Acquires a resource, runs `body` with it, and releases it, **however the body ends**: Python's `async with`.
///
/// | the body | the release is told | and this returns |
/// |---|---|---|
/// | returns `Ok` | [`Exit::Completed`](crate::Exit::Completed) | the value, or the error of the release |
/// | returns an error | [`Exit::Failed`](crate::Exit::Failed) | that error; one of the release goes to the observer |
/// | panics | [`Exit::Panicked`](crate::Exit::Panicked) | after the release the panic goes on; errors of the release go to the observer |
/// | is dropped | [`Exit::Cancelled`](crate::Exit::Cancelled) | not at all: the enclosing scope waits for the release |
///
/// The body runs in the caller's task and may borrow. What it opened and left behind has settled before the release begins.
/// The observer is that of [`Scope::observe_failures`](bowline_concurrency::Scope::observe_failures).
///
/// # Errors
///
/// The error of the body, or else that of acquiring or releasing.
///
/// # Panics
///
/// With a panic of the body, of the acquisition, or of the release after a body that returned `Ok`.
///
/// # Cancel safety
///
/// It may be dropped anywhere. Acquiring is finished in the background, and the value released at once; a body is dropped on the spot
/// and the release begins; a release is finished. The scope, timeout or root around waits for that. Of nested ones that are
/// dropped together, the inner is released before the outer.
///
/// It needs a Tokio runtime only for that: dropped where it never saw one, a value is [abandoned](Resource::abandon), and reported.
///
/// A body that has returned is not undone: its release is told so, whenever the caller goes. A value that it returned is dropped
/// then; an error goes to the observer.
///
/// # Examples
///
/// ```
/// use bowline_resources::{Exit, Resource, with};
///
/// struct Session;
///
/// impl Resource for Session {
///     type Value = Vec<&'static str>;
///     type Error = std::io::Error;
///
///     async fn acquire(&mut self) -> Result<Self::Value, Self::Error> {
///         Ok(vec!["opened"])
///     }
///
///     async fn release(&mut self, mut log: Self::Value, exit: Exit) -> Result<(), Self::Error> {
///         log.push(if exit.is_completed() { "committed" } else { "rolled back" });
///         Ok(println!("{log:?}"))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let user = String::from("ada");
/// let length = with(Session, async |log| {
///     log.push("used");
///     Ok::<_, std::io::Error>(user.len())
/// })
/// .await?;
/// assert_eq!(length, 3);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "async with")]
#[doc(alias = "bracket")]
#[doc(alias = "using")]
pub async fn with<R, T, E, F>(resource: R, body: F) -> Result<T, E>
where
    R: Resource,
    E: From<R::Error> + fmt::Debug,
    F: AsyncFnOnce(&mut R::Value) -> Result<T, E>,
{
    // Declared first, dropped last: the body is gone when the lease hands its release off.
    let mut lease = Lease::acquire(resource).await?;
    match lease.lend(body).await {
        Ok(Ok(output)) => {
            lease.end().await.unwrap_or_else(|payload| resume_unwind(payload))?;
            Ok(output)
        }
        Ok(Err(error)) => {
            report_release::<R>(lease.end().await);
            Err(error.into_inner())
        }
        Err(payload) => {
            let panic = UnseenPanic::new(payload);
            report_release::<R>(lease.end().await);
            panic.resume()
        }
    }
}
