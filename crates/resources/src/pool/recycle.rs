//! The way back into the pool.

use std::{any::Any, fmt, panic::resume_unwind, pin::pin, time::Duration};

use bowline_concurrency::Failure;

use super::{
    background::{at_once, in_background, within},
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

/// Resets the value and puts it back; or destroys it.
pub(super) async fn recycle<R: Pooled>(
    mut tenant: Tenant<R>,
    is_invalid: bool,
    exit: Exit,
) -> Result<(), ResetFailure<R::Error>> {
    if let Some((cause, exit)) = end(&tenant, is_invalid, &exit) {
        tenant.destroy_unseen(cause, exit).await;
        return Ok(());
    }
    let Some(failure) = reset(&mut tenant, &exit).await else {
        tenant.put_back();
        return Ok(());
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
    let mut resetting = pin!(async { resource.reset(value, exit).await });
    let mut resetting = pin!(caught(resetting.as_mut()));
    let outcome = match at_once(resetting.as_mut()).await {
        Some(outcome) => Some(outcome),
        None => {
            place.enter(Phase::Recycling);
            within(Some(limit), resetting).await
        }
    };
    match outcome {
        Some(Ok(Ok(()))) => None,
        Some(Ok(Err(error))) => Some(ResetFailure::Error(error)),
        Some(Err(payload)) => Some(ResetFailure::Panic(payload)),
        None => Some(ResetFailure::TimedOut(limit)),
    }
}

/// Like [`recycle`], for the observer alone.
pub(super) async fn recycle_unseen<R: Pooled>(tenant: Tenant<R>, is_invalid: bool, exit: Exit) {
    if let Err(failure) = recycle(tenant, is_invalid, exit).await {
        failure.report::<R>();
    }
}

pub(super) fn recycle_in_background<R: Pooled>(tenant: Tenant<R>, is_invalid: bool, exit: Exit) {
    let runtime = tenant.item.runtime.clone();
    in_background(&runtime, move || masked::<R, _>(recycle_unseen(tenant, is_invalid, exit)));
}
