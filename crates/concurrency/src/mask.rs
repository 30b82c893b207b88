//! Work that hears of no cancellation around.

use std::{
    fmt,
    panic::resume_unwind,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{
    below::Below,
    current::{self, Recipe},
    failure::Failure,
};

/// Runs `work` in the caller's task, and hides the cancellations around from it ([`is_cancelled`](crate::is_cancelled)).
///
/// The half of a [`shield`](crate::shield()) that needs neither a box nor `Send`: for cleanup that may borrow, and for libraries that finish it in a way of
/// their own when their caller goes. [`Scope::handed_off`](crate::Scope::handed_off) is the other half.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{TaskGroup, is_cancelled, mask, try_scope};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let stopped = try_scope(async |group: &TaskGroup<&str>| {
///     group.cancel("enough");
///     assert!(is_cancelled().is_some());
///     mask(async { assert!(is_cancelled().is_none()) }).await;
///     Ok(())
/// });
/// assert!(stopped.await.is_ok());
/// # }
/// ```
#[doc(alias = "NonCancellable")]
#[doc(alias = "CancelScope(shield=True)")]
pub fn mask<F: Future>(work: F) -> Mask<F> {
    Mask { work: Below::unborn(work), is_begun: false }
}

pin_project! {
    /// Future of [`mask`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the work, wherever that is. What the work leaves behind is waited for by the enclosing scope.
    ///
    /// # Panics
    ///
    /// When it is polled again after it is done; and with a panic of the work.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Mask<F> {
        #[pin]
        work: Below<F>,
        is_begun: bool,
    }

    impl<F> PinnedDrop for Mask<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut work = this.project().work;
            if let Err(payload) = work.as_mut().clear() {
                Failure::panic("masked work", payload).report();
            }
            leave(&work);
        }
    }
}

/// What the work has left behind is waited for where we are; does nothing the second time.
fn leave<F>(work: &Below<F>) {
    if let Some(node) = work.node().filter(|node| !node.is_closed()) {
        node.orphan(current::try_current());
    }
}

impl<F: Future> Future for Mask<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if !*this.is_begun {
            this.work.as_mut().enter_on_demand(Recipe::Shield);
            *this.is_begun = true;
        }
        let outcome = ready!(this.work.as_mut().poll(cx));
        leave(&this.work);
        Poll::Ready(outcome.unwrap_or_else(|payload| resume_unwind(payload)))
    }
}

impl<F> fmt::Debug for Mask<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask").finish_non_exhaustive()
    }
}
