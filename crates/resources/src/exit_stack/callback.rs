//! Callbacks as members of a stack.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use super::member::{BoxError, Member, Owed};
use crate::exit::Exit;

/// That of [`Resource::release_within`](crate::Resource::release_within), which nobody can override here.
const BUDGET: Duration = Duration::from_secs(30);

/// What a callback of an [`ExitStack`](crate::ExitStack) may return: nothing, or a result whose error the closing collects.
///
/// It is implemented for `()` and `Result<(), E>`, and cannot be implemented elsewhere.
pub trait CallbackOutput: sealed::Sealed {}

mod sealed {
    use super::BoxError;

    pub trait Sealed {
        fn into_result(self) -> Result<(), BoxError>;
    }

    impl Sealed for () {
        fn into_result(self) -> Result<(), BoxError> {
            Ok(())
        }
    }

    impl<E: Into<BoxError>> Sealed for Result<(), E> {
        fn into_result(self) -> Result<(), BoxError> {
            self.map_err(Into::into)
        }
    }
}

impl CallbackOutput for () {}
impl<E: Into<BoxError>> CallbackOutput for Result<(), E> {}

/// One box for the closure and then its future.
pub(super) fn callback<C, F>(name: &'static str, call: C) -> Owed
where
    C: FnOnce(Exit) -> F + Send + 'static,
    F: Future<Output: CallbackOutput> + Send + 'static,
{
    Box::pin(Callback { name, step: Step::Waiting { call: Some(call) } })
}

pin_project! {
    struct Callback<C, F> {
        #[pin]
        step: Step<C, F>,
        name: &'static str,
    }
}

pin_project! {
    #[project = StepProjection]
    enum Step<C, F> {
        Waiting { call: Option<C> },
        Running { #[pin] future: F },
    }
}

impl<C, F> Member for Callback<C, F>
where
    C: FnOnce(Exit) -> F + Send + 'static,
    F: Future<Output: CallbackOutput> + Send + 'static,
{
    fn name(&self) -> &'static str {
        self.name
    }

    fn budget(&self) -> Duration {
        BUDGET
    }

    fn poll_release(self: Pin<&mut Self>, exit: &Exit, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        let mut step = self.project().step;
        if let StepProjection::Waiting { call } = step.as_mut().project() {
            let call = call.take().expect("it is called once, and not polled after a panic");
            step.set(Step::Running { future: call(exit.clone()) });
        }
        match step.project() {
            StepProjection::Running { future } => Poll::Ready(sealed::Sealed::into_result(ready!(future.poll(cx)))),
            StepProjection::Waiting { .. } => unreachable!("it has just begun to run"),
        }
    }
}
