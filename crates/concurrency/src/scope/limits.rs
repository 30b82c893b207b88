//! The times of a scope: when it is cancelled, how long its children may then go on, how long it waits for them.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    clock::{Timer, after},
    node::{Clock, Node},
    reason::{Deadline, Reason},
};

/// What only scopes from a builder have.
pub(crate) struct Limits {
    pub(super) deadline: Option<(Instant, Deadline)>,
    /// Cancels the scope when it is ready.
    pub(super) when: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// `None`: without end.
    pub(super) settle_within: Option<Duration>,
    pub(super) stage: Stage,
    pub(super) timer: Timer,
}

pub(super) enum Stage {
    Running,
    /// Cancelled; the children are aborted at the instant.
    Grace(Instant),
    /// Aborted; what is left at the instant is given up.
    Settling(Option<Instant>),
}

#[derive(PartialEq, Eq)]
pub(super) enum Tick {
    Wait,
    GiveUp,
}

impl Limits {
    /// Does what is due, and registers for what comes next.
    pub(super) fn tick(&mut self, node: &Node, cx: &mut Context<'_>) -> Tick {
        loop {
            match self.stage {
                Stage::Running if node.is_cancelled() => {
                    self.when = None;
                    self.stage = Stage::Grace(after(node.grace()));
                }
                Stage::Running => {
                    if self.when.as_mut().is_some_and(|when| when.as_mut().poll(cx).is_ready()) {
                        self.when = None;
                        node.cancel(Reason::Explicit("the event that ends the scope has come".into()));
                        continue;
                    }
                    match &self.deadline {
                        Some((at, deadline)) if self.timer.poll(*at, cx).is_ready() => {
                            // Fails only if the state is final already, and then it may stay.
                            let _ = node.set_clock(Clock::Expired(*at));
                            node.cancel(Reason::DeadlineElapsed(deadline.clone()));
                        }
                        _ => return Tick::Wait,
                    }
                }
                Stage::Grace(_) if node.is_aborting() => {
                    self.stage = Stage::Settling(self.settle_within.map(after));
                }
                Stage::Grace(until) => match self.timer.poll(until, cx) {
                    Poll::Ready(()) => node.abort_all(),
                    Poll::Pending => return Tick::Wait,
                },
                Stage::Settling(Some(until)) if self.timer.poll(until, cx).is_ready() => return Tick::GiveUp,
                Stage::Settling(_) => return Tick::Wait,
            }
        }
    }
}
