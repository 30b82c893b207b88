//! The way back into the pool.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bowline_concurrency::Failure;

use super::{
    background::{in_background, noting_waits},
    errors::GiveBackError,
    fill::end_of,
    pooled::Pooled,
    state::Phase,
    statistics::Cause,
    tenant::{Tenant, masked},
};
use crate::{exit::Exit, held::name, lease::caught};

/// Why a value could not be reset.
pub(super) enum ResetFailure<E> {
    Error(E),
    TimedOut(Duration),
    Panic(Box<dyn Any + Send>),
}

impl<E> ResetFailure<E> {
    /// For the caller.
    pub(super) fn into_error(self) -> GiveBackError<E> {
        match self {
            ResetFailure::Error(error) => GiveBackError::Reset(error),
            ResetFailure::TimedOut(limit) => GiveBackError::TimedOut(limit),
            ResetFailure::Panic(payload) => resume_unwind(payload),
        }
    }
}

impl<E: fmt::Debug + Send + 'static> ResetFailure<E> {
    /// For the observer, where there is no caller.
    pub(super) fn report<R>(self) {
        let origin = name::<R>("the reset of");
        match self {
            ResetFailure::Error(error) => Failure::error(origin, error).report(),
            ResetFailure::TimedOut(limit) => Failure::overdue(origin, limit).report(),
            ResetFailure::Panic(payload) => Failure::panic(origin, payload).report(),
        }
    }
}

/// A value that comes back after a use that ended so.
pub(super) struct Return<R: Pooled> {
    tenant: Tenant<R>,
    exit: Exit,
    /// Why it must not be used again, and what its release is told.
    end: Option<(Cause, Exit)>,
    /// Of a reset that was done on the spot.
    failure: Option<ResetFailure<R::Error>>,
}

impl<R: Pooled> Return<R> {
    pub(super) fn new(tenant: Tenant<R>, is_invalid: bool, exit: Exit) -> Self {
        let end = end(&tenant, is_invalid, &exit);
        Return { tenant, exit, end, failure: None }
    }

    /// Puts the value back if it can go at once, and else returns what is left to do: after a reset whose future has no size, such as the default. Such a one cannot wait with the value in its hands,
    /// so it needs no box in which it could go on without a caller. It is called all the same: the function may have done something.
    pub(super) fn put_clean(mut self) -> Option<Self> {
        if self.end.is_some() || self.tenant.place.shared().has_reset {
            return Some(self);
        }
        let (resource, value) = self.tenant.item.held.parts_mut();
        let exit = &self.exit;
        let reset = || pin!(resource.reset(value, exit)).poll(&mut Context::from_waker(Waker::noop()));
        self.failure = match catch_unwind(AssertUnwindSafe(reset)) {
            Ok(Poll::Ready(Ok(()))) => {
                self.tenant.put_back();
                return None;
            }
            Ok(Poll::Ready(Err(error))) => Some(ResetFailure::Error(error)),
            Ok(Poll::Pending) => None, // It begins again, with all that it may need.
            Err(payload) => Some(ResetFailure::Panic(payload)),
        };
        Some(self)
    }
}

/// Resets the value and puts it back; or destroys it.
pub(super) async fn recycle<R: Pooled>(back: Return<R>) -> Result<(), ResetFailure<R::Error>> {
    let Return { mut tenant, exit, end, failure } = back;
    if let Some((cause, exit)) = end {
        tenant.destroy_unseen(cause, exit).await;
        return Ok(());
    }
    let failure = match failure {
        Some(failure) => failure,
        None => match reset(&mut tenant, &exit).await {
            Some(failure) => failure,
            None => {
                tenant.put_back();
                return Ok(());
            }
        },
    };
    let exit = if matches!(failure, ResetFailure::Panic(_)) { Exit::Panicked } else { Exit::Failed };
    tenant.destroy_unseen(Cause::FailedReset, exit).await;
    Err(failure)
}

/// Why the value must not be used again, if it must not; and what its release is told.
fn end<R: Pooled>(tenant: &Tenant<R>, is_invalid: bool, exit: &Exit) -> Option<(Cause, Exit)> {
    if is_invalid {
        return Some((Cause::Discarded, Exit::Failed));
    }
    let interrupted = tenant.unless(|resource, value| resource.is_reusable_after(value, exit), Cause::Interrupted);
    if let Some(cause) = interrupted {
        return Some((cause, exit.clone()));
    }
    tenant.unfit().map(|cause| (cause, end_of(cause)))
}

async fn reset<R: Pooled>(tenant: &mut Tenant<R>, exit: &Exit) -> Option<ResetFailure<R::Error>> {
    let limit = tenant.place.shared().config.recycle_timeout;
    let Tenant { item, place } = tenant;
    let (resource, value) = item.held.parts_mut();
    // The call is in the block, so that its panic is caught, too.
    let resetting = pin!(async { resource.reset(value, exit).await });
    let outcome = noting_waits(Some(limit), || place.enter(Phase::Recycling), caught(resetting)).await;
    match outcome {
        Some(Ok(Ok(()))) => None,
        Some(Ok(Err(error))) => Some(ResetFailure::Error(error)),
        Some(Err(payload)) => Some(ResetFailure::Panic(payload)),
        None => Some(ResetFailure::TimedOut(limit)),
    }
}

/// Like [`recycle`], for the observer alone.
pub(super) async fn recycle_unseen<R: Pooled>(back: Return<R>) {
    if let Err(failure) = recycle(back).await {
        failure.report::<R>();
    }
}

pub(super) fn recycle_in_background<R: Pooled>(back: Return<R>) {
    let Some(back) = back.put_clean() else { return };
    let runtime = back.tenant.item.runtime.clone();
    in_background(&runtime, move || masked::<R, _>(recycle_unseen(back)));
}
