//! A future below a node of its own, returned from when what it left behind is gone.

use std::{
    fmt, mem,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{
    below::Below,
    current::{self, Recipe},
    failure::{Failure, PanicInTransit},
    inspect::{self, On},
};

pin_project! {
    /// Polls `future` below a node that is made when something below asks for it; where nothing asks, this costs nothing.
    ///
    /// What the future still owns when it has its output, such as the losers of a race, is dropped below the node. The output is
    /// handed on when everything that was left behind has settled.
    pub(crate) struct Settling<F: Future> {
        #[pin]
        future: Below<F>,
        kind: &'static str,
        site: &'static Location<'static>,
        outranked: fn(&'static str, F::Output),
        phase: Phase<F::Output>,
    }

    impl<F: Future> PinnedDrop for Settling<F> {
        fn drop(this: Pin<&mut Self>) {
            if matches!(this.phase, Phase::Done) {
                return;
            }
            let mut this = this.project();
            // The future first: what it leaves behind is counted when the node is handed over.
            if let Err(payload) = this.future.as_mut().clear() {
                Failure::panic(*this.kind, payload).report();
            }
            hand_over(this.future);
        }
    }
}

enum Phase<T> {
    Idle,
    Running,
    /// There is an outcome, and something that was left behind is waited for.
    Settling(Result<T, PanicInTransit>),
    Done,
}

impl<F: Future> Settling<F> {
    /// `kind`: what the node is called, with its article. `outranked` takes an output that cannot be returned, because a destructor of what
    /// was dropped for it has panicked: it reports errors.
    #[track_caller]
    pub(crate) fn new(kind: &'static str, future: F, outranked: fn(&'static str, F::Output)) -> Self {
        let site = Location::caller();
        Settling { future: Below::unborn(future), kind, site, outranked, phase: Phase::Idle }
    }

    /// The future, which has not been polled.
    pub(crate) fn get_mut(&mut self) -> &mut F
    where
        F: Unpin,
    {
        self.future.get_mut().expect("it is taken only when it is done")
    }

    /// Gives the future, which has not been polled, away.
    pub(crate) fn into_inner(mut self) -> F
    where
        F: Unpin,
    {
        self.future.take().expect("it is taken only when it is done")
    }
}

impl<F: Future> Future for Settling<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Phase::Idle = this.phase {
            this.future.as_mut().enter_on_demand(Recipe::Several { kind: this.kind, ending: None });
            *this.phase = Phase::Running;
        }
        if let Phase::Running = this.phase {
            let mut output = None;
            let polled = this.future.as_mut().poll_judged(cx, |it| output = Some(it));
            if polled.is_pending() && inspect::is_on() {
                inspect::set_site(&this.future.as_mut().demand_node(), this.site);
            }
            *this.phase = Phase::Settling(match (ready!(polled), output) {
                (Ok(()), Some(output)) => Ok(output),
                (Ok(()), None) => unreachable!("it was judged"),
                (Err(payload), output) => {
                    let panic = PanicInTransit::new(*this.kind, payload);
                    output.into_iter().for_each(|output| (this.outranked)(this.kind, output));
                    Err(panic)
                }
            });
        }
        assert!(matches!(this.phase, Phase::Settling(_)), "{} must not be polled after it is done", this.kind);
        if let Some(node) = this.future.node() {
            ready!(inspect::waits(|| On::settled(node)).poll(cx, |cx| node.poll_settled(cx)));
        }
        hand_over(this.future);
        match mem::replace(this.phase, Phase::Done) {
            Phase::Settling(Ok(output)) => Poll::Ready(output),
            Phase::Settling(Err(panic)) => panic.resume(),
            _ => unreachable!("the phase was asserted above"),
        }
    }
}

/// What is left is waited for where we are.
fn hand_over<F>(future: Pin<&mut Below<F>>) {
    if let Some(node) = future.node() {
        node.orphan(current::try_current());
    }
}

impl<F: Future> fmt::Debug for Settling<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = match self.phase {
            Phase::Idle => "not started",
            Phase::Running => "running",
            Phase::Settling(_) => "settling",
            Phase::Done => "done",
        };
        f.debug_struct("Settling").field("kind", &self.kind).field("phase", &phase).finish()
    }
}
