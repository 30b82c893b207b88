//! The future of a timeout: the body, then the wait for what the body left behind.

use std::{
    any::Any,
    fmt,
    panic::Location,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

use super::{Elapsed, SETTLE_WITHIN};
use crate::{
    below::Below,
    clock::after,
    current::{self, Recipe},
    failure::{Failure, PanicInTransit},
    inspect::{self, On},
    node::{Clock, Label, Node},
    reason::{Deadline, Reason},
};

/// When a deadline passes, before its clock has started.
#[derive(Clone, Copy, Debug)]
pub(super) enum Limit {
    /// The longest duration is no limit.
    After(Duration),
    At(Instant),
}

impl Limit {
    #[inline]
    fn start(self) -> Option<Instant> {
        match self {
            Limit::After(Duration::MAX) => None,
            Limit::After(limit) => Some(after(limit)),
            Limit::At(at) => Some(at),
        }
    }
}

/// What few timeouts have. Boxed, because the others must not pay for it.
struct Options {
    name: Option<Arc<str>>,
    /// The node that holds the deadline, where it can be moved. Other timeouts have a node only if something below asks for one.
    movable: Option<Arc<Node>>,
    grace: Duration,
    /// The body has asked whether it is cancelled: it may use the grace.
    asked: bool,
    settle_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { name: None, movable: None, grace: Duration::ZERO, asked: false, settle_within: SETTLE_WITHIN }
    }
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
        sleep: Option<Sleep>,
        phase: Phase,
        outcome: Option<Outcome<F::Output>>,
        limit: Limit,
        location: &'static Location<'static>,
        options: Option<Box<Options>>,
    }

    impl<F: Future> PinnedDrop for Timeout<F> {
        fn drop(this: Pin<&mut Self>) {
            if !matches!(this.phase, Phase::Done) {
                this.abandon();
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Phase {
    Idle,
    Running {
        at: Option<Instant>,
    },
    /// The deadline has passed, and a body that asked may end in its own way until the instant.
    Grace {
        until: Instant,
    },
    /// The body is done or dropped, and there is an outcome. `give_up`: when to hand over what is left.
    Settling {
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
    pub(super) fn new(limit: Limit, location: &'static Location<'static>, future: F) -> Self {
        let body = Below::unborn(future);
        Timeout { body, sleep: None, phase: Phase::Idle, outcome: None, limit, location, options: None }
    }

    pub(super) fn movable(mut self, node: Arc<Node>) -> Self {
        self.options().movable = Some(node);
        self
    }

    /// Names the work in [`Elapsed`] and in reports.
    pub fn named(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options().name = Some(name.into());
        self
    }

    /// How long the future may go on after the deadline has passed, if it has asked whether it is cancelled
    /// ([`cancelled`](crate::cancelled), [`is_cancelled`](crate::is_cancelled)); zero unless set. A value that it gives then is not lost: the
    /// timeout returns it.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options().grace = grace;
        self
    }

    /// Waits at most this long for what the future left behind; 5 s unless set. What is left then moves to the
    /// enclosing scope and, if the deadline had passed, is named in [`Elapsed::stragglers`].
    pub fn settle_within(mut self, budget: Duration) -> Self {
        self.options().settle_within = budget;
        self
    }

    fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }

    /// The rest of the contract for one that was not polled to its end.
    fn abandon(self: Pin<&mut Self>) {
        let name = label(self.options.as_deref());
        let mut body = self.project().body;
        // The body first: what it leaves behind is counted when the node is handed over.
        if let Err(payload) = body.as_mut().clear() {
            Failure::panic(name.to_string(), payload).report();
        }
        if let Some(node) = body.node() {
            node.set_name(name);
            node.orphan(current::try_current());
        }
    }

    /// Polls the body while it may run.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<F::Output>> {
        let mut this = self.project();
        let mut options = this.options.as_deref_mut();
        if let Phase::Idle = this.phase {
            let at = this.limit.start();
            match options.as_ref().and_then(|options| options.movable.as_ref()) {
                Some(node) => {
                    let _ = node.set_clock(Clock::Active(at)); // A new node takes it.
                    this.body.as_mut().enter_at(node.clone());
                }
                None => this.body.as_mut().enter_on_demand(Recipe::Timeout { at }),
            }
            *this.phase = Phase::Running { at };
        }
        loop {
            // The body first: a finished value beats a late timer.
            let poll = match &mut options {
                Some(options) if !options.grace.is_zero() => {
                    current::listening(&mut options.asked, || this.body.as_mut().poll(cx))
                }
                _ => this.body.as_mut().poll(cx),
            };
            match poll {
                Poll::Ready(Ok(value)) => return Poll::Ready(Outcome::Finished(value)),
                Poll::Ready(Err(payload)) => return Poll::Ready(panicked(options.as_deref(), payload)),
                Poll::Pending => {}
            }
            if inspect::is_on() {
                show(this.body.as_mut().demand_node(), this.location, options.as_deref());
            }
            let movable = options.as_ref().and_then(|options| options.movable.as_ref());
            let until = match *this.phase {
                Phase::Grace { until } => until,
                Phase::Running { at } => match movable.map_or(at, |node| moved(node, cx)) {
                    Some(at) => at,
                    None => return Poll::Pending,
                },
                _ => unreachable!("the body is polled in these two phases only"),
            };
            ready!(poll_clock(this.sleep.as_mut(), until, cx));
            let reason = Reason::DeadlineElapsed(identity(*this.limit, this.location, options.as_deref()));
            let node = this.body.as_mut().demand_node();
            if let Phase::Running { .. } = this.phase {
                // Fails where the deadline was moved at this very moment: too late.
                let _ = node.set_clock(Clock::Expired(until));
                if let Some(options) = options.as_ref().filter(|options| options.asked) {
                    node.cancel(reason);
                    *this.phase = Phase::Grace { until: after(options.grace) };
                    continue;
                }
            }
            node.set_ending(Some(reason));
            let dropped = this.body.as_mut().clear();
            // A `&mut future` lives on: the deadline leaves no mark on it.
            node.set_ending(None);
            return Poll::Ready(match dropped {
                Ok(()) => Outcome::Elapsed,
                Err(payload) => panicked(options.as_deref(), payload),
            });
        }
    }

    /// The body has ended, and the timeout has not: ready with the result when everything below is gone, or when waiting for it has taken
    /// too long.
    fn poll_end(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, Elapsed>> {
        let this = self.project();
        let Phase::Settling { give_up, .. } = this.phase else { unreachable!("the caller has set the phase") };
        let options = this.options.as_deref();
        let mut stragglers = Vec::new();
        if let Some(node) = this.body.node() {
            let settled = inspect::waits(|| On::settled(node)).poll(cx, |cx| node.poll_settled(cx));
            if settled.is_pending() {
                let budget = options.map_or(SETTLE_WITHIN, |options| options.settle_within);
                ready!(poll_clock(this.sleep, *give_up.get_or_insert_with(|| after(budget)), cx));
                stragglers = node.stragglers();
            }
            node.set_name(label(options));
            node.orphan(current::try_current()); // Hands over what is left, if anything is.
        }
        *this.phase = Phase::Done;
        match this.outcome.take() {
            Some(Outcome::Finished(value)) => Poll::Ready(Ok(value)),
            Some(Outcome::Panicked(panic)) => panic.resume(),
            _ => Poll::Ready(Err(Elapsed::new(identity(*this.limit, this.location, options), stragglers))),
        }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !matches!(self.phase, Phase::Settling { .. }) {
            assert!(!matches!(self.phase, Phase::Done), "a timeout must not be polled after it is done");
            let outcome = ready!(self.as_mut().poll_body(cx));
            let mut this = self.as_mut().project();
            match (outcome, this.body.node()) {
                // Nothing below has asked for a node, so nothing is left to wait for.
                (Outcome::Finished(value), None) => {
                    *this.phase = Phase::Done;
                    return Poll::Ready(Ok(value));
                }
                (outcome, node) => {
                    let _ = node.map(|node| node.set_clock(Clock::Finished)); // Or it has expired, and stays so.
                    this.sleep.set(None);
                    *this.outcome = Some(outcome);
                    *this.phase = Phase::Settling { give_up: None };
                }
            }
        }
        self.poll_end(cx)
    }
}

fn identity(limit: Limit, location: &'static Location<'static>, options: Option<&Options>) -> Deadline {
    let limit = match limit {
        Limit::After(limit) => limit,
        Limit::At(at) => at.saturating_duration_since(Instant::now()),
    };
    Deadline { limit, location, name: options.and_then(|options| options.name.clone()) }
}

fn label(options: Option<&Options>) -> Label {
    match options.and_then(|options| options.name.clone()) {
        Some(name) => Label::Given(name),
        None => Label::Kind("a timeout"),
    }
}

/// Somebody looks: the node is made, and has a name, before anything below asks for one.
fn show(node: Arc<Node>, location: &'static Location<'static>, options: Option<&Options>) {
    if let Some(name) = options.and_then(|options| options.name.clone()) {
        node.set_name(Label::Given(name));
    }
    inspect::set_site(&node, location);
}

fn panicked<T>(options: Option<&Options>, payload: Box<dyn Any + Send>) -> Outcome<T> {
    Outcome::Panicked(PanicInTransit::new(label(options).to_string(), payload))
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

/// A timer that is made when it is first needed, and set anew when it is asked for another instant.
fn poll_clock(mut sleep: Pin<&mut Option<Sleep>>, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
    if sleep.as_ref().as_pin_ref().is_none_or(|sleep| sleep.deadline() != until) {
        sleep.set(Some(sleep_until(until)));
    }
    // Unconstrained: a body that has used up the cooperative budget must not silence its deadline.
    sleep.as_pin_mut().map_or(Poll::Pending, |sleep| pin!(unconstrained(sleep)).poll(cx))
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options.as_deref();
        let clock = options.and_then(|options| options.movable.as_ref()).map(|node| node.clock());
        let active = |at: Option<Instant>| match at {
            Some(at) => format!("active, {:?} left", at.saturating_duration_since(Instant::now())),
            None => "active, without end".to_owned(),
        };
        let state = match (&self.phase, clock) {
            (Phase::Idle, _) => "not started".to_owned(),
            (Phase::Running { .. }, Some(Clock::Active(at))) => active(at),
            (Phase::Running { at }, _) => active(*at),
            (Phase::Grace { .. }, _) => "expired".to_owned(),
            (Phase::Settling { .. }, _) if matches!(self.outcome, Some(Outcome::Elapsed)) => "expired".to_owned(),
            _ => "finished".to_owned(),
        };
        let identity = identity(self.limit, self.location, options);
        f.debug_struct("Timeout").field("deadline", &identity).field("state", &format_args!("{state}")).finish()
    }
}
