//! The futures that are being polled, and those that wait for their turn.

use std::{
    fmt,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll},
};

use futures_buffered::FuturesUnorderedBounded;
use futures_util::Stream;

use super::numbered::Numbered;

/// How many futures may end in one poll. Then the task gives way to others: a hundred thousand that are ready would not let them run.
pub(crate) const TURNS: usize = 1024;

/// Polls the futures that come from `source`, so many at once, and only those that were woken.
pub(crate) struct InFlight<I: Iterator> {
    source: I,
    /// Made by the first poll, which knows the limit.
    set: Option<FuturesUnorderedBounded<Numbered<I::Item>>>,
    started: usize,
}

// The source is never pinned, and the set keeps its futures elsewhere.
impl<I: Iterator> Unpin for InFlight<I> {}

impl<I: Iterator<Item: Future>> InFlight<I> {
    pub(crate) fn new(source: I) -> Self {
        InFlight { source, set: None, started: 0 }
    }

    pub(crate) fn source(&mut self) -> &mut I {
        &mut self.source
    }

    /// How many are left that have not been started.
    #[inline]
    pub(crate) fn waiting(&self) -> usize {
        self.source.size_hint().0
    }

    pub(crate) fn running(&self) -> usize {
        self.set.as_ref().map_or(0, FuturesUnorderedBounded::len)
    }

    /// Starts the next one, if there is one. No more than `limit`, which is the same at every call, may run at once.
    pub(crate) fn start_next(&mut self, limit: usize) {
        let room = self.waiting().min(limit);
        let Some(future) = self.source.next() else { return };
        let set = self.set.get_or_insert_with(|| FuturesUnorderedBounded::new(room));
        set.push(Numbered::new(self.started, future));
        self.started += 1;
    }

    /// Starts as many as may run at once.
    #[inline]
    pub(crate) fn start(&mut self, limit: usize) {
        // Asked after every output, and mostly there is nothing: that much is inlined.
        if self.waiting() > 0 {
            self.start_waiting(limit);
        }
    }

    fn start_waiting(&mut self, limit: usize) {
        if self.set.is_none() && self.waiting() <= limit {
            let numbered = self.source.by_ref().enumerate().map(|(number, future)| Numbered::new(number, future));
            self.set = Some(numbered.collect());
            self.started = self.running();
        }
        while self.waiting() > 0 && self.running() < limit {
            self.start_next(limit);
        }
    }

    /// Hands the output of each future that ends to `take`, with its number, until that breaks off. Ready with `None` when nothing runs any more.
    ///
    /// `take` may start others; see [`InFlight::start_next`].
    #[inline]
    pub(crate) fn poll_each<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&mut Self, usize, <I::Item as Future>::Output) -> ControlFlow<B>,
    ) -> Poll<Option<B>> {
        for _ in 0..TURNS {
            let Some(set) = &mut self.set else { return Poll::Ready(None) };
            match Pin::new(set).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some((number, output))) => {
                    if let ControlFlow::Break(end) = take(self, number, output) {
                        return Poll::Ready(Some(end));
                    }
                }
            }
        }
        // The set was not asked to the end, so it may not call us again.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<I: Iterator> fmt::Debug for InFlight<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let running = self.set.as_ref().map_or(0, FuturesUnorderedBounded::len);
        f.debug_struct("InFlight")
            .field("started", &self.started)
            .field("running", &running)
            .field("waiting", &self.source.size_hint().0)
            .finish()
    }
}
