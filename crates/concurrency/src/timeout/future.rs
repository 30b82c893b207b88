//! The future of a timeout: the body, then the wait for what the body left behind.

use std::{
    any::Any,
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Instant, Sleep, sleep_until},
};

use super::{Elapsed, SETTLE_WITHIN};
use crate::{
    below::Below,
    clock::after,
    current::{self, Recipe},
    failure::{Failure, PanicInTransit},
    node::{Clock, Label, Node},
    reason::{Deadline, Reason},
};

/// When a deadline passes, before its clock has started.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    After(Option<Duration>),
    At(Instant),
}

impl Limit {
    fn start(self) -> Option<Instant> {
        match self {
            Limit::After(limit) => limit.map(after),
            Limit::At(at) => Some(at),
        }
    }
}

/// What the ways to make a timeout differ in.
pub(super) struct Parts {
    pub(super) limit: Limit,
    pub(super) identity: Deadline,
    /// The node that holds the deadline, where it can be moved. Other timeouts have a node only if something below asks for one.
    pub(super) movable: Option<Arc<Node>>,
}

pin_project! {
    /// Future of [`timeout`](crate::timeout()), [`timeout_at`](crate::timeout_at) and [`deadline`](crate::deadline()).
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner future; what that leaves behind (children of its scopes, releases) is waited for by
    /// the nearest enclosing scope, timeout or root. With `&mut future` inside the future lives on: poll it again. Only a
    /// value that it has given already, while the timeout still waits for what it left behind, is dropped with the timeout. A
    /// panic in that position goes to the observer.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F: Future> {
        #[pin]
        body: Below<F>,
        #[pin]
        sleep: Option<Unconstrained<Sleep>>,
        // What the timer is set for.
        set: Option<Instant>,
        phase: Phase<F::Output>,
        limit: Limit,
        grace: Duration,
        // The body has asked whether it is cancelled: it may use the grace.
        asked: bool,
        settle_within: Duration,
        identity: Deadline,
        movable: Option<Arc<Node>>,
    }

    impl<F: Future> PinnedDrop for Timeout<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            // The body first: what it leaves behind is counted when the node is handed over.
            if let Err(payload) = this.body.as_mut().clear() {
                Failure::panic(label(this.identity).to_string(), payload).report();
            }
            match (this.phase, this.body.node()) {
                (Phase::Done, _) | (_, None) => {} // Handed over already, or nothing there.
                (_, Some(node)) => node.orphan(current::try_current()),
            }
        }
    }
}

enum Phase<T> {
    Idle,
    Running {
        at: Option<Instant>,
    },
    /// The deadline has passed, and a body that asked may end in its own way until the instant.
    Grace {
        until: Instant,
    },
    /// The body is done or dropped. `give_up`: when to hand over what is left.
    Settling {
        outcome: Outcome<T>,
        give_up: Option<Instant>,
    },
    Done,
}

enum Outcome<T> {
    Finished(T),
    Elapsed,
    Panicked(PanicInTransit),
}

impl<F: Future> Timeout<F> {
    pub(super) fn new(body: Below<F>, parts: Parts) -> Self {
        let Parts { limit, identity, movable } = parts;
        let (grace, settle_within) = (Duration::ZERO, SETTLE_WITHIN);
        Timeout {
            body,
            sleep: None,
            set: None,
            phase: Phase::Idle,
            limit,
            grace,
            asked: false,
            settle_within,
            identity,
            movable,
        }
    }

    /// Names the work in [`Elapsed`] and in reports.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.identity.name = Some(name.into().into());
        self
    }

    /// How long the future may go on after the deadline has passed, if it has asked whether it is cancelled
    /// ([`cancelled`](crate::cancelled), [`is_cancelled`](crate::is_cancelled)); zero unless set. A value that it gives then is not lost: the
    /// timeout returns it.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Waits at most this long for what the future left behind; 5 s unless set. What is left then moves to the
    /// enclosing scope and, if the deadline had passed, is named in [`Elapsed::stragglers`].
    pub fn settle_within(mut self, budget: Duration) -> Self {
        self.settle_within = budget;
        self
    }

    /// Polls the body while it may run.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<F::Output>> {
        let mut this = self.project();
        if let Phase::Idle = this.phase {
            let at = this.limit.start();
            match this.movable {
                Some(node) => {
                    let _ = node.set_clock(Clock::Active(at)); // A new node takes it.
                    this.body.as_mut().enter_at(node.clone());
                }
                None => {
                    let name = this.identity.name.clone().map(Label::Given);
                    this.body.as_mut().enter_on_demand(Recipe::Timeout { at }, name);
                }
            }
            *this.phase = Phase::Running { at };
        }
        loop {
            // The body first: a finished value beats a late timer.
            let mut asked = false;
            let poll = if this.grace.is_zero() {
                this.body.as_mut().poll(cx)
            } else {
                current::listening(&mut asked, || this.body.as_mut().poll(cx))
            };
            *this.asked |= asked;
            match poll {
                Poll::Ready(Ok(value)) => return Poll::Ready(Outcome::Finished(value)),
                Poll::Ready(Err(payload)) => return Poll::Ready(panicked(this.identity, payload)),
                Poll::Pending => {}
            }
            let until = match *this.phase {
                Phase::Grace { until } => until,
                Phase::Running { at } => match this.movable.as_ref().map_or(at, |node| moved(node, cx)) {
                    Some(at) => at,
                    None => return Poll::Pending,
                },
                _ => unreachable!("the body is polled in these two phases only"),
            };
            ready!(poll_clock(this.sleep.as_mut(), this.set, until, cx));
            let reason = Reason::DeadlineElapsed(this.identity.clone());
            let node = this.body.as_mut().demand_node();
            if let Phase::Running { .. } = this.phase {
                // Fails where the deadline was moved at this very moment: too late.
                let _ = node.set_clock(Clock::Expired(until));
                if *this.asked {
                    node.cancel(reason);
                    *this.phase = Phase::Grace { until: after(*this.grace) };
                    continue;
                }
            }
            node.set_ending(Some(reason));
            let dropped = this.body.as_mut().clear();
            // A `&mut future` lives on: the deadline leaves no mark on it.
            node.set_ending(None);
            return Poll::Ready(dropped.map_or_else(|payload| panicked(this.identity, payload), |()| Outcome::Elapsed));
        }
    }

    /// Ready, with the names of what is left, when everything below is gone, or when waiting for it has taken too long.
    fn poll_settled(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Vec<String>> {
        let this = self.project();
        let (Phase::Settling { give_up, .. }, Some(node)) = (this.phase, this.body.node()) else {
            return Poll::Ready(Vec::new());
        };
        if node.poll_settled(cx).is_ready() {
            return Poll::Ready(Vec::new());
        }
        let give_up = *give_up.get_or_insert_with(|| after(*this.settle_within));
        ready!(poll_clock(this.sleep, this.set, give_up, cx));
        Poll::Ready(node.stragglers())
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !matches!(self.phase, Phase::Settling { .. }) {
            assert!(!matches!(self.phase, Phase::Done), "a timeout must not be polled after it is done");
            let outcome = ready!(self.as_mut().poll_body(cx));
            let mut this = self.as_mut().project();
            this.sleep.set(None);
            *this.set = None;
            if let Some(node) = this.movable {
                let _ = node.set_clock(Clock::Finished); // Or it has expired, and stays so.
            }
            match (outcome, this.body.node()) {
                // Nothing below has asked for a node, so nothing is left to wait for.
                (Outcome::Finished(value), None) => {
                    *this.phase = Phase::Done;
                    return Poll::Ready(Ok(value));
                }
                (outcome, _) => *this.phase = Phase::Settling { outcome, give_up: None },
            }
        }
        let stragglers = ready!(self.as_mut().poll_settled(cx));
        let this = self.project();
        let Phase::Settling { outcome, .. } = std::mem::replace(this.phase, Phase::Done) else {
            unreachable!("the phase was set above");
        };
        if let Some(node) = this.body.node() {
            node.orphan(current::try_current()); // Hands over what is left, if anything is.
        }
        match outcome {
            Outcome::Finished(value) => Poll::Ready(Ok(value)),
            Outcome::Elapsed => Poll::Ready(Err(Elapsed::new(this.identity.clone(), stragglers))),
            Outcome::Panicked(panic) => panic.resume(),
        }
    }
}

fn panicked<T>(identity: &Deadline, payload: Box<dyn Any + Send>) -> Outcome<T> {
    Outcome::Panicked(PanicInTransit::new(label(identity).to_string(), payload))
}

/// Where a deadline that can be moved stands, and the place to be woken when it is moved.
fn moved(node: &Node, cx: &mut Context<'_>) -> Option<Instant> {
    node.register_owner(cx.waker());
    match node.clock() {
        Clock::Active(at) => at,
        Clock::Expired(at) => Some(at),
        Clock::None | Clock::Finished => None,
    }
}

/// A timer for `until`; `set` is the instant for which there is one already.
fn poll_clock(
    mut sleep: Pin<&mut Option<Unconstrained<Sleep>>>,
    set: &mut Option<Instant>,
    until: Instant,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if *set != Some(until) {
        *set = Some(until);
        // Unconstrained: a body that has used up the cooperative budget must not silence its deadline.
        sleep.set(Some(unconstrained(sleep_until(until))));
    }
    sleep.as_pin_mut().map_or(Poll::Pending, |sleep| sleep.poll(cx))
}

fn label(identity: &Deadline) -> Label {
    match &identity.name {
        Some(name) => Label::Given(name.clone()),
        None => Label::Kind("a timeout"),
    }
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clock = self.movable.as_ref().map(|node| node.clock());
        let active = |at: Option<Instant>| match at {
            Some(at) => format!("active, {:?} left", at.saturating_duration_since(Instant::now())),
            None => "active, without end".to_owned(),
        };
        let state = match (&self.phase, clock) {
            (Phase::Idle, _) => "not started".to_owned(),
            (Phase::Running { .. }, Some(Clock::Active(at))) => active(at),
            (Phase::Running { at }, _) => active(*at),
            (Phase::Settling { outcome: Outcome::Elapsed, .. } | Phase::Grace { .. }, _) => "expired".to_owned(),
            _ => "finished".to_owned(),
        };
        f.debug_struct("Timeout").field("deadline", &self.identity).field("state", &format_args!("{state}")).finish()
    }
}
