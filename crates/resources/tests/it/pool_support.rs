//! A resource for pools: what it does next can be changed at any time.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
    time::Duration,
};

use bowline_resources::{AcquireError, Exit, GiveBackError, Pool, PoolBuilder, PoolStatistics, Pooled, Resource};
use bowline_testing::{Polled, Probe};
use tokio::task::yield_now;

use crate::support::{Act, BUDGET, Log, Stuck, name};

/// Logs `open 1`, `reset 1: completed`, `check 1`, `closed 1: failed`.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) log: Log,
    script: Arc<Mutex<Script>>,
}

/// After how many awaits each step does what.
pub(crate) struct Script {
    pub(crate) open: (usize, Act),
    pub(crate) reset: (usize, Act),
    pub(crate) check: (usize, Act),
    pub(crate) close: (usize, Act),
    pub(crate) is_usable: fn(&Line) -> bool,
    /// `None`: the default.
    pub(crate) is_reusable_after: Option<fn(&Exit) -> bool>,
    opened: u32,
    live: usize,
    pub(crate) most_live: usize,
}

/// The value.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) number: u32,
    pub(crate) is_broken: bool,
    _probe: Probe,
    _live: Live,
}

/// Counts the values that are alive by their drops.
struct Live(Arc<Mutex<Script>>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.lock().expect("no panic under the lock").live -= 1;
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Live")
    }
}

impl Wire {
    pub(crate) fn new(log: &Log) -> Self {
        let script = Script {
            open: (1, Act::Works),
            reset: (0, Act::Works),
            check: (0, Act::Works),
            close: (1, Act::Works),
            is_usable: |line| !line.is_broken,
            is_reusable_after: None,
            opened: 0,
            live: 0,
            most_live: 0,
        };
        Wire { log: log.clone(), script: Arc::new(Mutex::new(script)) }
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no panic under the lock")
    }

    /// A builder of a pool of at most so many.
    pub(crate) fn pool(&self, max_size: usize) -> PoolBuilder<Wire> {
        Pool::builder(self.clone(), max_size.try_into().expect("more than none"))
    }
}

async fn act(what: &'static str, (awaits, act): (usize, Act)) -> Result<(), Stuck> {
    for _ in 0..awaits {
        yield_now().await;
    }
    match act {
        Act::Works => Ok(()),
        Act::Fails => Err(Stuck(what)),
        Act::Panics => panic!("{what} panics"),
        Act::Hangs => pending().await,
    }
}

impl Resource for Wire {
    type Value = Line;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<Line, Stuck> {
        let open = self.script().open;
        act("open", open).await?;
        let mut script = self.script();
        script.opened += 1;
        script.live += 1;
        script.most_live = script.most_live.max(script.live);
        let number = script.opened;
        self.log.add(format!("open {number}"));
        let probe = self.log.values.probe(number.to_string());
        Ok(Line { number, is_broken: false, _probe: probe, _live: Live(Arc::clone(&self.script)) })
    }

    async fn release(&mut self, line: Line, exit: Exit) -> Result<(), Stuck> {
        self.log.add(format!("closing {}", line.number));
        let close = self.script().close;
        let outcome = act("close", close).await;
        self.log.add(format!("closed {}: {}", line.number, name(&exit)));
        outcome
    }

    fn release_within(&self) -> Duration {
        BUDGET
    }
}

impl Pooled for Wire {
    fn is_usable(&self, line: &Line) -> bool {
        let is_usable = self.script().is_usable;
        is_usable(line)
    }

    fn is_reusable_after(&self, _: &Line, exit: &Exit) -> bool {
        let is_reusable = self.script().is_reusable_after;
        is_reusable.map_or(matches!(exit, Exit::Completed | Exit::Failed), |is_reusable| is_reusable(exit))
    }

    async fn reset(&mut self, line: &mut Line, exit: &Exit) -> Result<(), Stuck> {
        let reset = self.script().reset;
        act("reset", reset).await?;
        self.log.add(format!("reset {}: {}", line.number, name(exit)));
        Ok(())
    }

    async fn check(&mut self, line: &mut Line) -> Result<(), Stuck> {
        self.log.add(format!("check {}", line.number));
        let check = self.script().check;
        act("check", check).await
    }
}

/// What bodies fail with.
#[derive(Debug)]
pub(crate) struct Failed;

impl From<AcquireError<Stuck>> for Failed {
    fn from(_: AcquireError<Stuck>) -> Self {
        Failed
    }
}

pub(crate) fn reset_error(error: GiveBackError<Stuck>) -> Stuck {
    match error {
        GiveBackError::Reset(stuck) => stuck,
        other => panic!("{other:?}"),
    }
}

/// Nothing is on its way, nobody waits, and the books agree.
pub(crate) fn assert_at_rest(pool: &Pool<Wire>) -> PoolStatistics {
    let now = pool.statistics();
    assert_eq!((now.in_use, now.creating, now.recycling, now.closing, now.waiting), (0, 0, 0, 0, 0), "{now:?}");
    assert_eq!(now.size, now.idle);
    assert_eq!(now.created, now.idle as u64 + now.destroyed.total(), "{now:?}");
    now
}

/// Polls on until it is done.
pub(crate) async fn finish<F: Future>(mut polled: Polled<F>) -> F::Output {
    loop {
        match polled.poll() {
            Poll::Ready(output) => return output,
            Poll::Pending => yield_now().await,
        }
    }
}
