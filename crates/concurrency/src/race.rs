//! Several futures, of whose outputs the first one is wanted.

use std::{
    fmt,
    marker::PhantomData,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{
    current::{self, Ending},
    several::{First, InFlight, Settling, UniformInputs, Unstarted},
};

/// Polls several futures at once in this task, and gives the output of the one that ends first, whatever it is.
///
/// The others are dropped then, and the output is returned when what they left behind has settled. They learn
/// [`NotNeeded`](crate::Reason::NotNeeded) from [`reason_for_drop`](crate::Scope::reason_for_drop). An error wins like any other output; for the first
/// success use [`first_ok`](crate::first_ok).
///
/// Inputs are those of [`gather`](crate::gather()), with one type of output. From a tuple or an array the result is the output itself. An iterator or
/// a `Vec` may be empty: from them it is an `Option`, and `None`, at once, if there was nothing to race.
///
/// Of several that are ready at the first poll the first in the order of the inputs wins; later, the one that was woken first.
///
/// The wait for what the losers leave behind has no limit of its own. A release that needs a lock which the caller holds, or which the winner has
/// given, would wait for ever: put a [`timeout`](crate::timeout()) around, whose [`settle_within`](crate::Timeout::settle_within) ends it.
///
/// # When to use something else
///
/// See [the table](crate#which-of-several-futures). `tokio::select!` where each future has its own type of output, or its own continuation, and
/// nothing of the losers needs to be waited for.
///
/// # Panics
///
/// With the payload of the first panic of an input, once the others were dropped and what that left behind has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::race;
/// use std::future::pending;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_eq!(race((pending(), async { 2 })).await, 2);
/// assert_eq!(race((1..=3).map(|n| async move { n })).await, Some(1));
/// # }
/// ```
#[doc(alias = "select")]
#[doc(alias = "select_all")]
#[doc(alias = "any")]
#[track_caller]
pub fn race<I, M>(inputs: I) -> Race<I::Future, I::Shape>
where
    I: UniformInputs<M>,
    I::Shape: First,
{
    let in_flight = InFlight::new(Unstarted::new(inputs.into_uniform()));
    let running = Settling::new("a race", Running { in_flight }, |_, output| drop(output));
    Race { running, shape: PhantomData }
}

pin_project! {
    /// Future of [`race`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inputs. What they leave behind is waited for by the nearest enclosing scope, timeout or root. Inputs that are
    /// borrowed (`&mut future`) live on.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Race<F, S>
    where
        F: Future,
    {
        #[pin]
        running: Settling<Running<F>>,
        shape: PhantomData<fn() -> S>,
    }
}

impl<F: Future, S: First> Future for Race<F, S> {
    type Output = S::Of<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(S::first(ready!(self.project().running.poll(cx))))
    }
}

impl<F: Future, S> fmt::Debug for Race<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Race").field(&self.running).finish()
    }
}

struct Running<F: Future> {
    in_flight: InFlight<Unstarted<F>>,
}

impl<F: Future> Future for Running<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        self.in_flight.start(usize::MAX);
        let winner = ready!(self.in_flight.poll_each(cx, |_, _, output| ControlFlow::Break(output)));
        if winner.is_some() {
            current::end_with(Ending::NotNeeded);
        }
        Poll::Ready(winner)
    }
}
