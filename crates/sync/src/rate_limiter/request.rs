//! What every future that waits in a line has in common: its turn and the timer of the first.

use std::{
    num::NonZeroU32,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    task::coop,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    clock::Clock,
    grid::Nanos,
    line::{Line, Slot, Turn, Wakes},
};

pub(crate) struct Request {
    turn: Turn,
    permits: NonZeroU32,
    /// Only ever set by the first in line. Not shared with the next one: that may live in another runtime.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Request {
    pub(crate) fn new(permits: NonZeroU32) -> Self {
        Self { turn: Turn::Unasked, permits, timer: None }
    }

    pub(crate) fn permits(&self) -> NonZeroU32 {
        self.permits
    }

    /// Whether it was never asked.
    pub(super) fn is_new(&self) -> bool {
        matches!(self.turn, Turn::Unasked)
    }

    /// It was granted without the line.
    pub(super) fn end(&mut self) {
        self.turn = Turn::Over;
    }

    pub(crate) fn is_in_line(&self) -> bool {
        self.turn.is_in_line()
    }

    /// `step` finds the line, and calls [`Request::step`] with it.
    #[inline]
    pub(crate) fn poll<E>(
        &mut self,
        cx: &mut Context<'_>,
        mut step: impl FnMut(&mut Self, &Waker) -> Result<(Slot, Clock), E>,
    ) -> Poll<Result<(), E>> {
        // Of a refused request the line knows nothing.
        assert!(!matches!(self.turn, Turn::Over), "a rate limiter's future was polled after it had completed");
        let coop = ready!(coop::poll_proceed(cx));
        let answer = loop {
            match step(self, cx.waker()) {
                Ok((Slot::Granted, _)) => break Ok(()),
                Ok((Slot::Behind, _)) => return Poll::Pending,
                // Past the end of the clock: only somebody who changes that, and wakes the first in line, brings a slot.
                Ok((Slot::DueAt(Nanos::MAX), _)) => return Poll::Pending,
                // Ready means that the slot has come meanwhile: ask again.
                Ok((Slot::DueAt(due), clock)) => ready!(self.timer_at(clock.instant(due)).poll(cx)),
                Err(error) => break Err(error),
            }
        };
        // Refused requests are over too.
        self.turn = Turn::Over;
        self.timer = None;
        coop.made_progress();
        Poll::Ready(answer)
    }

    pub(crate) fn step(&mut self, line: &mut Line, clock: Clock, wakes: &mut Wakes, waker: &Waker) -> (Slot, Clock) {
        (line.poll(&mut self.turn, self.permits, clock.now(), waker, wakes), clock)
    }

    pub(crate) fn give_up(&mut self, line: &mut Line, clock: Clock, wakes: &mut Wakes) {
        line.give_up(&mut self.turn, clock.now(), wakes);
    }

    /// The timer, set to `due`. An unchanged one is left alone: resetting costs as much as a new one.
    fn timer_at(&mut self, due: Instant) -> Pin<&mut Sleep> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut()
    }
}
