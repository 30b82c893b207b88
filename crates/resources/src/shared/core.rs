//! Who uses one shared resource, and when it is acquired and released.
//!
//! # Invariants
//!
//! 1. Who has the value, or waits for it, has a seat. The lease is taken out only when no seat is taken: it is nobody else's then.
//! 2. A guard gives its share of the value back before its seat. So with no seat taken, the lease has the only share.
//! 3. The turn is taken before the acquisition and kept, inside the lease, until the release has ended: never are two values alive.
//! 4. Who is in line for the turn has the entry, of which there is one. The others line up before it, and find the value when they get in.
//! 5. An idle period ends once: by a new seat, by closing, or by the task that waits for its end. Each has a number of its own.
//! 6. Nothing of the user's runs under the lock: what is taken out is dropped and awaited after it.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bowline_concurrency::{Failure, Shield, shield};
use tokio::{
    runtime::Handle,
    sync::{Mutex as Turns, Semaphore},
    task::AbortHandle,
};

use super::{
    errors::{Closed, ShareError},
    guard::SharedLease,
    idle,
    seat::Seat,
    turn::Turn,
};
use crate::{
    held::name,
    lease::{Lease, Origin},
    masked::Masked,
    resource::Resource,
};

/// Makes the resource of each acquisition.
pub(crate) type Make<R> = Box<dyn FnMut() -> R + Send>;

pub(crate) struct Core<R: Resource<Value: Sync>> {
    state: Mutex<State<R>>,
    /// Closed with the resource, so that nobody waits for a value that will not come.
    entry: Arc<Semaphore>,
    turn: Arc<Turns<Make<R>>>,
}

pub(super) struct State<R: Resource<Value: Sync>> {
    pub(super) seats: usize,
    pub(super) acquired: u64,
    pub(super) current: Option<Current<R>>,
    is_closed: bool,
    /// Zero: the value is released when the last user leaves.
    idle_for: Duration,
    /// The number of the latest idle period.
    period: u64,
    /// The task that waits for its end.
    timer: Option<AbortHandle>,
}

/// The value that is alive.
pub(super) struct Current<R: Resource<Value: Sync>> {
    lease: Lease<Turn<R>>,
    /// Of the acquisition, as for the release.
    runtime: Handle,
}

impl<R: Resource<Value: Sync>> Core<R> {
    pub(crate) fn new(make: Make<R>, idle_for: Duration) -> Arc<Self> {
        let state = State { seats: 0, acquired: 0, current: None, is_closed: false, idle_for, period: 0, timer: None };
        let (entry, turn) = (Arc::new(Semaphore::new(1)), Arc::new(Turns::new(make)));
        Arc::new(Core { state: Mutex::new(state), entry, turn })
    }

    pub(super) fn set_idle_for(&self, limit: Duration) {
        self.state().idle_for = limit;
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().expect("nothing under the lock panics (invariant 6)")
    }

    /// The value: that of the others, or a new one.
    pub(crate) async fn get(self: Arc<Self>) -> Result<SharedLease<R>, ShareError<R::Error>> {
        let seat = Seat::take(&self)?;
        if let Some(value) = self.value() {
            return Ok(SharedLease::new(value, seat));
        }
        let entry = Arc::clone(&self.entry).acquire_owned().await.map_err(|_| Closed)?;
        if let Some(value) = self.value() {
            return Ok(SharedLease::new(value, seat));
        }
        // The release of the last value may still be running.
        let turn = Arc::clone(&self.turn).lock_owned().await;
        if self.state().is_closed {
            return Err(ShareError::Closed);
        }
        let turn = Turn::new(turn, Arc::clone(&self));
        let (budget, runtime, origin) = (turn.release_within(), Handle::current(), Origin::current());
        // The seat and the entry go along: if the caller leaves, the others have what it began.
        let acquired = async move {
            let lease = Lease::acquire_unmasked(turn).await?.into_guard(origin);
            let value = self.put(Current { lease, runtime });
            drop(entry);
            Ok(SharedLease::new(value, seat))
        };
        Masked::new(shield(budget, acquired), hand_acquisition_off).await.map_err(ShareError::Failed)
    }

    /// The share of somebody who has a seat (invariant 1).
    fn value(&self) -> Option<Arc<R::Value>> {
        self.state().current.as_ref().map(|current| Arc::clone(&current.lease))
    }

    fn put(&self, current: Current<R>) -> Arc<R::Value> {
        let value = Arc::clone(&current.lease);
        let mut state = self.state();
        state.acquired += 1;
        state.current = Some(current); // There was none: we have the turn (invariant 3).
        value
    }

    /// Takes a seat: for a newcomer.
    pub(super) fn sit(&self) -> Result<(), Closed> {
        let mut state = self.state();
        if state.is_closed {
            return Err(Closed);
        }
        state.seats += 1;
        let timer = state.timer.take();
        drop(state);
        abort(timer);
        Ok(())
    }

    /// Takes another seat: for who has one.
    pub(super) fn sit_beside(&self) {
        self.state().seats += 1;
    }

    /// Gives a seat back, and returns the lease that is over with it.
    pub(super) fn leave(self: &Arc<Self>) -> Option<Lease<Turn<R>>> {
        let mut state = self.state();
        state.seats -= 1;
        if state.seats > 0 {
            return None;
        }
        let limit = state.idle_for;
        if state.is_closed || limit.is_zero() {
            return state.take();
        }
        let runtime = state.current.as_ref()?.runtime.clone();
        state.period += 1;
        let period = state.period;
        drop(state);
        let timer = idle::start(Arc::downgrade(self), &runtime, period, limit);
        let mut state = self.state();
        let is_over = !state.is_idle(period);
        let unused = if is_over { Some(timer) } else { state.timer.replace(timer) };
        drop(state);
        abort(unused);
        None
    }

    /// Takes the lease out at the end of an idle period, unless that has ended already (invariant 5).
    pub(super) fn end_idle(&self, period: u64) -> Option<Lease<Turn<R>>> {
        let mut state = self.state();
        state.is_idle(period).then(|| state.take()).flatten()
    }

    /// Refuses newcomers, and returns the lease if nobody uses it.
    pub(crate) fn refuse(&self) -> Option<Lease<Turn<R>>> {
        let mut state = self.state();
        state.is_closed = true;
        let timer = state.timer.take();
        let unused = if state.seats == 0 { state.take() } else { None };
        drop(state);
        abort(timer);
        self.entry.close();
        unused
    }

    /// Refuses newcomers and waits until the value has been released. The error is that of a release that was due here.
    pub(crate) async fn close(&self) -> Result<(), R::Error> {
        if let Some(unused) = self.refuse() {
            return unused.release().await;
        }
        drop(self.turn.lock().await); // Free when the users have left and the release has ended (invariant 3).
        Ok(())
    }
}

impl<R: Resource<Value: Sync>> State<R> {
    fn take(&mut self) -> Option<Lease<Turn<R>>> {
        self.current.take().map(|current| current.lease)
    }

    /// Whether this idle period still lasts.
    fn is_idle(&self, period: u64) -> bool {
        self.current.is_some() && self.seats == 0 && self.period == period
    }
}

fn abort(timer: Option<AbortHandle>) {
    if let Some(timer) = timer {
        timer.abort();
    }
}

fn hand_acquisition_off<R: Resource<Value: Sync>>(rest: Shield<Result<SharedLease<R>, R::Error>>) {
    let name = name::<R>("the acquisition of");
    drop(rest.named(name.clone()).when_orphaned(|result| match result {
        Ok(unused) => drop(unused), // The others may have it.
        Err(error) => Failure::error(name, error).report(),
    }));
}
