//! Attempts at one value, started at once or one after the other.

use std::{
    fmt,
    marker::PhantomData,
    mem,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::Instant;

use super::NoneOk;
use crate::{
    clock::{Timer, after},
    current::{self, Ending},
    several::{Accompanying, InFlight, TURNS},
};

/// Ready with the first success, or with all errors. The attempts come from `I`.
pub(super) struct Attempts<I: Iterator, T, E> {
    kind: &'static str,
    in_flight: InFlight<I>,
    errors: Vec<(usize, E)>,
    limit: usize,
    stagger: Option<Stagger>,
    value: PhantomData<fn() -> T>,
}

struct Stagger {
    delay: Duration,
    timer: Timer,
    /// When the next attempt starts; unknown before the first.
    next: Option<Instant>,
}

// Neither attempts nor errors are pinned in here.
impl<I: Iterator, T, E> Unpin for Attempts<I, T, E> {}

impl<I: Iterator<Item: Future<Output = Result<T, E>>>, T, E> Attempts<I, T, E> {
    pub(super) fn new(kind: &'static str, attempts: I) -> Self {
        let in_flight = InFlight::new(attempts);
        Attempts { kind, in_flight, errors: Vec::new(), limit: usize::MAX, stagger: None, value: PhantomData }
    }

    pub(super) fn limit(&mut self, attempts: usize) {
        self.limit = attempts;
    }

    pub(super) fn stagger(&mut self, delay: Duration) {
        self.stagger = Some(Stagger { delay, timer: Timer::default(), next: None });
    }

    /// Where the attempts come from.
    pub(super) fn source(&mut self) -> &mut I {
        self.in_flight.source()
    }
}

/// Starts what is due; whether there may be more.
fn start<I: Iterator<Item: Future>>(
    in_flight: &mut InFlight<I>,
    stagger: &mut Option<Stagger>,
    limit: usize,
    cx: &mut Context<'_>,
) -> bool {
    let Some(Stagger { delay, timer, next }) = stagger else {
        in_flight.start(limit);
        return false;
    };
    let room = in_flight.waiting() > 0 && in_flight.running() < limit;
    if !room || next.is_some_and(|next| timer.poll(next, cx).is_pending()) {
        return false;
    }
    *next = Some(after(*delay));
    in_flight.start_next(limit);
    true
}

impl<I, T, E> Future for Attempts<I, T, E>
where
    I: Iterator<Item: Future<Output = Result<T, E>>>,
    E: fmt::Debug,
{
    type Output = Result<T, NoneOk<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Attempts { kind, in_flight, errors, limit, stagger, .. } = &mut *self;
        let kept = Accompanying::new(kind, errors);
        for _ in 0..TURNS {
            while start(in_flight, stagger, *limit, cx) {}
            let polled = in_flight.poll_each(cx, |in_flight, number, output| match (output, &mut *stagger) {
                (Ok(value), _) => ControlFlow::Break(Some(value)),
                (Err(error), None) => {
                    kept.errors.push((number, error));
                    in_flight.start(*limit);
                    ControlFlow::Continue(())
                }
                (Err(error), Some(stagger)) => {
                    kept.errors.push((number, error));
                    stagger.next = None; // The next may start at once.
                    ControlFlow::Break(None)
                }
            });
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Some(value))) => {
                    current::end_with(Ending::NotNeeded);
                    return Poll::Ready(Ok(value));
                }
                Poll::Ready(Some(None)) => {}
                Poll::Ready(None) => {
                    let mut errors = mem::take(&mut *kept.errors);
                    errors.sort_unstable_by_key(|(number, _)| *number);
                    return Poll::Ready(Err(NoneOk { errors: errors.into_iter().map(|(_, error)| error).collect() }));
                }
            }
        }
        cx.waker().wake_by_ref(); // As many failures as one poll may see.
        Poll::Pending
    }
}

impl<I: Iterator, T, E> fmt::Debug for Attempts<I, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempts")
            .field("in_flight", &self.in_flight)
            .field("failed", &self.errors.len())
            .finish_non_exhaustive()
    }
}
