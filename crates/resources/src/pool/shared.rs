//! What all handles, checkouts and pieces of background work of a pool share.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use bowline_concurrency::inspect;
use tokio::{sync::Notify, time::Instant};

use super::{
    builder::Config,
    place::Place,
    pooled::{Pooled, has_reset},
    state::{Closing, Grant, Left, State},
    statistics::Cause,
    tenant::{Item, Tenant},
};
use crate::exit::Exit;

pub(super) struct Shared<R: Pooled> {
    pub(super) resource: R,
    pub(super) config: Config,
    pub(super) has_reset: bool,
    pub(super) seen: inspect::Resource,
    /// Tells that a closed pool is empty.
    pub(super) emptied: Notify,
    state: Mutex<State<R>>,
}

/// A place that has been granted, from now on safe: dropped, it goes back.
pub(super) enum Granted<R: Pooled> {
    Value(Tenant<R>),
    Room(Place<R>),
}

impl<R: Pooled> Shared<R> {
    pub(super) fn new(resource: R, config: Config, seen: inspect::Resource) -> Self {
        let state = Mutex::new(State::new(config.max_size));
        Shared { resource, config, has_reset: has_reset::<R>(), seen, emptied: Notify::new(), state }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State<R>> {
        // No code of the user's runs under it, so it is not poisoned.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn granted(self: &Arc<Self>, grant: Grant<R>) -> Granted<R> {
        match grant {
            Grant::Value(item) => Granted::Value(Tenant { item, place: Place::in_use(self) }),
            Grant::Room => Granted::Room(Place::creating(self)),
        }
    }

    /// Somebody does not wait any more. What was granted to him goes to the next.
    pub(super) fn leave(self: &Arc<Self>, ticket: u64) {
        let left = self.state().leave(ticket);
        if let Left::Grant(grant) = left {
            self.take_back(grant);
        }
    }

    fn take_back(self: &Arc<Self>, grant: Grant<R>) {
        match self.granted(grant) {
            Granted::Value(tenant) => tenant.put_back(),
            Granted::Room(place) => place.vacate(),
        }
    }

    /// After a place has been given back.
    pub(super) fn given_back(&self, state: MutexGuard<'_, State<R>>, next: Option<Waker>) {
        let is_over = state.is_closed && state.size() == 0;
        drop(state);
        if let Some(waker) = next {
            waker.wake();
        }
        if is_over {
            self.emptied.notify_waiters();
        }
    }

    /// Now, if anything depends on it.
    pub(super) fn now(&self) -> Option<Instant> {
        self.config.has_times().then(Instant::now)
    }

    /// Closes the pool: wakes who waits, and destroys what is idle.
    pub(super) fn shut(self: &Arc<Self>) {
        let Closing { idle, granted, line } = self.state().close();
        line.into_iter().for_each(Waker::wake);
        granted.into_iter().for_each(|grant| self.take_back(grant));
        self.destroy_all(idle, |_| Cause::Closed);
    }

    /// Destroys the idle values whose time is over; the number.
    pub(super) fn sweep(self: &Arc<Self>) -> usize {
        let Some(now) = self.now() else { return 0 };
        let stale = self.state().take_stale(|item| self.config.over(item, now).is_some());
        let count = stale.len();
        self.destroy_all(stale, |item| self.config.over(item, now).unwrap_or(Cause::Expired));
        count
    }

    /// Sweeps if the one that has been idle for longest has been so for too long.
    pub(super) fn sweep_on_demand(self: &Arc<Self>, now: Instant) {
        let is_over = self.state().oldest().is_some_and(|item| self.config.over(item, now).is_some());
        if is_over {
            self.sweep();
        }
    }

    fn destroy_all(self: &Arc<Self>, items: Vec<Box<Item<R>>>, cause: impl Fn(&Item<R>) -> Cause) {
        // All of them are in their places before the first release begins.
        let tenants: Vec<_> = items.into_iter().map(|item| Tenant { item, place: Place::in_use(self) }).collect();
        for tenant in tenants {
            let cause = cause(&tenant.item);
            tenant.destroy_in_background(cause, Exit::Completed);
        }
    }
}
