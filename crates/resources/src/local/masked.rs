//! Work of one thread that is finished although its caller has gone.

use std::{
    panic::resume_unwind,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::Duration,
};

use bowline_concurrency::{Failure, Mask, Scope, mask};
use tokio::time::timeout;

use super::{keeper::Keeper, lease::cancelled_here};
use crate::{exit::Exit, lease::caught};

/// Who finishes what a caller leaves behind.
pub(super) struct Origin {
    keeper: Keeper,
    /// That of the latest poll. Takes what is dropped where no scope is current.
    place: Scope,
}

impl Origin {
    /// Something waits here. From the first time on there is somebody to finish it.
    pub(super) fn wait(origin: &mut Option<Origin>) {
        let place = Scope::current();
        match origin {
            Some(origin) => origin.place = place,
            None => *origin = Some(Origin { keeper: Keeper::spawn(), place }),
        }
    }

    pub(super) fn hand_off(self, name: String, work: impl Future<Output = ()> + 'static) {
        let place = Scope::try_current().unwrap_or(self.place);
        self.keeper.hand_off(&place, name, work);
    }
}

/// A step of a use that must not be left half-done: polled in the caller's task, and finished by the keeper if the caller is dropped.
pub(super) struct Masked<'a, T: 'static> {
    step: Step<T>,
    /// `None` when it is done.
    work: Option<Mask<LocalBoxFuture<T>>>,
    origin: &'a mut Option<Origin>,
}

/// What happens if the caller of the step is dropped.
pub(super) struct Step<T> {
    pub(super) name: fn() -> String,
    pub(super) budget: Duration,
    /// Goes on with the output. The exit is that of a use whose caller was dropped.
    pub(super) rest: fn(T, Exit) -> LocalBoxFuture<()>,
}

pub(super) type LocalBoxFuture<T> = Pin<Box<dyn Future<Output = T>>>;

impl<'a, T: 'static> Masked<'a, T> {
    pub(super) fn new(step: Step<T>, origin: &'a mut Option<Origin>, work: LocalBoxFuture<T>) -> Self {
        Masked { step, work: Some(mask(work)), origin }
    }
}

impl<T: 'static> Future for Masked<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Masked { work, origin, .. } = &mut *self;
        let rest = Pin::new(work.as_mut().expect("it is not polled after it is done"));
        let Poll::Ready(outcome) = pin!(caught(rest)).poll(cx) else {
            Origin::wait(origin);
            return Poll::Pending;
        };
        *work = None;
        Poll::Ready(outcome.unwrap_or_else(|payload| resume_unwind(payload)))
    }
}

impl<T: 'static> Drop for Masked<'_, T> {
    fn drop(&mut self) {
        // Without an origin it has not begun, or it has panicked because nobody can finish it.
        let (Some(work), Some(origin)) = (self.work.take(), self.origin.take()) else { return };
        let Step { name, budget, rest } = self.step;
        let exit = cancelled_here();
        origin.hand_off(name(), async move {
            match timeout(budget, work).await {
                Ok(output) => rest(output, exit).await,
                Err(_) => Failure::overdue(name(), budget).report(),
            }
        });
    }
}
