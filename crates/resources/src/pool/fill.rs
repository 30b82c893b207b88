//! From a place to a value that may be handed out: creating one, checking one.

use std::{pin::pin, sync::Arc, time::Duration};

use bowline_concurrency::{Failure, Shield, shield};
use tokio::{
    runtime::Handle,
    time::{Instant, timeout_at},
};

use super::{
    background::within,
    errors::{AcquireError, TryAcquireError},
    place::Place,
    pooled::Pooled,
    shared::{Granted, Shared},
    state::Phase,
    statistics::Cause,
    tenant::{Item, Tenant},
    turn::{Closed, Turn},
};
use crate::{
    exit::Exit,
    held::{Held, name},
    lease::caught,
    masked::Masked,
};

/// Waits for a turn and makes the best of it; again in the same place in line, if what was there turned out to be unusable.
pub(super) async fn acquire<R: Pooled>(shared: &Arc<Shared<R>>) -> Result<Tenant<R>, AcquireError<R::Error>> {
    let (mut turn, mut served) = Turn::new(shared).map_err(|Closed| AcquireError::Closed)?;
    let mut deadline = None;
    loop {
        let granted = match served.take() {
            Some(granted) => granted,
            None => wait(shared, &mut turn, &mut deadline).await?,
        };
        match granted {
            Granted::Room(place) => return create(place).await,
            Granted::Value(tenant) => {
                if let Some(tenant) = fit(tenant).await {
                    return Ok(tenant);
                }
            }
        }
    }
}

pub(super) fn try_acquire<R: Pooled>(shared: &Arc<Shared<R>>) -> Result<Tenant<R>, TryAcquireError> {
    loop {
        let mut state = shared.state();
        if state.is_closed {
            return Err(TryAcquireError::Closed);
        }
        let Some(item) = state.take_value() else { return Err(TryAcquireError::NoneReady) };
        drop(state);
        let tenant = Tenant { item, place: Place::in_use(shared) };
        if let Some(cause) = tenant.unfit() {
            tenant.destroy_in_background(cause, end_of(cause));
        } else if shared.config.is_to_be_checked(&tenant.item, shared.now()) {
            // It is the latest used, so the others are to be checked, too.
            tenant.restore();
            return Err(TryAcquireError::NoneReady);
        } else {
            return Ok(tenant);
        }
    }
}

async fn wait<R: Pooled>(
    shared: &Shared<R>,
    turn: &mut Turn<'_, R>,
    deadline: &mut Option<Instant>,
) -> Result<Granted<R>, AcquireError<R::Error>> {
    let waited = match shared.config.wait_timeout {
        Some(limit) => {
            // One deadline for all turns.
            let deadline = *deadline.get_or_insert_with(|| far_or(limit));
            timeout_at(deadline, turn).await.map_err(|_| limit)
        }
        None => Ok(turn.await),
    };
    match waited {
        Ok(outcome) => outcome.map_err(|Closed| AcquireError::Closed),
        Err(waited) => Err(AcquireError::TimedOut { waited, max_size: shared.config.max_size.get() }),
    }
}

/// That long from now; a limit beyond what the clock can show is none.
fn far_or(limit: Duration) -> Instant {
    const YEARS: Duration = Duration::from_secs(30 * 365 * 24 * 3600);
    Instant::now() + limit.min(YEARS)
}

/// The value, if it may be handed out.
async fn fit<R: Pooled>(tenant: Tenant<R>) -> Option<Tenant<R>> {
    if let Some(cause) = tenant.unfit() {
        tenant.destroy_in_background(cause, end_of(cause));
        return None;
    }
    let shared = tenant.place.shared();
    if !shared.config.is_to_be_checked(&tenant.item, shared.now()) {
        return Some(tenant);
    }
    Masked::new(shield(Duration::MAX, check(tenant)), hand_check_off::<R>).await
}

fn hand_check_off<R: Pooled>(rest: Shield<Option<Tenant<R>>>) {
    let put_back = |checked: Option<Tenant<R>>| {
        if let Some(tenant) = checked {
            tenant.put_back();
        }
    };
    drop(rest.named(name::<R>("the check of")).when_orphaned(put_back));
}

async fn check<R: Pooled>(mut tenant: Tenant<R>) -> Option<Tenant<R>> {
    tenant.place.enter(Phase::Recycling);
    let limit = tenant.place.shared().config.recycle_timeout;
    let (resource, value) = tenant.item.held.parts_mut();
    let outcome = {
        let checking = pin!(async { resource.check(value).await });
        within(Some(limit), caught(checking)).await
    };
    match outcome {
        Some(Ok(Ok(()))) => {
            tenant.place.enter(Phase::InUse);
            return Some(tenant);
        }
        Some(Ok(Err(error))) => Failure::error(name::<R>("the check of"), error).report(),
        Some(Err(payload)) => Failure::panic(name::<R>("the check of"), payload).report(),
        None => Failure::overdue(name::<R>("the check of"), limit).report(),
    }
    tenant.destroy_in_background(Cause::FailedCheck, Exit::Failed);
    None
}

async fn create<R: Pooled>(place: Place<R>) -> Result<Tenant<R>, AcquireError<R::Error>> {
    let mut resource = place.shared().resource.clone();
    let budget = resource.release_within();
    let work = async move {
        let limit = place.shared().config.create_timeout;
        let value = match within(limit, resource.acquire()).await {
            Some(value) => value.map_err(AcquireError::Create)?,
            None => return Err(AcquireError::CreateTimedOut(limit.expect("it was over it"))),
        };
        let now = place.shared().now();
        let item = Item { held: Held::new(resource, value), runtime: Handle::current(), created: now, idle_since: now };
        let mut tenant = Tenant { item: Box::new(item), place };
        tenant.place.enter(Phase::InUse);
        Ok(tenant)
    };
    let tenant = Masked::new(shield(budget, work), hand_creation_off::<R>).await?;
    if tenant.place.shared().state().is_closed {
        tenant.destroy_in_background(Cause::Closed, Exit::Completed);
        return Err(AcquireError::Closed);
    }
    Ok(tenant)
}

/// A value that nobody waits for any more is as good as any: it goes into the pool.
fn hand_creation_off<R: Pooled>(rest: Shield<Result<Tenant<R>, AcquireError<R::Error>>>) {
    let put_back = |created: Result<Tenant<R>, AcquireError<R::Error>>| match created {
        Ok(tenant) => tenant.put_back(),
        Err(error) => Failure::error(name::<R>("the creation of"), error).report(),
    };
    drop(rest.named(name::<R>("the creation of")).when_orphaned(put_back));
}

/// What a release is told that nobody's use has led to.
pub(super) fn end_of(cause: Cause) -> Exit {
    match cause {
        Cause::Expired | Cause::IdleTooLong | Cause::Closed => Exit::Completed,
        _ => Exit::Failed,
    }
}
