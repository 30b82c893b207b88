//! How the result of a call comes back from its thread, or is disposed of when nobody waits for it.
//!
//! # Invariants
//!
//! 1. The phase changes `Waiting → Answered → Over`, or `Waiting → Orphaned → Over`. The change out of `Waiting` is one step under the lock, so
//!    either the caller gets the outcome, or whoever sees that there is no caller disposes of it: never both, never neither.
//! 2. The seat is given back before the caller is answered, and after an orphan is disposed of: a thread that still runs somebody's code is not free.
//! 3. The hold on the adopting scope is dropped last.
//! 4. Outcomes, handlers and wakers are used and dropped outside the lock.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bowline_concurrency::{Failure, Hold, Scope};

use super::{shared::Seat, within::within};

/// Takes the value of a call whose caller has gone.
pub(super) type Handler<T> = Box<dyn FnOnce(T) + Send>;

pub(super) enum Outcome<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    /// It was dropped before it began.
    Refused,
}

/// Where the outcome waits for the caller.
pub(super) struct Answer<T> {
    phase: Mutex<Phase<T>>,
}

enum Phase<T> {
    Waiting(Option<Waker>),
    Answered(Outcome<T>),
    Orphaned(Orphan<T>),
    Over,
}

/// Stands in for a caller that has gone.
pub(super) struct Orphan<T> {
    /// What the call is called in reports.
    pub(super) name: String,
    /// The scope that the caller was dropped in.
    pub(super) scope: Scope,
    pub(super) handler: Option<Handler<T>>,
    /// Keeps that scope from returning.
    pub(super) hold: Hold,
}

/// The duty to answer: dropped without an outcome, it answers that the call was refused.
pub(super) struct Answering<T>(Option<Arc<Answer<T>>>);

impl<T> Answer<T> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { phase: Mutex::new(Phase::Waiting(None)) })
    }

    pub(super) fn answering(self: &Arc<Self>) -> Answering<T> {
        Answering(Some(self.clone()))
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let mut phase = self.lock();
        if let Phase::Waiting(waker) = &mut *phase {
            if waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                return Poll::Pending;
            }
            let replaced = waker.replace(cx.waker().clone());
            drop(phase);
            drop(replaced);
            return Poll::Pending;
        }
        match mem::replace(&mut *phase, Phase::Over) {
            Phase::Answered(outcome) => Poll::Ready(outcome),
            Phase::Waiting(_) | Phase::Orphaned(_) | Phase::Over => {
                unreachable!("the caller polls until it is answered")
            }
        }
    }

    /// The caller goes away, and leaves `orphan` in its place.
    pub(super) fn abandon(&self, orphan: Orphan<T>) {
        let mut phase = self.lock();
        if let Phase::Waiting(waker) = &mut *phase {
            let waker = waker.take();
            *phase = Phase::Orphaned(orphan);
            drop(phase);
            drop(waker);
            return;
        }
        let before = mem::replace(&mut *phase, Phase::Over);
        drop(phase);
        // Answered between the caller's last poll and its end.
        if let Phase::Answered(outcome) = before {
            drop(orphan.dispose(outcome));
        }
    }

    /// Answers the caller, or else disposes of the outcome.
    fn finish(&self, outcome: Outcome<T>, seat: Option<Seat>) {
        let orphan = {
            let mut phase = self.lock();
            match mem::replace(&mut *phase, Phase::Over) {
                Phase::Orphaned(orphan) => Some(orphan),
                waiting => {
                    *phase = waiting;
                    None
                }
            }
        };
        if let Some(orphan) = orphan {
            // Invariants 2 and 3: first its end, then the seat, then the hold.
            let _hold = orphan.dispose(outcome);
            drop(seat);
            return;
        }
        drop(seat);
        let mut phase = self.lock();
        match mem::replace(&mut *phase, Phase::Over) {
            Phase::Waiting(waker) => {
                *phase = Phase::Answered(outcome);
                drop(phase);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            // The caller has gone in this very moment.
            Phase::Orphaned(orphan) => {
                drop(phase);
                drop(orphan.dispose(outcome));
            }
            Phase::Answered(_) | Phase::Over => unreachable!("a call is answered once"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Phase<T>> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Answering<T> {
    pub(super) fn finish(mut self, outcome: Outcome<T>, seat: Seat) {
        let answer = self.0.take().expect("it is taken by its end only");
        answer.finish(outcome, Some(seat));
    }
}

impl<T> Drop for Answering<T> {
    fn drop(&mut self) {
        if let Some(answer) = self.0.take() {
            answer.finish(Outcome::Refused, None);
        }
    }
}

impl<T> Orphan<T> {
    /// Ends an outcome that has no owner, and returns the hold. It never unwinds: that would end the thread.
    fn dispose(self, outcome: Outcome<T>) -> Hold {
        let Self { name, scope, handler, hold } = self;
        let end = || match outcome {
            Outcome::Returned(value) => match handler {
                Some(handler) => handler(value),
                None => drop(value),
            },
            Outcome::Panicked(payload) => Failure::panic(name.clone(), payload).report(),
            Outcome::Refused => {}
        };
        within(&scope, || {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(end)) {
                Failure::panic(format!("{name}: the end of its result"), payload).report();
            }
        });
        hold
    }
}
