//! The guard of a value that is in use.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    thread,
    time::Duration,
};

use bowline_concurrency::{Reason, Scope, Shield, inspect::Holding, shield};

use super::{
    errors::GiveBackError,
    pooled::Pooled,
    recycle::{ResetFailure, Return, recycle, recycle_in_background, recycle_unseen},
    statistics::Cause,
    tenant::Tenant,
};
use crate::{exit::Exit, held::name, lease::report_release, masked::Masked};

/// A value of a [`Pool`](crate::Pool), for as long as this guard lives; from [`Pool::acquire`](crate::Pool::acquire).
///
/// End it with [`give_back`](Checkout::give_back), which awaits the [`reset`](Pooled::reset) and returns its error. Dropped, the value goes back, too: a reset that is ready at once is
/// done on the spot, and the current scope waits for one that is not. The drop may be on any thread.
///
/// A drop counts as [`Exit::Panicked`] while the thread panics, as [`Exit::Cancelled`] where the scope around is being cancelled or its
/// deadline has passed, and else as [`Exit::Completed`]: a guard cannot tell a lost `select!` from the end of a function.
/// [`Pool::with`](crate::Pool::with) can; use that, or [`invalidate`](Checkout::invalidate) before the first await and so on, where a value that is left half-way
/// through a conversation would be harmful and [`Pooled::is_usable`] does not see it.
#[must_use = "a checkout that is dropped at once goes back at once"]
pub struct Checkout<R: Pooled> {
    /// `None` once it is on its way back.
    tenant: Option<Tenant<R>>,
    is_invalid: bool,
    /// How the use ended, where that is known.
    ended: Option<Exit>,
    _holding: Holding,
}

const HELD: &str = "only the way back takes the value";

impl<R: Pooled> Checkout<R> {
    pub(super) fn new(tenant: Tenant<R>) -> Self {
        let _holding = tenant.place.shared().seen.hold();
        Checkout { tenant: Some(tenant), is_invalid: false, ended: None, _holding }
    }

    /// Resets the value and puts it back; waits for that.
    ///
    /// # Errors
    ///
    /// The value could not be reset, and is destroyed by now. What its release says to that goes to the observer.
    ///
    /// # Panics
    ///
    /// With a panic of the reset, after the value has been destroyed.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any point, also before its first poll: it is done in the background, as completed.
    pub fn give_back(mut self) -> impl Future<Output = Result<(), GiveBackError<R::Error>>> + Send {
        self.ended = Some(Exit::Completed); // For a drop before the first poll.
        async move {
            let Some(back) = self.into_return(Exit::Completed).put_clean() else { return Ok(()) };
            let work = shield(Duration::MAX, recycle(back));
            Masked::new(work, hand_recycling_off::<R>).await.map_err(ResetFailure::into_error)
        }
    }

    /// Destroys the value, and waits for that: it is not used again.
    ///
    /// # Errors
    ///
    /// That of the release, to which this is [`Exit::Failed`]. The value is gone all the same. A release that panics, or hangs past its deadline, is reported to
    /// the observer, and no error here.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any point, also before its first poll: the value is destroyed in the background.
    pub fn discard(mut self) -> impl Future<Output = Result<(), R::Error>> + Send {
        self.invalidate(); // For a drop before the first poll.
        async move {
            let tenant = self.into_tenant();
            let work = shield(Duration::MAX, tenant.destroy(Cause::Discarded, Exit::Failed));
            Masked::new(work, hand_discarding_off::<R>).await
        }
    }

    /// Makes sure that the value is not used again: it is destroyed when it comes back, however it does.
    pub fn invalidate(&mut self) {
        self.is_invalid = true;
    }

    /// Gives the value back after a use that ended so. Errors go to the observer.
    pub(super) async fn end(self, exit: Exit) {
        if let Some(back) = self.into_return(exit).put_clean() {
            recycle_unseen(back).await;
        }
    }

    fn into_return(self, exit: Exit) -> Return<R> {
        let is_invalid = self.is_invalid;
        Return::new(self.into_tenant(), is_invalid, exit)
    }

    fn into_tenant(mut self) -> Tenant<R> {
        self.tenant.take().expect(HELD)
    }
}

fn hand_recycling_off<R: Pooled>(rest: Shield<Result<(), ResetFailure<R::Error>>>) {
    let report = |outcome: Result<(), ResetFailure<R::Error>>| {
        if let Err(failure) = outcome {
            failure.report::<R>();
        }
    };
    drop(rest.named(name::<R>("the reset of")).when_orphaned(report));
}

fn hand_discarding_off<R: Pooled>(rest: Shield<Result<(), R::Error>>) {
    drop(rest.named(name::<R>("the release of")).when_orphaned(|outcome| report_release::<R>(Ok(outcome))));
}

impl<R: Pooled> Deref for Checkout<R> {
    type Target = R::Value;

    fn deref(&self) -> &R::Value {
        self.tenant.as_ref().expect(HELD).item.held.value()
    }
}

impl<R: Pooled> DerefMut for Checkout<R> {
    fn deref_mut(&mut self) -> &mut R::Value {
        self.tenant.as_mut().expect(HELD).item.held.value_mut()
    }
}

impl<R: Pooled<Value: fmt::Debug>> fmt::Debug for Checkout<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checkout").field(&**self).finish()
    }
}

impl<R: Pooled> Drop for Checkout<R> {
    fn drop(&mut self) {
        if let Some(tenant) = self.tenant.take() {
            let exit = self.ended.take().unwrap_or_else(exit_of_drop);
            recycle_in_background(Return::new(tenant, self.is_invalid, exit));
        }
    }
}

/// How a use ends of which nothing is known but that its guard is dropped here.
fn exit_of_drop() -> Exit {
    if thread::panicking() {
        return Exit::Panicked;
    }
    let Some(scope) = Scope::try_current() else { return Exit::Completed };
    match scope.reason_for_drop() {
        // Also the answer where there is no reason.
        Reason::OwnerDropped if scope.cancellation().is_none() => Exit::Completed,
        reason => Exit::Cancelled(reason),
    }
}
