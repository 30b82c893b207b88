//! Several futures, all of whose outputs are wanted.

use std::{
    fmt,
    marker::PhantomData,
    num::NonZeroUsize,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;

use crate::several::{Inputs, Settling, Shape, Tried};

mod gathering;
mod judge;
mod within;

use gathering::Gathering;
pub(crate) use judge::Judge;
pub use judge::{AsItIs, OrError};
pub use within::GatherWithin;

/// Polls several futures at once in this task, and gives their outputs in the order of the inputs.
///
/// An output is a value, whatever it is: of futures that give a `Result`, all results come back, successes and errors
/// (`asyncio.gather` with `return_exceptions=True`). To stop at the first error use [`try_gather`].
///
/// - Inputs are iterators, `Vec`s, arrays and tuples ([`Inputs`]); the outputs come as a `Vec`, an array, a tuple. They may borrow. Of nothing, the
///   result is empty, at once.
/// - Each future is polled only when it was woken, and all of them are polled at once unless there is a [`limit`](Gather::limit).
/// - What the futures leave behind, such as releases that they owe, has settled when the outputs are returned.
/// - Inputs are taken from their iterator at the call, and nothing is polled before the first poll.
///
/// The futures are concurrent and not parallel: one that computes, or blocks, holds up the others. When 1,024 of them have ended in one poll, it gives way
/// to other tasks, and goes on at the next one. For work in parallel spawn
/// [`Task`](crate::Task)s in a [`scope`](crate::scope) and gather these: awaiting thousands of handles here is linear.
///
/// # When to use something else
///
/// See [the table](crate#which-of-several-futures). From an endless or expensive source, one by one: a stream's `buffered`.
///
/// # Panics
///
/// The future panics with the payload of the first panic of an input, once the others were dropped and what that left behind has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::gather;
/// use std::{num::NonZeroUsize, num::ParseIntError};
///
/// async fn parse(text: &str) -> Result<u32, ParseIntError> {
///     text.parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ParseIntError> {
/// let texts = ["1", "two", "3"];
/// let numbers = gather(texts.into_iter().map(parse)).await;
/// assert!(numbers[0] == Ok(1) && numbers[1].is_err() && numbers[2] == Ok(3));
///
/// let (number, length) = gather((parse("4"), async { "four".len() })).await;
/// assert_eq!(number? as usize, length);
///
/// let four = NonZeroUsize::new(4).expect("it is 4");
/// let squares = gather((0..100_u64).map(|n| async move { n * n })).limit(four).await;
/// assert_eq!(squares[99], 9_801);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "join_all")]
#[doc(alias = "join")]
#[doc(alias = "awaitAll")]
#[doc(alias = "buffered")]
#[track_caller]
pub fn gather<I, M>(inputs: I) -> Gather<I::Future, I::Shape, AsItIs>
where
    I: Inputs<M>,
    I::Shape: Shape<<I::Future as Future>::Output>,
{
    Gather::new(inputs.into_futures())
}

/// Polls several futures at once in this task, and gives their values in the order of the inputs, or the first error.
///
/// At the first error the others are dropped, and the error is returned when what they left behind has settled. They learn
/// [`SiblingFailed`](crate::Reason::SiblingFailed) from [`reason_for_drop`](crate::Scope::reason_for_drop). Otherwise like [`gather`].
///
/// All futures have one type of error. It is returned as it is: there is only one, since nothing is polled after it.
///
/// # Errors
///
/// The first error of an input.
///
/// # Panics
///
/// As that of [`gather`].
///
/// # Examples
///
/// ```
/// use bowline_concurrency::try_gather;
/// use std::num::{NonZeroUsize, ParseIntError};
///
/// async fn parse(text: &str) -> Result<u32, ParseIntError> {
///     text.parse()
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), ParseIntError> {
/// let two = NonZeroUsize::new(2).expect("it is 2");
/// let numbers = try_gather(["1", "2", "3"].map(parse)).limit(two).await?;
/// assert_eq!(numbers, [1, 2, 3]);
///
/// let (number, length) = try_gather((parse("4"), async { Ok("four".len()) })).await?;
/// assert_eq!(number as usize, length);
///
/// assert!(try_gather((parse("5"), parse("six"))).await.is_err());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "try_join_all")]
#[doc(alias = "try_join")]
#[doc(alias = "errgroup")]
#[track_caller]
pub fn try_gather<I, M>(inputs: I) -> Gather<I::Future, I::Shape, OrError>
where
    I: Inputs<M>,
    I::Future: Future<Output: Tried<Error: fmt::Debug>>,
    I::Shape: Shape<<<I::Future as Future>::Output as Tried>::Value>,
{
    Gather::new(inputs.into_futures())
}

pin_project! {
    /// Future of [`gather`] and [`try_gather`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inputs, and the outputs that are there already. What they leave behind is waited for by the nearest enclosing scope,
    /// timeout or root. Inputs that are borrowed (`&mut future`) live on, and can be polled again. To keep what is finished when time is over, use
    /// [`within`](Gather::within).
    ///
    /// Between two polls all inputs stand still, so do not keep it aside, as in a `select!` over `&mut gather`, while one of them may hold a lock
    /// that you need.
    #[must_use = "futures do nothing unless awaited"]
    pub struct Gather<F, S, J>
    where
        F: Future,
        J: Judge<F::Output>,
    {
        #[pin]
        gathering: Settling<Gathering<F, J>>,
        shape: PhantomData<fn() -> S>,
    }
}

impl<F, S, J> Gather<F, S, J>
where
    F: Future,
    J: Judge<F::Output>,
{
    #[track_caller]
    fn new(futures: Vec<F>) -> Self {
        Gather { gathering: Settling::new("a gather", Gathering::new(futures), J::outranked), shape: PhantomData }
    }

    /// Polls at most so many inputs at once, in the order in which they came; all of them unless set.
    ///
    /// Only polling is bounded: the inputs themselves are there from the beginning.
    #[doc(alias = "buffer_unordered")]
    #[doc(alias = "semaphore")]
    pub fn limit(mut self, inputs: NonZeroUsize) -> Self {
        self.gathering.get_mut().limit(inputs.get());
        self
    }

    /// Gives the inputs at most so long: what has its output by then is kept, the others are dropped, and each of them reads [`Elapsed`](crate::Elapsed).
    ///
    /// The clock starts at the first poll. It is a [`timeout`](crate::timeout()) like any other.
    ///
    /// ```
    /// use bowline_concurrency::gather;
    /// use std::{future::pending, time::Duration};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (fast, never) = gather((async { 1 }, pending::<u8>())).within(Duration::from_millis(50)).await;
    /// assert_eq!(fast?, 1);
    /// assert!(never.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "timeout")]
    #[track_caller]
    pub fn within(self, limit: Duration) -> GatherWithin<F, S, J> {
        GatherWithin::new(limit, self.gathering.into_inner())
    }
}

impl<F, S, J> Future for Gather<F, S, J>
where
    F: Future,
    S: Shape<J::Value>,
    J: Judge<F::Output>,
{
    type Output = J::Verdict<S::All>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(J::verdict(ready!(self.project().gathering.poll(cx)).map(S::all)))
    }
}

impl<F, S, J> fmt::Debug for Gather<F, S, J>
where
    F: Future,
    J: Judge<F::Output>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gather").field(&self.gathering).finish()
    }
}
