//! A resource that another one is made of.
//!
//! # Invariants
//!
//! 1. A value is kept here from the poll that acquires it until the resource around hands it out, or releases it. Whatever is kept when
//!    the member is dropped has its release handed off.
//! 2. A release that does not return tells its resource itself, so the one around abandons only values whose release has not begun.

use std::{pin::pin, thread};

use bowline_concurrency::{Failure, Scope};
use tokio::{runtime::Handle, time::timeout};

use crate::{
    exit::Exit,
    first_failure::FirstFailure,
    held::{Held, name},
    lease::{caught, report_release},
    owed::{Owed, abandoned},
    resource::Resource,
};

/// Acquired, kept and released on behalf of the resource around.
pub(crate) struct Member<R: Resource> {
    /// `None` only while it is being dropped.
    resource: Option<R>,
    /// Acquired, and not handed out (invariant 1).
    kept: Option<R::Value>,
}

impl<R: Resource> Member<R> {
    pub(crate) fn new(resource: R) -> Self {
        Member { resource: Some(resource), kept: None }
    }

    pub(crate) fn resource(&self) -> &R {
        self.resource.as_ref().expect(MEMBER)
    }

    pub(crate) fn resource_mut(&mut self) -> &mut R {
        self.resource.as_mut().expect(MEMBER)
    }

    /// Acquires the value, and keeps it. One that is kept already, since an acquisition was dropped half-way, is as good.
    pub(crate) async fn acquire(&mut self, failures: &FirstFailure<R::Error>) {
        if self.kept.is_none() {
            let resource = self.resource.as_mut().expect(MEMBER);
            let outcome = caught(pin!(async { resource.acquire().await })).await;
            self.kept = failures.sort(|| name::<R>("the acquisition of"), outcome);
        }
    }

    /// Hands the value out.
    pub(crate) fn take(&mut self) -> R::Value {
        self.kept.take().expect("it has been acquired")
    }

    pub(crate) fn kept_mut(&mut self) -> Option<&mut R::Value> {
        self.kept.as_mut()
    }

    /// Releases a value that was handed out.
    pub(crate) fn release(
        &mut self,
        value: R::Value,
        exit: Exit,
        failures: &FirstFailure<R::Error>,
    ) -> impl Future<Output = ()> + Send {
        // From here on, not from the first poll.
        let mut owed = Owed::new(self.resource_mut(), value, |resource, value| {
            abandoned::<R>(|| resource.abandon(value));
        });
        async move {
            let outcome = caught(pin!(async {
                let (resource, value) = owed.begin();
                resource.release(value, exit).await
            }))
            .await;
            if outcome.is_ok() {
                owed.paid();
            } else {
                drop(owed);
            }
            failures.sort(|| name::<R>("the release of"), outcome);
        }
    }

    /// Releases the value, if one is kept.
    pub(crate) async fn release_kept(&mut self, exit: Exit, failures: &FirstFailure<R::Error>) {
        if let Some(value) = self.kept.take() {
            self.release(value, exit, failures).await;
        }
    }

    /// A value that was handed out will not be released.
    pub(crate) fn abandon(&mut self, value: R::Value) {
        abandoned::<R>(|| self.resource_mut().abandon(Some(value)));
    }

    /// A value that is kept will not be released.
    pub(crate) fn abandon_kept(&mut self) {
        if let Some(value) = self.kept.take() {
            self.abandon(value);
        }
    }
}

impl<R: Resource + Clone> Clone for Member<R> {
    /// The resource; a value stays where it is.
    fn clone(&self) -> Self {
        Member::new(self.resource().clone())
    }
}

const MEMBER: &str = "only the drop takes the resource";

impl<R: Resource> Drop for Member<R> {
    fn drop(&mut self) {
        let (Some(resource), Some(value)) = (self.resource.take(), self.kept.take()) else { return };
        let held = Held::new(resource, value);
        // Without a runtime there is nobody to release it: it is abandoned.
        let Ok(runtime) = Handle::try_current() else { return };
        let here = Scope::current();
        let exit = if thread::panicking() { Exit::Panicked } else { Exit::Cancelled(here.reason_for_drop()) };
        here.hand_off(&runtime, name::<R>("the release of"), async move {
            let budget = held.resource().release_within();
            match timeout(budget, held.release(exit)).await {
                Ok(outcome) => report_release::<R>(Ok(outcome)),
                Err(_) => Failure::overdue(name::<R>("the release of"), budget).report(),
            }
        });
    }
}
