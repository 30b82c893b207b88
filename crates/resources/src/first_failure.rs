//! What goes wrong in several steps that run at once: the first one is for the caller, the others are for the observer.

use std::{
    any::Any,
    fmt,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
    thread,
};

use bowline_concurrency::Failure;

/// Keeps the first failure. One that its caller never gets goes to the observer like the others.
pub(crate) struct FirstFailure<E: fmt::Debug + Send + 'static> {
    first: Mutex<Option<Failed<E>>>,
}

struct Failed<E> {
    origin: String,
    cause: Cause<E>,
}

enum Cause<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
}

impl<E: fmt::Debug + Send + 'static> FirstFailure<E> {
    pub(crate) fn new() -> Self {
        FirstFailure { first: Mutex::new(None) }
    }

    /// Takes what came of the step `origin`; gives its value, if it has one.
    pub(crate) fn sort<T>(&self, origin: impl FnOnce() -> String, outcome: thread::Result<Result<T, E>>) -> Option<T> {
        let cause = match outcome {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => Cause::Error(error),
            Err(payload) => Cause::Panic(payload),
        };
        let mut late = Some(Failed { origin: origin(), cause });
        {
            let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
            if first.is_none() {
                *first = late.take();
            }
        }
        if let Some(failed) = late {
            failed.report(); // Not under the lock.
        }
        None
    }

    pub(crate) fn is_some(&self) -> bool {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Returns the error, resumes the panic, or neither.
    pub(crate) fn conclude(&self) -> Result<(), E> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first.map(|failed| failed.cause) {
            None => Ok(()),
            Some(Cause::Error(error)) => Err(error),
            Some(Cause::Panic(payload)) => resume_unwind(payload),
        }
    }
}

impl<E: fmt::Debug + Send + 'static> Failed<E> {
    fn report(self) {
        match self.cause {
            Cause::Error(error) => Failure::error(self.origin, error).report(),
            Cause::Panic(payload) => Failure::panic(self.origin, payload).report(),
        }
    }
}

impl<E: fmt::Debug + Send + 'static> Drop for FirstFailure<E> {
    fn drop(&mut self) {
        let first = self.first.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(failed) = first {
            failed.report();
        }
    }
}
