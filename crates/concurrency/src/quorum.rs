//! Several futures, of whose successes some are enough.

use std::{
    error::Error,
    fmt,
    num::NonZeroUsize,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::{
    current::{self, Ending},
    several::{Accompanying, InFlight, Settling, UniformInputs, Unstarted, report},
};

/// Polls several futures at once in this task, and gives the first `needed` successes.
///
/// When there are enough the others are dropped, and the values are returned when what they left behind has settled; they learn
/// [`NotNeeded`](crate::Reason::NotNeeded) from [`reason_for_drop`](crate::Scope::reason_for_drop). Each value comes with the number of its input, in the
/// order in which they came. Inputs are those of [`gather`](crate::gather), with one type of value and one of error.
///
/// # Errors
///
/// [`NoQuorum`], with what there is, as soon as too many have failed for the quorum to be reached, and at once if there are fewer inputs than
/// are needed. What still runs is dropped and settled.
///
/// # When to use something else
///
/// See [the table](crate#which-of-several-futures).
///
/// # Panics
///
/// With the payload of the first panic of an input, once the others were dropped and what that left behind has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{NoQuorum, quorum};
/// use std::{io, num::NonZeroUsize};
///
/// async fn write(replica: usize) -> io::Result<u64> {
///     if replica == 1 { Err(io::ErrorKind::HostUnreachable.into()) } else { Ok(42) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), NoQuorum<u64, io::Error>> {
/// let majority = NonZeroUsize::new(2).expect("it is 2");
/// let written = quorum(majority, (0..3).map(write)).await?;
/// assert_eq!(written, [(0, 42), (2, 42)]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "majority")]
#[doc(alias = "some")]
#[track_caller]
pub fn quorum<I, M, T, E>(needed: NonZeroUsize, inputs: I) -> Quorum<I::Future, T, E>
where
    I: UniformInputs<M, Output = Result<T, E>>,
    E: fmt::Debug,
{
    let in_flight = InFlight::new(Unstarted::new(inputs.into_uniform()));
    let votes = Votes { in_flight, needed: needed.get(), values: Vec::new(), errors: Vec::new() };
    Quorum { votes: Settling::new(KIND, votes, |kind, result| report(kind, errors_of(&result))) }
}

pin_project! {
    /// Future of [`quorum`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inputs, and the values that are there already. What they leave behind is waited for by the nearest enclosing
    /// scope, timeout or root. Inputs that are borrowed (`&mut future`) live on.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Quorum<F, T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Debug,
    {
        #[pin]
        votes: Settling<Votes<F, T, E>>,
    }
}

impl<F: Future<Output = Result<T, E>>, T, E: fmt::Debug> Future for Quorum<F, T, E> {
    type Output = Result<Vec<(usize, T)>, NoQuorum<T, E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().votes.poll(cx)
    }
}

impl<F: Future<Output = Result<T, E>>, T, E: fmt::Debug> fmt::Debug for Quorum<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Quorum").field(&self.votes).finish()
    }
}

const KIND: &str = "a quorum";

fn errors_of<T, E>(result: &Result<Vec<(usize, T)>, NoQuorum<T, E>>) -> impl Iterator<Item = &E> {
    result.as_ref().err().into_iter().flat_map(|none| none.errors.iter().map(|(_, error)| error))
}

struct Votes<F: Future, T, E> {
    in_flight: InFlight<Unstarted<F>>,
    needed: usize,
    values: Vec<(usize, T)>,
    errors: Vec<(usize, E)>,
}

// Neither inputs nor outputs are pinned in here.
impl<F: Future, T, E> Unpin for Votes<F, T, E> {}

impl<F: Future<Output = Result<T, E>>, T, E> Votes<F, T, E> {
    fn no_quorum(&mut self) -> NoQuorum<T, E> {
        NoQuorum {
            needed: self.needed,
            values: std::mem::take(&mut self.values),
            errors: std::mem::take(&mut self.errors),
        }
    }
}

impl<F: Future<Output = Result<T, E>>, T, E: fmt::Debug> Future for Votes<F, T, E> {
    type Output = Result<Vec<(usize, T)>, NoQuorum<T, E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if this.in_flight.waiting() + this.in_flight.running() + this.values.len() >= this.needed {
            this.in_flight.start(usize::MAX);
            let (needed, values) = (this.needed, &mut this.values);
            let kept = Accompanying::new(KIND, &mut this.errors);
            let errors = &mut *kept.errors;
            ready!(this.in_flight.poll_each(cx, |in_flight, number, output| {
                match output {
                    Ok(value) => values.push((number, value)),
                    Err(error) => errors.push((number, error)),
                }
                let decided = values.len() == needed || values.len() + in_flight.running() < needed;
                if decided { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }));
        }
        // Whichever way it was decided: the rest cannot change it.
        current::end_with(Ending::NotNeeded);
        Poll::Ready(if this.values.len() == this.needed {
            Ok(std::mem::take(&mut this.values))
        } else {
            Err(this.no_quorum())
        })
    }
}

/// Too few inputs of a [`quorum`] have succeeded, or were given.
pub struct NoQuorum<T, E> {
    needed: usize,
    values: Vec<(usize, T)>,
    errors: Vec<(usize, E)>,
}

impl<T, E> NoQuorum<T, E> {
    /// How many successes were needed.
    pub fn needed(&self) -> usize {
        self.needed
    }

    /// The errors so far, each with the number of its input, in the order in which they came.
    pub fn errors(&self) -> &[(usize, E)] {
        &self.errors
    }

    /// The values and the errors so far, each with the number of its input, in the order in which they came.
    #[expect(clippy::type_complexity, reason = "two lists of one shape")]
    pub fn into_parts(self) -> (Vec<(usize, T)>, Vec<(usize, E)>) {
        (self.values, self.errors)
    }
}

impl<T, E: fmt::Debug> fmt::Debug for NoQuorum<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoQuorum")
            .field("needed", &self.needed)
            .field("succeeded", &self.values.len())
            .field("errors", &self.errors)
            .finish()
    }
}

impl<T, E: fmt::Display> fmt::Display for NoQuorum<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let NoQuorum { needed, values, errors } = self;
        match &errors[..] {
            [] => write!(f, "a quorum of {needed} cannot be reached: give at least as many futures"),
            [(number, error), ..] => {
                let (failed, succeeded) = (errors.len(), values.len());
                write!(
                    f,
                    "no quorum of {needed}: {succeeded} succeeded, {failed} failed, first number {number}: {error}"
                )
            }
        }
    }
}

// Not `E: Error`: see `NoneOk`.
impl<T, E: fmt::Debug + fmt::Display> Error for NoQuorum<T, E> {}
