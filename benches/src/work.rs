//! What children do: little, so that the cost of being a child shows.

use std::{
    pin::Pin,
    sync::Arc,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll},
};

use tokio::{sync::Notify, task::yield_now};

/// Yields this many times: wakes itself and is pending, without the detour that `tokio::task::yield_now` takes.
#[derive(Debug)]
pub struct Yields(pub u32);

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Where children park, really: each has a waker registered, and is woken from outside.
#[derive(Debug)]
pub struct Gate {
    arrived: AtomicU32,
    opens_at: u32,
    opened: Notify,
}

impl Gate {
    /// A gate that opens when this many have arrived.
    pub fn opens_at(children: u32) -> Arc<Self> {
        Arc::new(Gate { arrived: AtomicU32::new(0), opens_at: children, opened: Notify::new() })
    }

    /// A gate that opens only by [`open`](Self::open).
    pub fn closed() -> Arc<Self> {
        Self::opens_at(u32::MAX)
    }

    /// Arrives and waits until the gate opens.
    pub async fn pass(self: Arc<Self>) {
        // It is reached by an opening from here on, polled or not.
        let opened = self.opened.notified();
        self.arrive();
        opened.await;
    }

    /// Arrives, and goes on.
    pub fn arrive(&self) {
        // Relaxed: the count guards no other memory.
        if self.arrived.fetch_add(1, Ordering::Relaxed) + 1 == self.opens_at {
            self.open();
        }
    }

    /// Waits until this many have arrived.
    pub async fn arrived(&self, children: u32) {
        while self.arrived.load(Ordering::Relaxed) < children {
            yield_now().await;
        }
    }

    /// Lets all go on that are here.
    pub fn open(&self) {
        self.opened.notify_waiters();
    }
}
