//! Work below a node of its own, whose owner hears of what the work left behind.

use std::{
    any::Any,
    fmt, mem,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use pin_project_lite::pin_project;

use crate::{
    below::Below,
    current::{self, Recipe},
    failure::Failure,
    inspect::{self, On},
    tree::Scope,
};

/// Runs `work` in the caller's task, in a scope of its own, and returns after what it left behind has settled: a value, or the payload of its panic.
///
/// It is [`scope`](crate::scope()) for libraries whose own end must come after what the work left behind, even if everything is dropped at once. If this future
/// is dropped half-way while something is left, `left` is set to the scope of the work: hand an end off that waits for its
/// [`settled`](Scope::settled) first. Work that hands nothing off, opens no scope and asks for none costs no allocation.
///
/// `kind` is what the scope is called in reports.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::enclose;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut left = None;
/// let outcome = enclose("the work", &mut left, async { 7 }).await;
/// assert_eq!(outcome.ok(), Some(7));
/// assert!(left.is_none());
/// # }
/// ```
#[track_caller]
pub fn enclose<'a, F: Future>(kind: &'static str, left: &'a mut Option<Scope>, work: F) -> Enclosed<'a, F> {
    Enclosed { work: Below::unborn(work), kind, site: Location::caller(), left, phase: Phase::Idle }
}

pin_project! {
    /// Future of [`enclose`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the work. What that leaves behind is waited for by the enclosing scope, and can be waited for with what was put into `left`.
    /// A value that the work has given already is dropped, a panic goes to the observer.
    ///
    /// # Panics
    ///
    /// When it is polled again after it is done.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Enclosed<'a, F: Future> {
        #[pin]
        work: Below<F>,
        kind: &'static str,
        site: &'static Location<'static>,
        left: &'a mut Option<Scope>,
        phase: Phase<F::Output>,
    }

    impl<F: Future> PinnedDrop for Enclosed<'_, F> {
        fn drop(this: Pin<&mut Self>) {
            if !matches!(this.phase, Phase::Done) {
                this.abandon();
            }
        }
    }
}

enum Phase<T> {
    Idle,
    Running,
    Settling(Result<T, Box<dyn Any + Send>>),
    Done,
}

impl<F: Future> Enclosed<'_, F> {
    #[cold]
    fn abandon(self: Pin<&mut Self>) {
        let mut this = self.project();
        let dropped = this.work.as_mut().clear();
        let panicked = match mem::replace(this.phase, Phase::Done) {
            Phase::Settling(Err(payload)) => Some(payload),
            _ => None,
        };
        for payload in panicked.into_iter().chain(dropped.err()) {
            Failure::panic(*this.kind, payload).report();
        }
        if let Some(node) = this.work.node() {
            if !node.is_settled() {
                **this.left = Some(Scope::of(node.clone()));
            }
            node.orphan(current::try_current());
        }
    }
}

impl<F: Future> Future for Enclosed<'_, F> {
    type Output = thread::Result<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Phase::Idle = this.phase {
            this.work.as_mut().enter_on_demand(Recipe::Several { kind: this.kind, ending: None });
            *this.phase = Phase::Running;
        }
        if let Phase::Running = this.phase {
            let polled = this.work.as_mut().poll(cx);
            if polled.is_pending() && inspect::is_on() {
                inspect::set_site(&this.work.as_mut().demand_node(), this.site);
            }
            let outcome = ready!(polled);
            if this.work.node().is_none() {
                *this.phase = Phase::Done;
                return Poll::Ready(outcome); // Nothing below has asked for a node: nothing is left.
            }
            *this.phase = Phase::Settling(outcome);
        }
        if let Some(node) = this.work.node() {
            ready!(inspect::waits(|| On::settled(node)).poll(cx, |cx| node.poll_settled(cx)));
            node.orphan(current::try_current()); // Closed and at zero: it goes.
        }
        match mem::replace(this.phase, Phase::Done) {
            Phase::Settling(outcome) => Poll::Ready(outcome),
            _ => panic!("enclosed work must not be polled after it is done"),
        }
    }
}

impl<F: Future> fmt::Debug for Enclosed<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Idle => "not started",
            Phase::Running => "running",
            Phase::Settling(_) => "settling",
            Phase::Done => "done",
        };
        f.debug_struct("Enclosed").field("kind", &self.kind).field("phase", &phase).finish()
    }
}
