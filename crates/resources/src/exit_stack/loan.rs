//! Values that are taken out of a stack for use.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    panic::resume_unwind,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bowline_concurrency::shield;

use super::{
    ReleaseError, cancelled_here,
    member::{BoxError, Lender, Owed, lender},
    orphan::{Elsewhere, Orphaning},
    outcome::{Ended, Outcome, release_of},
    table::Table,
    unwind::{Deserted, release},
};
use crate::{exit::Exit, resource::Resource};

/// A value that an [`ExitStack`](crate::ExitStack) will release: it owns the value, and puts it back when it is dropped.
///
/// It is `'static` and borrows nothing from the stack, so that the stack can take further members; it may be sent to other tasks.
/// Drop it before the stack is closed. If its stack has ended before, the value is released as soon as the loan is dropped, as a task that the scope
/// around waits for; see [`ExitStack::close`](crate::ExitStack::close). One that is given to `std::mem::forget` is never released.
pub struct Loan<V: Send + 'static> {
    /// `None` once it is given back.
    value: Option<V>,
    /// Never locked: it makes the loan `Sync`, although the resource in it need not be.
    lender: Mutex<Option<Lender<V>>>,
    table: Arc<Table>,
    /// `None` until the stack has it.
    seat: Option<u64>,
}

impl<V: Send + 'static> Loan<V> {
    pub(super) fn new<R>(resource: R, value: V, budget: Duration, table: Arc<Table>) -> Self
    where
        R: Resource<Value = V, Error: Into<BoxError>>,
    {
        let lender = Mutex::new(Some(lender(resource, budget)));
        Loan { value: Some(value), lender, table, seat: None }
    }

    pub(super) fn take_seat(&mut self) {
        let lender = unlocked(&mut self.lender).as_ref().expect(LENT);
        self.seat = Some(self.table.add_lent(lender.name(), lender.budget()));
    }

    /// Releases the value now, with [`Exit::Completed`], instead of with the others of its stack.
    ///
    /// # Errors
    ///
    /// The value could not be released properly; it is gone all the same, and the stack does not hear of it.
    ///
    /// # Panics
    ///
    /// With a panic of the release, and outside a Tokio runtime.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is polled, the value goes back to the stack. Dropped half-way, the release is finished as a task that
    /// the enclosing scope waits for, before the stack releases what was entered before it.
    ///
    /// # Examples
    ///
    /// See [`ExitStack`](crate::ExitStack#examples).
    pub async fn release(mut self) -> Result<(), ReleaseError> {
        let (member, seat, table) = (self.take().expect(LENT), self.seat, self.table.clone());
        if let Some(seat) = seat {
            table.remove(seat);
        }
        let (name, budget) = (member.name(), member.budget());
        let work = shield(budget, async move { release(member, &Exit::Completed, &Deserted::default()).await });
        let take = move |ended, _, elsewhere| {
            report(name, ended);
            drop(elsewhere);
        };
        let orphaning = Orphaning { work: Some(work), table, seat, name: ("release", name), take: Some(take) };
        match orphaning.await {
            Ended::Returned(result) => result.map_err(|error| ReleaseError::failed(name, error)),
            Ended::Panicked(payload) => resume_unwind(payload),
            Ended::Overdue(_) => unreachable!("its caller is here"),
        }
    }

    /// Releases it in the background. `elsewhere`: what keeps the seat meanwhile.
    pub(super) fn hand_off(mut self, exit: Exit, elsewhere: Elsewhere) {
        if let Some(member) = self.take() {
            release_alone(&self.table, member, exit, Some(elsewhere));
        }
    }

    fn take(&mut self) -> Option<Owed> {
        let lender = unlocked(&mut self.lender).take()?;
        Some(lender.owe(self.value.take().expect(LENT)))
    }
}

impl<V: Send + 'static> Drop for Loan<V> {
    fn drop(&mut self) {
        let Some(member) = self.take() else { return };
        let returned = match self.seat {
            Some(seat) => self.table.give_back(seat, member),
            None => Err((member, None)),
        };
        if let Err((member, exit)) = returned {
            release_alone(&self.table, member, exit.unwrap_or_else(cancelled_here), None);
        }
    }
}

fn release_alone(table: &Table, member: Owed, exit: Exit, elsewhere: Option<Elsewhere>) {
    let name = member.name();
    table.hand_off(release_of(name), async move {
        let _elsewhere = elsewhere;
        report(name, release(member, &exit, &Deserted::yes()).await);
    });
}

fn report(name: &'static str, ended: Ended) {
    let mut outcome = Outcome::default();
    outcome.add(name, ended); // And reports it, as it is dropped.
}

fn unlocked<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

const LENT: &str = "the value and its lender leave together, when the loan ends";

impl<V: Send + 'static> Deref for Loan<V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.value.as_ref().expect(LENT)
    }
}

impl<V: Send + 'static> DerefMut for Loan<V> {
    fn deref_mut(&mut self) -> &mut V {
        self.value.as_mut().expect(LENT)
    }
}

impl<V: fmt::Debug + Send + 'static> fmt::Debug for Loan<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loan").field(&**self).finish()
    }
}
