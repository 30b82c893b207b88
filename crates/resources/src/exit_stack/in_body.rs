//! A stack around a body.

use std::{fmt, pin::pin};

use super::{
    CloseError, ExitStack,
    unwind::{Caller, Deserted, unwind},
};
use crate::{exit::Exit, resource::Resource, with::with};

/// Runs `body` with an [`ExitStack`], and releases all its members, **however the body ends**: [`with`], for a number of resources that
/// is not known before.
///
/// Each release is told the same [`Exit`], and they run one after the other, the last member first. For the rest see [`with`].
///
/// # Errors
///
/// The error of the body, or else the errors of the releases. If both fail, those of the releases go to the observer.
///
/// # Panics
///
/// With a panic of the body, or else with the first panic of a release, after all releases; and outside a Tokio runtime.
///
/// # Cancel safety
///
/// It may be dropped anywhere, as [`with`] may. The releases then have a deadline each, and those that fail are reported to the observer.
///
/// # Examples
///
/// ```
/// use bowline_resources::{CloseError, ExitStack, exit_stack};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), CloseError> {
/// let sum = exit_stack(async |stack: &mut ExitStack| {
///     let mut sum = 0;
///     for number in 1..=3 {
///         stack.push(async move |exit| println!("{number}: {exit:?}")); // 3, 2, 1
///         sum += number;
///     }
///     Ok::<_, CloseError>(sum)
/// })
/// .await?;
/// assert_eq!(sum, 6);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "AsyncExitStack")]
pub async fn exit_stack<T, E, F>(body: F) -> Result<T, E>
where
    E: From<CloseError> + fmt::Debug,
    F: AsyncFnOnce(&mut ExitStack) -> Result<T, E>,
{
    let deserted = Deserted::default();
    let used = pin!(with(Members(deserted.clone()), body));
    let _caller = Caller(deserted);
    used.await
}

/// A stack as a resource.
struct Members(Deserted);

impl Resource for Members {
    type Value = ExitStack;
    type Error = CloseError;

    async fn acquire(&mut self) -> Result<ExitStack, CloseError> {
        Ok(ExitStack::new())
    }

    async fn release(&mut self, mut stack: ExitStack, exit: Exit) -> Result<(), CloseError> {
        match stack.table.take() {
            Some(table) => unwind(table, exit, self.0.clone()).await.conclude(),
            None => Ok(()),
        }
    }

    /// Its members have deadlines of their own.
    fn release_within(&self) -> std::time::Duration {
        std::time::Duration::MAX
    }
}
