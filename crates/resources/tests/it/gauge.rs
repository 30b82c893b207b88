//! A resource that counts, and panics when two of it are alive.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bowline_resources::{Exit, Resource};
use tokio::task::yield_now;

use crate::support::Stuck;

/// Counts what is alive, and panics when it is too much.
#[derive(Clone, Default)]
pub(crate) struct Gauge {
    alive: Arc<AtomicUsize>,
    pub(crate) acquired: Arc<AtomicUsize>,
    pub(crate) released: Arc<AtomicUsize>,
}

pub(crate) struct Gauged {
    pub(crate) gauge: Gauge,
    pub(crate) awaits: usize,
}

pub(crate) struct Alive(Gauge);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Resource for Gauged {
    type Value = Alive;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<Alive, Stuck> {
        let before = self.gauge.alive.fetch_add(1, Ordering::SeqCst);
        assert_eq!(before, 0, "two are alive");
        let alive = Alive(self.gauge.clone());
        for _ in 0..self.awaits {
            yield_now().await;
        }
        self.gauge.acquired.fetch_add(1, Ordering::SeqCst);
        Ok(alive)
    }

    async fn release(&mut self, value: Alive, _: Exit) -> Result<(), Stuck> {
        for _ in 0..self.awaits {
            yield_now().await;
        }
        self.gauge.released.fetch_add(1, Ordering::SeqCst);
        drop(value);
        Ok(())
    }
}

impl Gauge {
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let read = |count: &AtomicUsize| count.load(Ordering::SeqCst);
        (read(&self.acquired), read(&self.released), read(&self.alive))
    }

    pub(crate) fn assert_balanced(&self) {
        let (acquired, released, alive) = self.counts();
        assert_eq!((released, alive), (acquired, 0));
    }
}
