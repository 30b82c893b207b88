//! The future that waits for the other parties.

use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::coop;

use super::{Barrier, BarrierBroken, BarrierTurn};
use crate::{
    inspected::Waiting,
    primitive::lock,
    wait_list::{Place, hush, wake_all},
};

/// Completes when all parties have arrived; made by [`Barrier::wait`].
///
/// # Cancel safety
///
/// Dropping it before the round is complete takes the arrival back, and the others wait for one more. Dropped afterwards, before it was polled
/// again, it changes nothing: the round is complete for the others. One that is kept, but not polled, has arrived all the same, and however late it is
/// polled, it tells how its own round has ended.
///
/// # Panics
///
/// Polling it again after it has completed panics.
#[must_use = "futures do nothing unless polled"]
pub struct WaitBarrier<'a> {
    barrier: &'a Barrier,
    turn: Turn,
    waiting: Waiting,
}

/// How far one future has come.
#[derive(Debug)]
enum Turn {
    Away,
    Arrived(Place),
    Over,
}

impl<'a> WaitBarrier<'a> {
    pub(super) fn new(barrier: &'a Barrier) -> Self {
        Self { barrier, turn: Turn::Away, waiting: barrier.resource.waiting() }
    }
}

impl Future for WaitBarrier<'_> {
    type Output = Result<BarrierTurn, BarrierBroken>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { barrier, turn, waiting } = self.get_mut();
        waiting.poll(cx, |cx| {
            let coop = ready!(coop::poll_proceed(cx));
            let told = ready!(turn.poll(barrier, cx));
            coop.made_progress();
            Poll::Ready(told)
        })
    }
}

impl Turn {
    fn poll(&mut self, barrier: &Barrier, cx: &mut Context<'_>) -> Poll<Result<BarrierTurn, BarrierBroken>> {
        // Dropped after the lock (invariant 4).
        let _replaced;
        let mut state = lock(&barrier.state);
        let told = match self {
            Turn::Away if state.broken => Err(BarrierBroken),
            Turn::Away => match state.complete(barrier.parties) {
                None => {
                    *self = Turn::Arrived(state.arrived.join(cx.waker(), Err(BarrierBroken)));
                    return Poll::Pending;
                }
                Some(released) => {
                    *self = Turn::Over;
                    drop(state);
                    // The round has its leader, whatever becomes of the others.
                    hush(|| wake_all(released));
                    return Poll::Ready(Ok(BarrierTurn { index: 0 }));
                }
            },
            Turn::Arrived(place) if state.arrived.is_granted(place) => *state.arrived.note(place),
            Turn::Arrived(place) => {
                _replaced = state.arrived.update(place, cx.waker());
                return Poll::Pending;
            }
            Turn::Over => panic!("a barrier's future was polled after it had completed"),
        };
        if let Turn::Arrived(place) = mem::replace(self, Turn::Over) {
            state.arrived.leave(place);
        }
        Poll::Ready(told)
    }
}

impl Drop for WaitBarrier<'_> {
    fn drop(&mut self) {
        if let Turn::Arrived(place) = mem::replace(&mut self.turn, Turn::Over) {
            let waker = lock(&self.barrier.state).arrived.leave(place);
            drop(waker);
        }
    }
}

impl fmt::Debug for WaitBarrier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitBarrier").field(self.barrier).finish()
    }
}
