//! A future that is polled only when it was woken, whatever else wakes the task that it is part of.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// A waker that remembers that it was woken, and passes it on.
#[derive(Debug, Default)]
pub(crate) struct Flag {
    woken: AtomicBool,
    wakes: AtomicUsize,
    outer: Mutex<Option<Waker>>,
}

impl Flag {
    pub(crate) fn is_woken(&self) -> bool {
        // Acquire: who is told of a wake sees what was written before it.
        self.woken.load(Ordering::Acquire)
    }

    /// Whether it was woken since the last call.
    pub(crate) fn take(&self) -> bool {
        self.woken.swap(false, Ordering::AcqRel)
    }

    /// How often it was woken.
    pub(crate) fn wakes(&self) -> usize {
        // Relaxed: a statistic; `woken` orders.
        self.wakes.load(Ordering::Relaxed)
    }

    pub(crate) fn pass_on_to(&self, waker: &Waker) {
        let mut outer = self.outer.lock().unwrap_or_else(PoisonError::into_inner);
        let old = if outer.as_ref().is_some_and(|outer| outer.will_wake(waker)) {
            None
        } else {
            outer.replace(waker.clone())
        };
        drop(outer);
        drop(old); // The last waker of a task frees the task: not under the lock.
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.woken.store(true, Ordering::Release);
        let outer = self.outer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(outer) = outer {
            outer.wake();
        }
    }
}

/// What a poll of an [`OnWake`] found.
pub(crate) enum Progress<T> {
    /// The future was not woken and so not polled.
    Asleep,
    /// It was polled and suspended.
    Suspended,
    Finished(T),
}

#[derive(Debug)]
pub(crate) struct OnWake<F> {
    future: Pin<Box<F>>,
    flag: Arc<Flag>,
}

impl<F: Future> OnWake<F> {
    pub(crate) fn new(future: F) -> Self {
        let flag = Arc::new(Flag::default());
        // The first poll needs no wake.
        flag.woken.store(true, Ordering::Relaxed);
        OnWake { future: Box::pin(future), flag }
    }

    /// Whether the next poll will reach the future. A task whose poll comes here is woken when that changes.
    pub(crate) fn is_woken(&self) -> bool {
        self.flag.is_woken()
    }

    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Progress<F::Output> {
        // Before the look at the flag: a wake after the look finds the waker.
        self.flag.pass_on_to(cx.waker());
        if !self.flag.take() {
            return Progress::Asleep;
        }
        let waker = Waker::from(self.flag.clone());
        match self.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Progress::Finished(output),
            Poll::Pending => Progress::Suspended,
        }
    }
}
