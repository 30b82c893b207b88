//! A blocking call that tells when it has begun, and ends when the test says so.

use std::{pin::Pin, sync::mpsc};

use bowline_bridge::{BlockingPool, Call, CallContext};
use bowline_testing::poll_once;
use tokio::sync::oneshot;

/// One thread, and a queue of `queue`.
pub(crate) fn single(queue: usize) -> BlockingPool {
    BlockingPool::builder().name("db").threads(1).queue(queue).build().expect("a thread can be started")
}

pub(crate) struct Gate {
    begun: Option<oneshot::Receiver<()>>,
    open: mpsc::Sender<()>,
}

impl Gate {
    pub(crate) async fn begun(&mut self) {
        self.begun.take().expect("asked once").await.expect("the call runs");
    }

    /// Lets the call end.
    pub(crate) fn open(self) {
        self.open.send(()).expect("the call waits");
    }
}

/// A call that returns whether it has been cancelled by the time its gate opens.
pub(crate) fn gated(pool: &BlockingPool) -> (Call<bool>, Gate) {
    gated_with(pool, |cx| cx.is_cancelled())
}

pub(crate) fn gated_with<T: Send + 'static>(
    pool: &BlockingPool,
    end: impl FnOnce(&CallContext) -> T + Send + 'static,
) -> (Call<T>, Gate) {
    let (begin, begun) = oneshot::channel();
    let (open, opened) = mpsc::channel();
    let call = pool.run(move |cx| {
        let _ = begin.send(());
        let _ = opened.recv(); // Opened, or dropped.
        end(cx)
    });
    (call, Gate { begun: Some(begun), open })
}

/// Polls the call once, and waits until it runs.
pub(crate) async fn run_until_gate<T: Send + 'static>(call: &mut Call<T>, gate: &mut Gate) {
    tokio::select! {
        biased;
        _ = call => panic!("the gate is closed"),
        () = gate.begun() => {}
    }
}

/// Polls the call once, which leaves it waiting.
pub(crate) fn begin<T: Send + 'static>(mut call: Call<T>) -> Call<T> {
    assert!(poll_once(Pin::new(&mut call)).is_pending());
    call
}
