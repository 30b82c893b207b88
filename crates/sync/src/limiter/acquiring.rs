//! What all futures of a limiter are inside.

use std::{
    fmt,
    num::NonZeroUsize,
    ops::Deref,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{AlreadyHolds, Borrower, ExceedsCapacity, Limiter, permit::Held, permits::Turn};
use crate::inspected::Waiting;

/// Waits for permits. The limiter goes over to the guard when it is ready.
pub(super) struct Acquiring<L: Deref<Target = Limiter>> {
    limiter: Option<L>,
    weight: NonZeroUsize,
    turn: Turn,
    waiting: Waiting,
}

impl<L: Deref<Target = Limiter>> Acquiring<L> {
    pub(super) fn new(limiter: L, weight: NonZeroUsize) -> Self {
        let waiting = limiter.resource.waiting();
        Self { limiter: Some(limiter), weight, turn: Turn::Unasked, waiting }
    }

    #[inline]
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Held<L>, ExceedsCapacity>> {
        let Self { limiter, weight, turn, waiting } = self;
        let permits = &borrowed(limiter).permits;
        let coop = ready!(coop::poll_proceed(cx));
        let outcome = if matches!(turn, Turn::Unasked) && permits.take_free(*weight) {
            Ok(())
        } else {
            ready!(waiting.poll(cx, |cx| permits.poll(turn, *weight, cx)))
        };
        coop.made_progress();
        let limiter = limiter.take().expect("it was there above");
        Poll::Ready(outcome.map(|()| Held::new(limiter, *weight)))
    }

    pub(super) fn fmt(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        f.debug_struct(name).field("weight", &self.weight).field("limiter", &self.limiter.as_deref()).finish()
    }
}

impl<L: Deref<Target = Limiter>> Drop for Acquiring<L> {
    fn drop(&mut self) {
        if let Some(limiter) = &self.limiter {
            limiter.permits.give_up(&mut self.turn, self.weight);
        }
    }
}

fn borrowed<L: Deref<Target = Limiter>>(limiter: &Option<L>) -> &Limiter {
    limiter.as_deref().expect("a limiter's future was polled after it had completed")
}

/// Waits for one permit in the name of a borrower.
pub(super) struct Borrowing<L: Deref<Target = Limiter>> {
    borrower: Borrower,
    /// Whether the record of the limiter is ours to remove.
    is_entered: bool,
    acquiring: Acquiring<L>,
}

impl<L: Deref<Target = Limiter>> Borrowing<L> {
    pub(super) fn new(limiter: L, borrower: &Borrower) -> Self {
        Self { borrower: borrower.clone(), is_entered: false, acquiring: Acquiring::new(limiter, NonZeroUsize::MIN) }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Held<L>, AlreadyHolds>> {
        if !self.is_entered {
            let coop = ready!(coop::poll_proceed(cx));
            coop.made_progress();
            if let Err(refused) = borrowed(&self.acquiring.limiter).borrowers.enter(&self.borrower) {
                self.acquiring.limiter = None;
                return Poll::Ready(Err(refused));
            }
            self.is_entered = true;
        }
        let held = one(ready!(self.acquiring.poll(cx)));
        // From here on the record is the guard's.
        self.is_entered = false;
        Poll::Ready(Ok(held.lent_to(&self.borrower)))
    }

    pub(super) fn fmt(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let limiter = self.acquiring.limiter.as_deref();
        f.debug_struct(name).field("borrower", &self.borrower).field("limiter", &limiter).finish()
    }
}

impl<L: Deref<Target = Limiter>> Drop for Borrowing<L> {
    fn drop(&mut self) {
        if let Some(limiter) = self.acquiring.limiter.as_ref().filter(|_| self.is_entered) {
            limiter.borrowers.leave(&self.borrower);
        }
    }
}

/// One permit is never refused.
#[inline]
pub(super) fn one<L: Deref<Target = Limiter>>(outcome: Result<Held<L>, ExceedsCapacity>) -> Held<L> {
    outcome.expect("one permit fits into every capacity but zero, which refuses nobody")
}
