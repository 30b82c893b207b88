//! What the tests share: both runtimes, and polling by hand.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::runtime::Builder;

/// Runs the case on current_thread (with a paused clock) and on multi_thread.
pub(crate) fn on_both_runtimes<F: Future<Output = ()>>(case: impl Fn() -> F) {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be built")
        .block_on(case());
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a runtime can be built")
        .block_on(case());
}

/// A future that is polled by hand, with a count of its wake-ups.
pub(crate) struct ByHand<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<F: Future> ByHand<F> {
    pub(crate) fn new(future: F) -> Self {
        Self { future: Box::pin(future), wakes: Arc::default() }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// Polls, expecting the future to wait.
    #[track_caller]
    pub(crate) fn waits(mut self) -> Self {
        assert!(self.poll().is_pending(), "it was expected to wait");
        self
    }

    #[track_caller]
    pub(crate) fn finish(mut self) -> F::Output {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it was expected to be ready"),
        }
    }

    /// Drops the future; tells whether its waker has been dropped with it everywhere.
    pub(crate) fn leaves_nothing(self) -> bool {
        drop(self.future);
        Arc::strong_count(&self.wakes) == 1
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}
