//! Several futures, whose outputs are handled one by one as they come.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::several::Settling;

mod completed;
mod serve;

pub use completed::{Completed, NextCompleted};
use serve::Serve;

/// Polls several futures at once in this task, and hands each output to `body`, with the key of its input, when it comes.
///
/// The futures go on while the body awaits something else: that is what this form is for. An iterator over outputs whose futures are polled only
/// when the next one is asked for stops them meanwhile, and waits for ever if one of them holds a lock that the body wants ("futurelock").
///
/// Inputs are pairs of a key and a future. When the body ends, early or late, the futures that still run are dropped, and the body's output is
/// returned when what they left behind has settled. They learn [`NotNeeded`](crate::Reason::NotNeeded) from
/// [`reason_for_drop`](crate::Scope::reason_for_drop). Outputs that nobody took are dropped then. An output waits until it is asked for, so as many
/// may wait as there are inputs.
///
/// The body has Python's `asyncio.wait` in it as well: until the first has completed, [`next`](Completed::next) once; until the first has failed,
/// `next` until then; with a time limit, [`move_on_after`](crate::move_on_after) around `next`, which cancels nothing, and
/// [`pending`](Completed::pending) tells the keys of what is not there yet.
///
/// # When to use something else
///
/// See [the table](crate#which-of-several-futures). From an endless or expensive source: a stream's `buffer_unordered`.
///
/// # Panics
///
/// With the payload of the first panic of the body or of an input, once everything else was dropped and what that left behind has settled.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::as_completed;
/// use std::{io, time::Duration};
/// use tokio::time::sleep;
///
/// async fn fetch(page: u64) -> io::Result<String> {
///     sleep(Duration::from_millis(10 * (3 - page))).await;
///     Ok(format!("page {page}"))
/// }
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> io::Result<()> {
/// let order = as_completed((1..=2).map(|page| (page, fetch(page))), async |mut pages| {
///     let mut order = Vec::new();
///     while let Some((page, text)) = pages.next().await {
///         println!("{page}: {}", text?);
///         sleep(Duration::from_millis(50)).await; // The others go on.
///         order.push(page);
///     }
///     io::Result::Ok(order)
/// })
/// .await?;
/// assert_eq!(order, [2, 1]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "FuturesUnordered")]
#[doc(alias = "wait")]
#[doc(alias = "FIRST_COMPLETED")]
#[doc(alias = "FIRST_EXCEPTION")]
#[track_caller]
pub fn as_completed<I, K, F, C, B>(inputs: I, body: C) -> AsCompleted<F::IntoFuture, B>
where
    I: IntoIterator<Item = (K, F)>,
    F: IntoFuture,
    C: FnOnce(Completed<K, F::Output>) -> B,
    B: Future,
{
    let inputs = inputs.into_iter().map(|(key, future)| (Some(key), future.into_future()));
    let (keys, futures): (Vec<_>, Vec<_>) = inputs.unzip();
    let (completed, shared) = Completed::new(keys);
    AsCompleted {
        serve: Settling::new("an as_completed", Serve::new(body(completed), futures, shared), |_, output| drop(output)),
    }
}

pin_project! {
    /// Future of [`as_completed`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the body, the inputs and the outputs that nobody took. What they leave behind is waited for by the nearest enclosing scope,
    /// timeout or root. Inputs that are borrowed (`&mut future`) live on.
    #[must_use = "futures do nothing unless awaited"]
    pub struct AsCompleted<F, B>
    where
        F: Future,
        B: Future,
    {
        #[pin]
        serve: Settling<Serve<F, B>>,
    }
}

impl<F: Future, B: Future> Future for AsCompleted<F, B> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        self.project().serve.poll(cx)
    }
}

impl<F: Future, B: Future> fmt::Debug for AsCompleted<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AsCompleted").field(&self.serve).finish()
    }
}
