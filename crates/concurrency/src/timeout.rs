//! Deadlines that cancel on time and return after what they cancelled is gone.

use std::{
    any::Any,
    error::Error,
    fmt, io,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::{
    task::coop::{Unconstrained, unconstrained},
    time::{Instant, Sleep, sleep_until},
};

use crate::{
    below::Below,
    current,
    failure::PanicInTransit,
    node::{Label, Node, Owner},
    reason::{Deadline, Reason},
};

/// How long a [`timeout`] waits for the cleanup of what it cancelled, unless [`Timeout::settle_within`] says otherwise.
pub const SETTLE_WITHIN: Duration = Duration::from_secs(5);

/// Gives `future` at most `limit` to finish, and returns after everything below it is gone.
///
/// A drop-in for Tokio's `timeout` with a stronger contract:
///
/// - At the deadline the future is dropped. Scopes that it had opened are cancelled, releases that it owed run, and the
///   timeout returns when all of that is done, but waits no longer than [`settle_within`](Timeout::settle_within).
/// - A value that is finished beats a timer that is late: the future is polled before the clock is asked.
/// - [`Elapsed`] says which deadline it was, so that nested ones are not confused, and names what was still not gone.
/// - `timeout(limit, &mut future)` gives up *waiting*: the future goes on when it is polled again.
///
/// The clock starts at the first poll. A limit too long for the clock never elapses.
///
/// # Holding a lock across a timeout
///
/// A release below that needs a lock which the caller holds cannot run until the caller goes on: the timeout waits for
/// it until `settle_within` has passed. Latency-sensitive code sets that to zero: cleanup then moves to the
/// enclosing scope at once.
///
/// # Panics
///
/// The future panics when polled outside a runtime with its timer enabled; and with the payload of a panic of `future`,
/// once what is below has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::timeout;
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let value = timeout(Duration::from_secs(5), async { 42 }).await?;
/// assert_eq!(value, 42);
///
/// let slow = timeout(Duration::from_secs(5), std::future::pending::<()>()).named("page 7");
/// let elapsed = slow.await.unwrap_err();
/// assert!(elapsed.to_string().starts_with("page 7 did not finish within 5s"));
/// # Ok(())
/// # }
/// ```
#[doc(alias = "deadline")]
#[doc(alias = "fail_after")]
#[track_caller]
pub fn timeout<F: IntoFuture>(limit: Duration, future: F) -> Timeout<F::IntoFuture> {
    Timeout {
        body: Below::unborn(future.into_future()),
        owner: None,
        sleep: None,
        phase: Phase::Running { deadline: None },
        settle_within: SETTLE_WITHIN,
        identity: Deadline { limit, location: Location::caller(), name: None },
    }
}

pin_project! {
    /// Future of [`timeout`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inner future; what that leaves behind (children of its scopes, releases) is waited for by
    /// the nearest enclosing scope, timeout or root. With `&mut future` inside the future lives on: poll it again. Only a
    /// value that it has given already, while the timeout still waits for what it left behind, is dropped with the timeout. A
    /// panic in that position goes to the observer.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F: Future> {
        // Dropped before the owner: what the future leaves behind is counted when the owner hands it over.
        #[pin]
        body: Below<F>,
        owner: Option<Owner>,
        #[pin]
        sleep: Option<Unconstrained<Sleep>>,
        phase: Phase<F::Output>,
        settle_within: Duration,
        identity: Deadline,
    }
}

enum Phase<T> {
    /// `deadline` is set by the first poll.
    Running {
        deadline: Option<Instant>,
    },
    /// The body is done or dropped. `give_up`: when to hand over what is left; `place`: ours among those who wait.
    Settling {
        outcome: Outcome<T>,
        give_up: Option<Instant>,
        place: Option<u32>,
    },
    Done,
}

enum Outcome<T> {
    Finished(T),
    Elapsed,
    Panicked(PanicInTransit),
}

impl<F: Future> Timeout<F> {
    /// Names the work in [`Elapsed`] and in reports.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.identity.name = Some(name.into().into());
        self
    }

    /// Waits at most this long for what the future left behind; 5 s unless set. What is left then moves to the
    /// enclosing scope and, if the deadline had passed, is named in [`Elapsed::stragglers`].
    pub fn settle_within(mut self, budget: Duration) -> Self {
        self.settle_within = budget;
        self
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Phase::Running { .. } = self.phase {
            let outcome = ready!(self.as_mut().poll_body(cx));
            *self.as_mut().project().phase = Phase::Settling { outcome, give_up: None, place: None };
        }
        ready!(self.as_mut().poll_settled(cx));
        let this = self.project();
        let Phase::Settling { outcome, .. } = std::mem::replace(this.phase, Phase::Done) else {
            panic!("a timeout must not be polled after it is done");
        };
        let stragglers = this.owner.as_ref().map_or_else(Vec::new, |owner| owner.0.stragglers());
        *this.owner = None; // Hands over what is left, if anything is.
        match outcome {
            Outcome::Finished(value) => Poll::Ready(Ok(value)),
            Outcome::Elapsed => Poll::Ready(Err(Elapsed { deadline: this.identity.clone(), stragglers })),
            Outcome::Panicked(panic) => panic.resume(),
        }
    }
}

impl<F: Future> Timeout<F> {
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<F::Output>> {
        let mut this = self.project();
        let Phase::Running { deadline } = this.phase else { unreachable!("the caller has matched the phase") };
        let deadline = *deadline.get_or_insert_with(|| {
            let node = Node::new(label(this.identity), Some(current::current()));
            this.body.as_mut().enter_at(node.clone());
            *this.owner = Some(Owner(node));
            after(this.identity.limit)
        });
        // The body first: a finished value beats a late timer.
        let outcome = match this.body.as_mut().poll(cx) {
            Poll::Ready(Ok(value)) => Outcome::Finished(value),
            Poll::Ready(Err(payload)) => Outcome::Panicked(in_transit(this.identity, payload)),
            Poll::Pending => {
                ready!(poll_clock(this.sleep.as_mut(), deadline, cx));
                this.owner.as_ref().map_or(Outcome::Elapsed, |owner| expire(this.body, owner, this.identity))
            }
        };
        this.sleep.set(None);
        Poll::Ready(outcome)
    }

    /// Ready when everything below is gone, or when waiting for it has taken too long.
    fn poll_settled(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let (Phase::Settling { give_up, place, .. }, Some(Owner(node))) = (this.phase, this.owner.as_ref()) else {
            return Poll::Ready(());
        };
        if node.poll_settled(cx, place).is_ready() {
            return Poll::Ready(());
        }
        let give_up = *give_up.get_or_insert_with(|| after(*this.settle_within));
        poll_clock(this.sleep, give_up, cx)
    }
}

/// Drops the body. Scopes below that are dropped with it read from the node why.
fn expire<F: Future>(body: Pin<&mut Below<F>>, owner: &Owner, identity: &Deadline) -> Outcome<F::Output> {
    owner.0.set_ending(Some(Reason::DeadlineElapsed(identity.clone())));
    let dropped = body.clear();
    // A `&mut future` lives on: the deadline leaves no mark on it.
    owner.0.set_ending(None);
    match dropped {
        Ok(()) => Outcome::Elapsed,
        Err(payload) => Outcome::Panicked(in_transit(identity, payload)),
    }
}

fn in_transit(identity: &Deadline, payload: Box<dyn Any + Send>) -> PanicInTransit {
    PanicInTransit::new(label(identity).to_string(), payload)
}

fn poll_clock(mut sleep: Pin<&mut Option<Unconstrained<Sleep>>>, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
    if sleep.is_none() {
        // Unconstrained: a body that has used up the cooperative budget must not silence its deadline.
        sleep.set(Some(unconstrained(sleep_until(until))));
    }
    match sleep.as_mut().as_pin_mut() {
        Some(sleep) => sleep.poll(cx),
        None => Poll::Pending,
    }
}

/// The instant `limit` from now, or one so far off that it never comes.
fn after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or_else(|| now + Duration::from_secs(86_400 * 365 * 30))
}

fn label(identity: &Deadline) -> Label {
    match &identity.name {
        Some(name) => Label::Given(name.clone()),
        None => Label::Fixed("a timeout"),
    }
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timeout").field(&self.identity).finish()
    }
}

/// A [`timeout`] has passed: which one, and what it left behind.
#[derive(Clone, Debug)]
pub struct Elapsed {
    deadline: Deadline,
    stragglers: Vec<String>,
}

impl Elapsed {
    /// The deadline that has passed.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// The names of what had not settled within [`Timeout::settle_within`] and moved to the enclosing scope.
    pub fn stragglers(&self) -> &[String] {
        &self.stragglers
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deadline { limit, location, name } = &self.deadline;
        let name = name.as_deref().unwrap_or("the work");
        write!(f, "{name} did not finish within {limit:?} (deadline set at {}:{})", location.file(), location.line())?;
        if !self.stragglers.is_empty() {
            write!(f, "; still being cleaned up: {}", self.stragglers.join(", "))?;
        }
        Ok(())
    }
}

impl Error for Elapsed {}

impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> Self {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}
