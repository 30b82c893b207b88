//! The inputs and the body, polled beside each other.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use pin_project_lite::pin_project;

use super::completed::Shared;
use crate::{
    bell::Bell,
    current::{self, Ending},
    several::{InFlight, Unstarted},
};

pin_project! {
    /// Ready with the body's output.
    pub(super) struct Serve<F: Future, B> {
        #[pin]
        body: B,
        bell: Arc<Bell>,
        body_waker: Waker,
        in_flight: InFlight<Unstarted<F>>,
        shared: Arc<Shared<F::Output>>,
    }

    impl<F: Future, B> PinnedDrop for Serve<F, B> {
        fn drop(this: Pin<&mut Self>) {
            this.shared.close();
        }
    }
}

impl<F: Future, B> Serve<F, B> {
    pub(super) fn new(body: B, inputs: Vec<F>, shared: Arc<Shared<F::Output>>) -> Self {
        let bell = Bell::new();
        let body_waker = bell.clone().into();
        Serve { body, bell, body_waker, in_flight: InFlight::new(Unstarted::new(inputs)), shared }
    }
}

impl<F: Future, B: Future> Future for Serve<F, B> {
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<B::Output> {
        let this = self.project();
        this.bell.stay_awake();
        this.in_flight.start(usize::MAX);
        // The inputs first: the body then finds what has come. Whether they are done does not matter, the body is told.
        let _ = this.in_flight.poll_each::<()>(cx, |_, number, output| {
            this.shared.push(number, output);
            std::ops::ControlFlow::Continue(())
        });
        if this.bell.answer() {
            if let Poll::Ready(output) = this.body.poll(&mut Context::from_waker(this.body_waker)) {
                current::end_with(Ending::NotNeeded);
                return Poll::Ready(output);
            }
        }
        this.bell.sleep(cx.waker());
        if this.bell.has_rung() {
            // It woke itself, to let other tasks run.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}
