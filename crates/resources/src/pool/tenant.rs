//! A value in its place, and its end.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use bowline_concurrency::{Failure, Shield, shield};
use tokio::{runtime::Handle, time::Instant};

use super::{
    background::{in_background, within},
    place::Place,
    pooled::Pooled,
    statistics::Cause,
};
use crate::{
    exit::Exit,
    held::{Held, name},
    lease::{caught, report_release},
    masked::Masked,
};

/// A value of the pool, with the clone of the resource that made it.
pub(super) struct Item<R: Pooled> {
    pub(super) held: Held<R>,
    /// Of the creation: there the value has registered its sockets and timers.
    pub(super) runtime: Handle,
    /// `None` if nothing depends on it, like the next.
    pub(super) created: Option<Instant>,
    pub(super) idle_since: Option<Instant>,
}

/// A value in its place. Dropped as it is, the value is abandoned, and then the place is free.
pub(super) struct Tenant<R: Pooled> {
    pub(super) item: Box<Item<R>>,
    // After the value.
    pub(super) place: Place<R>,
}

impl<R: Pooled> Tenant<R> {
    /// Puts a value that is clean into the pool, or gives it to the first in line.
    pub(super) fn put_back(mut self) {
        let shared = Arc::clone(self.place.shared());
        let now = shared.now();
        self.item.idle_since = now;
        self.restore();
        if let Some(now) = now {
            shared.sweep_on_demand(now);
        }
    }

    /// Puts a value back that nobody has used.
    pub(super) fn restore(self) {
        if let Err((item, place)) = self.place.put(self.item) {
            Tenant { item, place }.destroy_in_background(Cause::Closed, Exit::Completed);
        }
    }

    /// Why the value must not be handed out, if it must not.
    pub(super) fn unfit(&self) -> Option<Cause> {
        let shared = self.place.shared();
        let over = shared.now().and_then(|now| shared.config.over(&self.item, now));
        over.or_else(|| self.unless(|resource, value| resource.is_usable(value), Cause::Unusable))
    }

    /// The cause, unless the hook agrees. One that panics does not.
    pub(super) fn unless(&self, hook: impl FnOnce(&R, &R::Value) -> bool, cause: Cause) -> Option<Cause> {
        let held = &self.item.held;
        match catch_unwind(AssertUnwindSafe(|| hook(held.resource(), held.value()))) {
            Ok(true) => None,
            Ok(false) => Some(cause),
            Err(payload) => {
                Failure::panic(name::<R>("a hook of"), payload).report();
                Some(cause)
            }
        }
    }

    /// Releases the value; the place is free after that. The error is for the caller, a panic and a time-out for the observer.
    pub(super) async fn destroy(mut self, cause: Cause, exit: Exit) -> Result<(), R::Error> {
        self.place.begin_closing(cause);
        let Tenant { item, place } = self;
        let budget = item.held.resource().release_within();
        // Dropped before the place, where it is cut short.
        let release = pin!(item.held.release(exit));
        let outcome = within(Some(budget), caught(release)).await;
        if !matches!(outcome, Some(Ok(Ok(())))) {
            place.shared().state().failed_releases += 1;
        }
        match outcome {
            Some(Ok(result)) => return result,
            Some(panicked) => report_release::<R>(panicked),
            None => Failure::overdue(name::<R>("the release of"), budget).report(),
        }
        Ok(())
    }

    /// Like [`destroy`](Tenant::destroy), for the observer alone.
    pub(super) async fn destroy_unseen(self, cause: Cause, exit: Exit) {
        let outcome = self.destroy(cause, exit).await;
        report_release::<R>(Ok(outcome));
    }

    pub(super) fn destroy_in_background(self, cause: Cause, exit: Exit) {
        let runtime = self.item.runtime.clone();
        in_background(&runtime, move || masked::<R, _>(self.destroy_unseen(cause, exit)));
    }
}

/// Work on a value that goes on although its caller has gone. Each of its steps has a deadline of its own.
pub(super) fn masked<R: Pooled, T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Masked<T> {
    fn hand_off<R, T: Send + 'static>(rest: Shield<T>) {
        drop(rest.named(name::<R>("the return of")));
    }
    Masked::new(shield(Duration::MAX, work), hand_off::<R, T>)
}
