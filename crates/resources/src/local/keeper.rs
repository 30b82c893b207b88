//! A task of the `LocalSet` that finishes what its owner leaves behind.
//!
//! `spawn_local` in a destructor panics outside of the `LocalSet`, where a future that was polled inside may well be dropped. So the task is there
//! before: it sleeps until it is given work, or until its owner needs it no more.
//!
//! # Invariants
//!
//! 1. Nothing of the user's runs while the cell is borrowed: work and wakers are taken out first.
//! 2. Whoever comes last drops the work: the task that is dropped before it, or the owner that finds the task gone. Either way that is noticed, since the
//!    work is a [`HandedOff`](bowline_concurrency::HandedOff).

use std::{
    cell::RefCell,
    mem,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bowline_concurrency::Scope;
use tokio::task::spawn_local;

type Work = Pin<Box<dyn Future<Output = ()>>>;

enum State {
    /// Nothing has been given yet. The waker is that of the task, once it has been polled.
    Waiting(Option<Waker>),
    Given(Work),
    /// The owner needs the task no more, or the task is gone.
    Over,
}

/// The owner's end. Dropped, it ends the task, if there is nothing left to do.
pub(super) struct Keeper(Rc<RefCell<State>>);

impl Keeper {
    /// Spawns the task.
    ///
    /// # Panics
    ///
    /// Outside of a `LocalSet`.
    pub(super) fn spawn() -> Self {
        let state = Rc::new(RefCell::new(State::Waiting(None)));
        spawn_local(Task { state: state.clone(), work: None });
        Keeper(state)
    }

    /// Gives the task its work, for which `place` waits. A task that is gone loses it.
    pub(super) fn hand_off(self, place: &Scope, name: String, work: impl Future<Output = ()> + 'static) {
        let work: Work = Box::pin(place.handed_off(name, work));
        self.change(State::Given(work));
    }

    fn change(&self, next: State) {
        let mut state = self.0.borrow_mut();
        // What is over stays so; what it refuses is dropped below (invariant 1).
        let left = if let State::Waiting(_) = *state { mem::replace(&mut *state, next) } else { next };
        drop(state);
        if let State::Waiting(Some(waker)) = left {
            waker.wake();
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.change(State::Over);
    }
}

struct Task {
    state: Rc<RefCell<State>>,
    work: Option<Work>,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Task { state, work } = &mut *self;
        if work.is_none() {
            let waker = cx.waker().clone();
            let old = match mem::replace(&mut *state.borrow_mut(), State::Over) {
                State::Over => return Poll::Ready(()),
                State::Given(given) => {
                    *work = Some(given);
                    None
                }
                State::Waiting(old) => Some(old),
            };
            if let Some(old) = old {
                *state.borrow_mut() = State::Waiting(Some(waker));
                drop(old);
                return Poll::Pending;
            }
        }
        work.as_mut().expect("it was given").as_mut().poll(cx)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // Work that was given and not begun is dropped here, after the borrow.
        let left = mem::replace(&mut *self.state.borrow_mut(), State::Over);
        drop(left);
    }
}
