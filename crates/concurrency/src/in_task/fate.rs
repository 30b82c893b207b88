//! What ended a scope before its time.

use std::{any::Any, panic::resume_unwind, sync::Arc};

use crate::{
    errors::Errors,
    failure::Failure,
    node::{Failed, Node},
};

/// What a child, or the body, ended with instead of a value: an error, a panic, or both, if its destructors panicked.
#[derive(Debug)]
pub(super) struct Broken<E> {
    pub(super) task: Option<String>,
    pub(super) error: Option<E>,
    pub(super) panic: Option<Box<dyn Any + Send>>,
}

/// Makes a report of an error that cannot be returned.
///
/// A pointer, so that the scope's future needs no bounds on `E`: whether a task that awaits it is `Send` is asked for errors of any lifetime,
/// and then `E: 'static` cannot be answered.
pub(super) type Report<E> = fn(String, E) -> Failure;

/// The failure that ended a scope, on its way to the owner. If the owner goes away before it gets it, the observer does.
pub(super) struct Fate<E> {
    node: Arc<Node>,
    report: Report<E>,
    error: Option<Failed<E>>,
    /// It outranks the error, and is resumed at the owner.
    panic: Option<Box<dyn Any + Send>>,
}

impl<E> Fate<E> {
    pub(super) fn new(node: Arc<Node>, report: Report<E>, broken: Broken<E>) -> Self {
        let Broken { task, error, panic } = broken;
        Fate { node, report, error: error.map(|error| Failed { task: task.map(Into::into), error }), panic }
    }

    /// Adds the panic of a destructor of what is dropped for this failure.
    pub(super) fn add_panic(&mut self, payload: Box<dyn Any + Send>) {
        if self.panic.is_none() {
            self.panic = Some(payload);
        } else {
            Failure::panic(format!("a destructor in {}", self.node.label()), payload).report_from(self.node.clone());
        }
    }

    /// Returns the error, or resumes the panic, at the owner.
    pub(super) fn conclude(mut self) -> Errors<E> {
        if let Some(payload) = self.panic.take() {
            drop(self); // Reports the error that the panic outranks.
            resume_unwind(payload);
        }
        let failed = self.error.take().expect("a fate holds an error or a panic");
        Errors::one(self.node.label(), failed)
    }
}

impl<E> Drop for Fate<E> {
    fn drop(&mut self) {
        let label = self.node.label();
        if let Some(Failed { task, error }) = self.error.take() {
            let origin = format!("{} in {label}", task.as_deref().unwrap_or("a child"));
            (self.report)(origin, error).report_from(self.node.clone());
        }
        if let Some(payload) = self.panic.take() {
            Failure::panic(format!("a child in {label}"), payload).report_from(self.node.clone());
        }
    }
}
