//! What a panic must not take with it: destructors that have not run, errors that nobody has heard of.

use std::{
    fmt, mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    thread, vec,
};

use crate::failure::Failure;

/// Futures that have not been started. A destructor that panics must not keep the others from running, nor end the process when it is the
/// second one: then its panic goes to the observer.
pub(crate) struct Unstarted<F>(vec::IntoIter<F>);

impl<F> Unstarted<F> {
    pub(crate) fn new(futures: Vec<F>) -> Self {
        Unstarted(futures.into_iter())
    }
}

impl<F> Iterator for Unstarted<F> {
    type Item = F;

    #[inline]
    fn next(&mut self) -> Option<F> {
        self.0.next()
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<F> Drop for Unstarted<F> {
    fn drop(&mut self) {
        let mut first = None;
        for future in &mut self.0 {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(future))) {
                if first.is_none() && !thread::panicking() {
                    first = Some(payload);
                } else {
                    Failure::panic("a destructor", payload).report();
                }
            }
        }
        if let Some(payload) = first {
            resume_unwind(payload);
        }
    }
}

/// Errors of inputs, with their numbers, while others are polled: a panic of these sends them to the observer.
pub(crate) struct Accompanying<'a, E: fmt::Debug> {
    pub(crate) errors: &'a mut Vec<(usize, E)>,
    kind: &'static str,
}

impl<'a, E: fmt::Debug> Accompanying<'a, E> {
    pub(crate) fn new(kind: &'static str, errors: &'a mut Vec<(usize, E)>) -> Self {
        Accompanying { errors, kind }
    }
}

impl<E: fmt::Debug> Drop for Accompanying<'_, E> {
    fn drop(&mut self) {
        if thread::panicking() {
            report(self.kind, mem::take(self.errors).iter().map(|(_, error)| error));
        }
    }
}

/// Sends errors to the observer that cannot be returned.
pub(crate) fn report<'a, E: fmt::Debug + 'a>(kind: &str, errors: impl IntoIterator<Item = &'a E>) {
    errors.into_iter().for_each(|error| Failure::error_text(format!("an input of {kind}"), error).report());
}
