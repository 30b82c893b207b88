//! One run of work that runs more than once.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{below::Below, failure::Failure, group::TaskGroup};

/// What a run of a [periodic](crate::BackgroundTasks::periodic) or [supervised](crate::BackgroundTasks::supervise) task may give: nothing, which is
/// success, or a `Result`. There is nothing to implement.
pub trait RunOutcome: sealed::Sealed + Send + 'static {
    /// What a run has when it went well.
    type Value: Send + 'static;

    /// The value, or a failure of `origin`.
    #[doc(hidden)]
    fn judge(self, origin: &str) -> Result<Self::Value, Failure>;
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for () {}
    impl<T, E> Sealed for Result<T, E> {}
}

impl RunOutcome for () {
    type Value = ();

    fn judge(self, _origin: &str) -> Result<(), Failure> {
        Ok(())
    }
}

impl<T: Send + 'static, E: fmt::Debug + Send + 'static> RunOutcome for Result<T, E> {
    type Value = T;

    fn judge(self, origin: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::error(origin, error))
    }
}

/// Makes the future of a run. A panic is a failure of the run, and leaves the function as it is: it is called again.
pub(super) fn make<Fut>(work: &mut impl FnMut() -> Fut, origin: &str) -> Result<Fut, Failure> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Failure::panic(origin, payload))
}

/// Runs it in a scope, which returns when everything below the run is gone. A panic is a failure of the run. If the run is dropped, nobody is left to
/// be told of a panic of its destructors: that goes to `failed`.
pub(super) async fn run<Fut>(
    future: Fut,
    origin: Arc<str>,
    failed: impl Fn(Failure),
) -> Result<<Fut::Output as RunOutcome>::Value, Failure>
where
    Fut: Future<Output: RunOutcome>,
{
    let named = ReportingRun { future: Some(future), origin: origin.clone(), failed };
    let scope = TaskGroup::builder().name(origin.to_string()).scope(async move |_| named.await);
    match Below::unborn(scope).await {
        Ok(outcome) => outcome.judge(&origin),
        Err(payload) => Err(Failure::panic(&*origin, payload)),
    }
}

pin_project! {
    /// The future of a run, which knows its name also when it is dropped.
    struct ReportingRun<F, N> where N: Fn(Failure) {
        #[pin]
        future: Option<F>,
        origin: Arc<str>,
        failed: N,
    }

    impl<F, N> PinnedDrop for ReportingRun<F, N> where N: Fn(Failure) {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| this.future.set(None))) {
                (this.failed)(Failure::panic(&**this.origin, payload));
            }
        }
    }
}

impl<F: Future, N: Fn(Failure)> Future for ReportingRun<F, N> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let future = this.future.as_mut().as_pin_mut().expect("a run is not polled after it is done");
        let output = ready!(future.poll(cx));
        this.future.set(None); // A panic of it here is one of the run, which ends with it.
        Poll::Ready(output)
    }
}
