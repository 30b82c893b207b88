//! The seats of a stack, shared with the loans that belong into them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    task::Waker,
    time::Duration,
};

use bowline_concurrency::{Failure, Scope};
use tokio::runtime::Handle;

use super::member::Owed;
use crate::exit::Exit;

/// Under its lock only values move: members and wakers are called and dropped after it is unlocked.
pub(super) struct Table {
    state: Mutex<State>,
    /// Where the first member came in; waits for releases that nobody awaits and that are dropped where no scope is current.
    place: Scope,
}

struct State {
    /// Later members have higher numbers. A map, not a list: members that leave early, in any order, leave nothing behind.
    seats: BTreeMap<u64, Seat>,
    next: u64,
    /// Of the first member that came in on one.
    runtime: Option<Handle>,
    /// How the use of all ended, once the releases have begun.
    ended: Option<Exit>,
}

enum Seat {
    Taken(Owed),
    Lent {
        name: &'static str,
        budget: Duration,
        /// Of the closing that waits for the loan.
        waker: Option<Waker>,
    },
    /// Of a member whose caller has gone, and which a task of the background acquires or releases.
    Elsewhere(Option<Waker>),
}

/// The highest seat.
pub(super) enum Last {
    Owed(Owed),
    Lent { id: u64, name: &'static str, budget: Duration },
    Elsewhere { id: u64 },
}

impl Table {
    pub(super) fn new() -> Self {
        let state = State { seats: BTreeMap::new(), next: 0, runtime: Handle::try_current().ok(), ended: None };
        Table { state: Mutex::new(state), place: Scope::current() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many members are here or on loan.
    pub(super) fn len(&self) -> usize {
        self.state().seats.values().filter(|seat| !matches!(seat, Seat::Elsewhere(_))).count()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state().seats.values().all(|seat| matches!(seat, Seat::Elsewhere(_)))
    }

    pub(super) fn add(&self, member: Owed) {
        self.state().add(Seat::Taken(member));
    }

    pub(super) fn add_lent(&self, name: &'static str, budget: Duration) -> u64 {
        self.state().add(Seat::Lent { name, budget, waker: None })
    }

    /// Keeps the seat `id`, or a new one, for what a task of the background does.
    pub(super) fn keep(&self, id: Option<u64>) -> u64 {
        let mut state = self.state();
        match id {
            Some(id) => {
                state.seats.insert(id, Seat::Elsewhere(None)); // Empty: `remove` came before.
                id
            }
            None => state.add(Seat::Elsewhere(None)),
        }
    }

    /// Puts a member back into its seat. If that is gone, since the stack has ended: how it did.
    pub(super) fn give_back(&self, id: u64, member: Owed) -> Result<(), (Owed, Option<Exit>)> {
        let mut state = self.state();
        let Some(seat) = state.seats.get_mut(&id) else { return Err((member, state.ended.clone())) };
        let before = std::mem::replace(seat, Seat::Taken(member));
        drop(state);
        before.wake();
        Ok(())
    }

    /// Removes the seat; whoever waits for it goes on.
    pub(super) fn remove(&self, id: u64) {
        let removed = self.state().seats.remove(&id);
        if let Some(seat) = removed {
            seat.wake();
        }
    }

    /// Removes the seat, if its member is still on loan. The loan is on its own then.
    pub(super) fn remove_lent(&self, id: u64) -> bool {
        let mut state = self.state();
        let is_lent = matches!(state.seats.get(&id), Some(Seat::Lent { .. }));
        let removed = if is_lent { state.seats.remove(&id) } else { None };
        drop(state);
        removed.is_some()
    }

    /// From now on a loan that finds its seat gone is told this.
    pub(super) fn end(&self, exit: Exit) {
        self.state().ended = Some(exit);
    }

    /// Takes the member of the highest seat, or says where it is. A waker is woken as soon as that has changed.
    pub(super) fn last(&self, waker: Option<Waker>) -> Option<Last> {
        let mut replaced = waker; // Dropped after the state is unlocked.
        let mut state = self.state();
        let mut seat = state.seats.last_entry()?;
        let id = *seat.key();
        match seat.get_mut() {
            Seat::Taken(_) => match seat.remove() {
                Seat::Taken(member) => Some(Last::Owed(member)),
                _ => unreachable!("it is taken"),
            },
            Seat::Lent { name, budget, waker } => {
                std::mem::swap(waker, &mut replaced);
                Some(Last::Lent { id, name, budget: *budget })
            }
            Seat::Elsewhere(waker) => {
                std::mem::swap(waker, &mut replaced);
                Some(Last::Elsewhere { id })
            }
        }
    }

    /// Runs `work` as a task that the current scope waits for, or that of the first member.
    #[track_caller]
    pub(super) fn hand_off(&self, name: String, work: impl Future<Output = ()> + Send + 'static) {
        let runtime = self.state().runtime.clone();
        match runtime.or_else(|| Handle::try_current().ok()) {
            Some(runtime) => {
                Scope::try_current().unwrap_or_else(|| self.place.clone()).hand_off(&runtime, name, work);
            }
            None => {
                drop(work); // And abandons.
                Failure::error_text(name, &format_args!("neither its members nor its drop know a runtime")).report();
            }
        }
    }
}

impl State {
    fn add(&mut self, seat: Seat) -> u64 {
        // Of the first of those that are there: one that outlived its runtime is no use to others.
        if self.runtime.is_none() || self.seats.is_empty() {
            self.runtime = Handle::try_current().ok();
        }
        let id = self.next;
        self.next += 1;
        self.seats.insert(id, seat);
        id
    }
}

impl Seat {
    fn wake(self) {
        match self {
            Seat::Lent { waker: Some(waker), .. } | Seat::Elsewhere(Some(waker)) => waker.wake(),
            _ => {}
        }
    }
}
