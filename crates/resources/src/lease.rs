//! A value with its release attached.
//!
//! # Invariants
//!
//! 1. A value that was acquired is in a lease, from the same poll on. A lease that is dropped hands its release off.
//! 2. The body runs in a scope of its own, `inside`. What is dropped with the body hands its releases off there.
//! 3. So the release of an outer lease waits until `inside` has settled: inner releases come first.

use bowline_concurrency::{Failure, Scope, hand_off, shield};
use tokio::{runtime::Handle, time::timeout};

use crate::{exit::Exit, resource::Resource};

pub(crate) struct Lease<R: Resource> {
    /// `None` once the release has begun.
    held: Option<(R, R::Value)>,
    /// Where the body runs (invariant 2); `None` before it has begun.
    inside: Option<Scope>,
    /// Of the acquisition: the release belongs where the value has registered its sockets and timers.
    runtime: Handle,
}

impl<R: Resource> Lease<R> {
    /// Acquires; a caller that goes away leaves a value that is released as soon as it is there.
    pub(crate) async fn acquire(mut resource: R) -> Result<Self, R::Error> {
        let runtime = Handle::current();
        let budget = resource.release_within();
        let acquired = async move {
            let value = resource.acquire().await?;
            Ok(Lease { held: Some((resource, value)), inside: None, runtime })
        };
        shield(budget, acquired).named(name::<R>("the acquisition of")).when_orphaned(report_acquisition).await
    }

    /// The value for the body, and where to put the scope that the body runs in.
    pub(crate) fn open(&mut self) -> (&mut R::Value, &mut Option<Scope>) {
        let (_, value) = self.held.as_mut().expect("the release takes the lease");
        (value, &mut self.inside)
    }

    pub(crate) async fn release(mut self, exit: Exit) -> Result<(), R::Error> {
        let Some((mut resource, value)) = self.held.take() else { return Ok(()) };
        // The body's scope has returned, so nothing is left inside (invariant 3).
        let budget = resource.release_within();
        let release = async move { resource.release(value, exit).await };
        shield(budget, release).named(name::<R>("the release of")).when_orphaned(report_release::<R>).await
    }
}

impl<R: Resource> Drop for Lease<R> {
    fn drop(&mut self) {
        let Some((mut resource, value)) = self.held.take() else { return };
        let exit =
            if std::thread::panicking() { Exit::Panicked } else { Exit::Cancelled(Scope::current().reason_for_drop()) };
        let inside = self.inside.take();
        hand_off(&self.runtime, name::<R>("the release of"), async move {
            if let Some(inside) = inside {
                inside.settled().await;
            }
            let budget = resource.release_within();
            match timeout(budget, resource.release(value, exit)).await {
                Ok(result) => report_release::<R>(result),
                Err(_) => Failure::overdue(name::<R>("the release of"), budget).report(),
            }
        });
    }
}

fn report_acquisition<R: Resource>(result: Result<Lease<R>, R::Error>) {
    match result {
        Ok(lease) => drop(lease), // Hands the release off.
        Err(error) => Failure::error(name::<R>("the acquisition of"), error).report(),
    }
}

/// Hands the error of a release, if it is one, to the observer: its caller has gone or has an error of its own.
pub(crate) fn report_release<R: Resource>(result: Result<(), R::Error>) {
    if let Err(error) = result {
        Failure::error(name::<R>("the release of"), error).report();
    }
}

fn name<R>(what: &str) -> String {
    format!("{what} {}", std::any::type_name::<R>())
}
