//! What the releases came to, on its way to the caller. If the caller goes away first, the observer hears of it.

use std::{any::Any, panic::resume_unwind, time::Duration};

use bowline_concurrency::Failure;

use super::{
    error::{CloseError, ReleaseError},
    member::BoxError,
};

/// How the release of one member ended.
pub(super) enum Ended {
    Returned(Result<(), BoxError>),
    Panicked(Box<dyn Any + Send>),
    /// Cut short by its budget.
    Overdue(Duration),
}

/// Of all that were tried: the errors in the order in which they happened, and the first panic.
#[derive(Default)]
pub(super) struct Outcome {
    errors: Vec<ReleaseError>,
    panic: Option<(&'static str, Box<dyn Any + Send>)>,
}

impl Outcome {
    pub(super) fn add(&mut self, name: &'static str, ended: Ended) {
        match ended {
            Ended::Returned(Ok(())) => {}
            Ended::Returned(Err(error)) => self.errors.push(ReleaseError::failed(name, error)),
            Ended::Overdue(budget) => Failure::overdue(release_of(name), budget).report(),
            Ended::Panicked(payload) if self.panic.is_none() => self.panic = Some((name, payload)),
            Ended::Panicked(payload) => Failure::panic(release_of(name), payload).report(),
        }
    }

    pub(super) fn add_on_loan(&mut self, name: &'static str) {
        self.errors.push(ReleaseError::on_loan(name));
    }

    /// What another one has, after what this one has.
    pub(super) fn append(&mut self, mut other: Outcome) {
        self.errors.append(&mut other.errors);
        if self.panic.is_none() {
            self.panic = other.panic.take(); // A second one is reported with `other`.
        }
    }

    /// For the caller: goes on with a panic, or else gives the errors. With a panic they go to the observer.
    pub(super) fn conclude(mut self) -> Result<(), CloseError> {
        if let Some((_, payload)) = self.panic.take() {
            drop(self);
            resume_unwind(payload)
        }
        CloseError::of(std::mem::take(&mut self.errors))
    }

    /// Tells the observer all there is so far.
    pub(super) fn report(&mut self) {
        for error in self.errors.drain(..) {
            error.report();
        }
        if let Some((name, payload)) = self.panic.take() {
            Failure::panic(release_of(name), payload).report();
        }
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.report();
    }
}

impl Ended {
    /// With a panic of a destructor after that. One panic is enough for the caller; the other goes to the observer.
    pub(super) fn and_panicked(self, name: &'static str, payload: Box<dyn Any + Send>) -> Self {
        let mut first = Outcome::default();
        first.add(name, self);
        first.report();
        Ended::Panicked(payload)
    }
}

pub(super) fn release_of(name: &str) -> String {
    format!("the release of {name}")
}
