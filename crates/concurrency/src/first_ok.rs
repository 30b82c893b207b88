//! Several ways to get one value: the first that succeeds.

use std::{
    error::Error,
    fmt,
    num::NonZeroUsize,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;

use crate::several::{Settling, UniformInputs, Unstarted, report};

mod attempts;
mod hedge;

use attempts::Attempts;
pub use hedge::{Hedge, hedge};

/// Polls several futures at once in this task, and gives the first success, or all errors.
///
/// At the first `Ok` the others are dropped, and the value is returned when what they left behind has settled; they learn
/// [`NotNeeded`](crate::Reason::NotNeeded) from [`reason_for_drop`](crate::Scope::reason_for_drop). An error only leaves the race.
///
/// Inputs are those of [`gather`](crate::gather), with one type of value and one of error. All of them start at once, unless
/// [`staggered`](FirstOk::staggered) or [`limited`](FirstOk::limit).
///
/// # Errors
///
/// [`NoneOk`] with the error of every input, if all have failed; with no error if there was no input.
///
/// # When to use something else
///
/// See [the table](crate#which-of-several-futures). The same operation once more if it is slow: [`hedge`].
///
/// # Panics
///
/// With the payload of the first panic of an input, once the others were dropped and what that left behind has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{NoneOk, first_ok};
/// use std::io;
///
/// async fn fetch(mirror: &str) -> io::Result<String> {
///     match mirror {
///         "near" => Err(io::ErrorKind::ConnectionRefused.into()),
///         _ => Ok(format!("from {mirror}")),
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), NoneOk<io::Error>> {
/// let page = first_ok(["near", "far"].map(fetch)).await?;
/// assert_eq!(page, "from far");
///
/// let none: Result<String, _> = first_ok((fetch("near"), fetch("near"))).await;
/// assert_eq!(none.unwrap_err().errors().len(), 2);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "select_ok")]
#[doc(alias = "race_ok")]
#[doc(alias = "any")]
#[track_caller]
pub fn first_ok<I, M, T, E>(inputs: I) -> FirstOk<I::Future, T, E>
where
    I: UniformInputs<M, Output = Result<T, E>>,
    E: fmt::Debug,
{
    let attempts = Attempts::new("a first_ok", Unstarted::new(inputs.into_uniform()));
    FirstOk { attempts: Settling::new("a first_ok", attempts, NoneOk::outranked) }
}

pin_project! {
    /// Future of [`first_ok`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the inputs, and the errors so far. What the inputs leave behind is waited for by the nearest enclosing scope, timeout or
    /// root. Inputs that are borrowed (`&mut future`) live on.
    #[must_use = "futures do nothing unless awaited"]
    pub struct FirstOk<F, T, E>
    where
        F: Future<Output = Result<T, E>>,
        E: fmt::Debug,
    {
        #[pin]
        attempts: Settling<Attempts<Unstarted<F>, T, E>>,
    }
}

impl<F: Future<Output = Result<T, E>>, T, E: fmt::Debug> FirstOk<F, T, E> {
    /// Starts the inputs one after the other, in their order: the next one when `delay` has passed since the last start, or at once when one fails.
    ///
    /// The first ones are given a chance to make the others needless, as with the addresses of a host ("happy eyeballs", RFC 8305).
    ///
    /// ```
    /// use bowline_concurrency::{NoneOk, first_ok};
    /// use std::{future::pending, io, time::Duration};
    /// use tokio::time::Instant;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), NoneOk<io::Error>> {
    /// let began = Instant::now();
    /// let address = first_ok((pending(), async { Ok("192.0.2.1") })).staggered(Duration::from_millis(250)).await?;
    /// assert_eq!((address, began.elapsed()), ("192.0.2.1", Duration::from_millis(250)));
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "staggered_race")]
    #[doc(alias = "happy eyeballs")]
    pub fn staggered(mut self, delay: Duration) -> Self {
        self.attempts.get_mut().stagger(delay);
        self
    }

    /// Polls at most so many inputs at once: the next one starts when one fails. All at once unless set.
    pub fn limit(mut self, inputs: NonZeroUsize) -> Self {
        self.attempts.get_mut().limit(inputs.get());
        self
    }
}

impl<F: Future<Output = Result<T, E>>, T, E: fmt::Debug> Future for FirstOk<F, T, E> {
    type Output = Result<T, NoneOk<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().attempts.poll(cx)
    }
}

impl<F: Future<Output = Result<T, E>>, T, E: fmt::Debug> fmt::Debug for FirstOk<F, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FirstOk").field(&self.attempts).finish()
    }
}

/// No input of a [`first_ok`], and no attempt of a [`hedge`], has succeeded: the error of each.
///
/// It shows the first one, and how many others there are.
pub struct NoneOk<E> {
    errors: Vec<E>,
}

impl<E> NoneOk<E> {
    /// The errors, in the order of the inputs; empty if there was no input.
    pub fn errors(&self) -> &[E] {
        &self.errors
    }

    /// The errors as values.
    pub fn into_errors(self) -> Vec<E> {
        self.errors
    }
}

impl<E: fmt::Debug> NoneOk<E> {
    fn outranked<T>(kind: &'static str, result: Result<T, Self>) {
        if let Err(none) = result {
            report(kind, &none.errors);
        }
    }
}

impl<E: fmt::Debug> fmt::Debug for NoneOk<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NoneOk").field(&self.errors).finish()
    }
}

impl<E: fmt::Display> fmt::Display for NoneOk<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.errors[..] {
            [] => f.write_str("there was nothing to try: give at least one future"),
            [only] => only.fmt(f),
            [first, others @ ..] => write!(f, "none of {} succeeded; the first failed: {first}", others.len() + 1),
        }
    }
}

// Not `E: Error`: `anyhow::Error` and `Box<dyn Error>` are not, and `?` must work with them.
impl<E: fmt::Debug + fmt::Display> Error for NoneOk<E> {}
