//! A wait: inside the mutex, in line for a notification, on the way back to the mutex, and round again.

use std::{
    mem,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Condition, Notified};
use crate::mutex::{Lock, Mutex, MutexGuard};

/// Completes inside the mutex, when `condition` no longer holds of the value.
///
/// An `async fn` would be twice as large, and a hundred thousand may wait.
#[must_use = "futures do nothing unless polled"]
pub(super) struct WaitWhile<'c, 'a, T: ?Sized, F> {
    stage: Stage<'c, 'a, T>,
    notifier: &'c Condition,
    location: &'static Location<'static>,
    condition: F,
}

enum Stage<'c, 'a, T: ?Sized> {
    Inside(MutexGuard<'a, T>),
    InLine(Notified<'c>, &'a Mutex<T>),
    /// Notified, which counts as received only inside (invariant 2 of the condition).
    LocksAgain(Lock<'a, T>, Notified<'c>),
    Over,
}

/// Nothing in it is pinned.
impl<T: ?Sized, F> Unpin for WaitWhile<'_, '_, T, F> {}

impl<'c, 'a, T: ?Sized, F> WaitWhile<'c, 'a, T, F> {
    pub(super) fn new(
        notifier: &'c Condition,
        guard: MutexGuard<'a, T>,
        condition: F,
        location: &'static Location<'static>,
    ) -> Self {
        Self { stage: Stage::Inside(guard), notifier, location, condition }
    }
}

impl<'a, T: ?Sized, F: FnMut(&mut T) -> bool> Future for WaitWhile<'_, 'a, T, F> {
    type Output = MutexGuard<'a, T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stage, notifier, location, condition } = self.get_mut();
        loop {
            // Where the user's code panics, what is in hand goes back at once.
            *stage = match mem::replace(stage, Stage::Over) {
                Stage::Inside(mut guard) => {
                    if !condition(&mut guard) {
                        return Poll::Ready(guard);
                    }
                    let notified = Notified::join(notifier, cx.waker());
                    let mutex = MutexGuard::mutex(&guard);
                    drop(guard);
                    Stage::InLine(notified, mutex)
                }
                Stage::InLine(mut notified, mutex) => {
                    if Pin::new(&mut notified).poll(cx).is_pending() {
                        *stage = Stage::InLine(notified, mutex);
                        return Poll::Pending;
                    }
                    Stage::LocksAgain(mutex.lock_at(location), notified)
                }
                Stage::LocksAgain(mut lock, notified) => {
                    let Poll::Ready(guard) = Pin::new(&mut lock).poll(cx) else {
                        *stage = Stage::LocksAgain(lock, notified);
                        return Poll::Pending;
                    };
                    notified.consume();
                    Stage::Inside(guard)
                }
                Stage::Over => panic!("a condition's future was polled after it had completed"),
            };
        }
    }
}
