//! What some children wear: a place on the list of live tasks, a span, the permit of a limited group.

use std::{
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::sync::OwnedSemaphorePermit;

use crate::{
    group::Limit,
    inspect::{self, InLine, Known, Tracked},
    node::Node,
    trace::Span,
};

/// Where and under which name a child is spawned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) location: &'static Location<'static>,
}

/// What a child wears; most wear nothing, and then it costs nothing.
pub(crate) struct Dress {
    tracked: Option<Tracked>,
    span: Span,
    /// For a group with a limit: the permit, or the place in the line for one.
    permit: Option<OwnedSemaphorePermit>,
    line: Option<Pin<Box<dyn Future<Output = OwnedSemaphorePermit> + Send>>>,
}

impl Dress {
    #[inline]
    pub(crate) fn for_child(
        node: &Arc<Node>,
        origin: Origin<'_>,
        limit: Option<&Limit>,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Option<Self> {
        // Most children wear nothing, and pass here.
        if limit.is_none() && permit.is_none() && !inspect::is_on() && !Span::may_be_some() {
            return None;
        }
        let tracked = Tracked::new(origin.name, node, origin.location);
        let span = Span::of_child(origin.name);
        let line = limit.filter(|_| permit.is_none()).map(|limit| Box::pin(InLine::new(node, limit.acquire())) as _);
        let bare = tracked.is_none() && !span.is_some() && permit.is_none() && line.is_none();
        (!bare).then_some(Dress { tracked, span, permit, line })
    }

    /// For a task that is seen, and nothing else.
    pub(crate) fn seen(tracked: Tracked) -> Self {
        Dress { tracked: Some(tracked), span: Span::none(), permit: None, line: None }
    }

    /// To be told how whoever awaits the task knows it.
    pub(crate) fn known(&self) -> Option<Known> {
        self.tracked.as_ref().map(Tracked::known)
    }
}

/// A child that is seen, or limited. Boxed: one type for all futures of an output, not a second copy of the task's code for each.
pub(crate) struct Dressed<F: ?Sized> {
    // Dropped first: it is alive, in its span and under its permit, until it is gone.
    future: Option<Pin<Box<F>>>,
    dress: Dress,
}

impl<F: ?Sized> Dressed<F> {
    pub(crate) fn new(future: Pin<Box<F>>, dress: Dress) -> Self {
        Dressed { future: Some(future), dress }
    }
}

impl<F: ?Sized> Drop for Dressed<F> {
    fn drop(&mut self) {
        let Dressed { future, dress } = self;
        let _entered = dress.span.enter();
        match &dress.tracked {
            Some(tracked) => tracked.run(|| *future = None),
            None => *future = None,
        }
    }
}

impl<F: Future + ?Sized> Future for Dressed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Dressed { future, dress } = &mut *self;
        let Dress { tracked, span, permit, line } = dress;
        inspect::poll(tracked, cx, |cx| {
            if let Some(waiting) = line {
                *permit = Some(ready!(waiting.as_mut().poll(cx)));
                *line = None;
            }
            let _entered = span.enter();
            future.as_mut().expect("the future is taken only by the drop").as_mut().poll(cx)
        })
    }
}
