//! Failures of a body on their way to the caller. If the caller goes away first, the observer hears of them.

use std::{any::Any, fmt, panic::resume_unwind};

use bowline_concurrency::Failure;

const ORIGIN: &str = "the body of `with`";

/// An error that the caller has not got yet.
pub(crate) struct UnseenError<E: fmt::Debug>(Option<E>);

impl<E: fmt::Debug> UnseenError<E> {
    pub(crate) fn new(error: E) -> Self {
        UnseenError(Some(error))
    }

    pub(crate) fn into_inner(mut self) -> E {
        self.0.take().expect("only the drop takes it too")
    }
}

impl<E: fmt::Debug> Drop for UnseenError<E> {
    fn drop(&mut self) {
        if let Some(error) = self.0.take() {
            Failure::error_text(ORIGIN, &error).report();
        }
    }
}

/// A panic that has not been resumed yet.
pub(crate) struct UnseenPanic(Option<Box<dyn Any + Send>>);

impl UnseenPanic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        UnseenPanic(Some(payload))
    }

    pub(crate) fn resume(mut self) -> ! {
        resume_unwind(self.0.take().expect("only the drop takes it too"))
    }
}

impl Drop for UnseenPanic {
    fn drop(&mut self) {
        if let Some(payload) = self.0.take() {
            Failure::panic(ORIGIN, payload).report();
        }
    }
}
