//! Polling by hand.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::task::unconstrained;

use crate::on_wake::Flag;

/// Polls a future once, with a waker that does nothing.
///
/// To see whether the future was woken afterwards use [`Polled`]. The poll ignores Tokio's cooperative budget, so that a
/// loop of polls is not told to yield.
///
/// # Examples
///
/// ```
/// use bowline_testing::poll_once;
/// use std::{pin::pin, task::Poll};
///
/// let (sender, receiver) = tokio::sync::oneshot::channel();
/// let mut receiver = pin!(receiver);
/// assert_eq!(poll_once(receiver.as_mut()), Poll::Pending);
/// sender.send("mail")?;
/// assert_eq!(poll_once(receiver.as_mut()), Poll::Ready(Ok("mail")));
/// # Ok::<_, &str>(())
/// ```
pub fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    Pin::new(&mut unconstrained(future)).poll(&mut Context::from_waker(waker))
}

/// A future that a test polls by hand, and that says whether it was woken.
///
/// # Examples
///
/// ```
/// use bowline_testing::Polled;
/// use tokio::sync::Notify;
///
/// let bell = Notify::new();
/// let mut heard = Polled::new(bell.notified());
/// heard.assert_pending();
/// assert!(!heard.is_woken());
///
/// bell.notify_one();
/// assert!(heard.is_woken());
/// heard.assert_ready();
/// ```
#[doc(alias = "tokio_test::task::spawn")]
pub struct Polled<F> {
    future: Pin<Box<F>>,
    flag: Arc<Flag>,
}

impl<F: Future> Polled<F> {
    /// Takes a future; polls nothing yet.
    pub fn new(future: F) -> Self {
        Polled { future: Box::pin(future), flag: Arc::default() }
    }

    /// Polls once. [`is_woken`](Polled::is_woken) is `false` afterwards, unless the poll itself woke the future.
    pub fn poll(&mut self) -> Poll<F::Output> {
        self.flag.take();
        poll_with(self.future.as_mut(), &Waker::from(self.flag.clone()))
    }

    /// Whether the future was woken since it was last polled.
    pub fn is_woken(&self) -> bool {
        self.flag.is_woken()
    }

    /// How often the future was woken since it was made: a wake-up too many costs, one too few hangs.
    pub fn wakes(&self) -> usize {
        self.flag.wakes()
    }

    /// Polls once and expects that the future suspends.
    ///
    /// # Panics
    ///
    /// If the future is ready.
    #[track_caller]
    pub fn assert_pending(&mut self) {
        assert!(self.poll().is_pending(), "the future is ready; it was expected to be pending");
    }

    /// Polls once and expects that the future is done; gives its output.
    ///
    /// # Panics
    ///
    /// If the future is pending.
    #[track_caller]
    pub fn assert_ready(&mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("the future is pending; it was expected to be ready"),
        }
    }
}

impl<F> fmt::Debug for Polled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polled").field("woken", &self.flag.is_woken()).field("wakes", &self.flag.wakes()).finish()
    }
}
