//! Collecting the outputs of futures that are polled at once.

use std::{
    fmt,
    marker::PhantomData,
    ops::ControlFlow,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::judge::Judge;
use crate::{
    current::{self, Ending},
    primitive::{Mutex, lock},
    several::{InFlight, Outputs, Unstarted},
};

/// Where the outputs are left of a gathering that is dropped half-way.
pub(super) type Salvage<T> = Arc<Mutex<Option<Outputs<T>>>>;

/// Ready with all outputs, or with the first error.
pub(crate) struct Gathering<F: Future, J: Judge<F::Output>> {
    in_flight: InFlight<Unstarted<F>>,
    outputs: Outputs<J::Value>,
    limit: usize,
    salvage: Option<Salvage<J::Value>>,
    judge: PhantomData<fn() -> J>,
}

// Neither futures nor outputs are pinned in here.
impl<F: Future, J: Judge<F::Output>> Unpin for Gathering<F, J> {}

impl<F: Future, J: Judge<F::Output>> Gathering<F, J> {
    pub(super) fn new(futures: Vec<F>) -> Self {
        let outputs = Outputs::new(futures.len());
        let in_flight = InFlight::new(Unstarted::new(futures));
        Gathering { in_flight, outputs, limit: usize::MAX, salvage: None, judge: PhantomData }
    }

    pub(super) fn limit(&mut self, inputs: usize) {
        self.limit = inputs;
    }

    /// Where the outputs will be, if this is dropped.
    pub(super) fn salvage(&mut self) -> Salvage<J::Value> {
        self.salvage.get_or_insert_default().clone()
    }
}

impl<F: Future, J: Judge<F::Output>> Future for Gathering<F, J> {
    type Output = Result<Outputs<J::Value>, J::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Gathering { in_flight, outputs, limit, .. } = &mut *self;
        in_flight.start(*limit);
        let failed = ready!(in_flight.poll_each(cx, |in_flight, number, output| match J::judge(output) {
            Ok(value) => {
                outputs.put(number, value);
                in_flight.start(*limit);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }));
        Poll::Ready(match failed {
            None => Ok(outputs.take()),
            Some(error) => {
                current::end_with(Ending::SiblingFailed);
                Err(error)
            }
        })
    }
}

impl<F: Future, J: Judge<F::Output>> Drop for Gathering<F, J> {
    fn drop(&mut self) {
        if let Some(salvage) = &self.salvage {
            *lock(salvage) = Some(self.outputs.take());
        }
    }
}

impl<F: Future, J: Judge<F::Output>> fmt::Debug for Gathering<F, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("in_flight", &self.in_flight)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
