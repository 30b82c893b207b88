//! A resource that writes down what happens to it, and an observer that does the same.

use std::{
    error::Error,
    fmt,
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use bowline_concurrency::{Reason, Scope};
use bowline_resources::{Exit, Resource};
use bowline_testing::{DropLog, Probe};
use tokio::task::yield_now;

/// What happened, in order; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    entries: Arc<Mutex<Vec<String>>>,
    pub(crate) values: DropLog,
}

impl Log {
    pub(crate) fn add(&self, entry: impl Into<String>) {
        self.entries.lock().expect("no panic under the lock").push(entry.into());
    }

    pub(crate) fn entries(&self) -> Vec<String> {
        self.entries.lock().expect("no panic under the lock").clone()
    }

    /// The rest of the entries that begin with `start`.
    pub(crate) fn all(&self, start: &str) -> Vec<String> {
        self.entries().iter().filter_map(|entry| entry.strip_prefix(start)).map(str::to_owned).collect()
    }

    /// The names of what was opened, in that order.
    pub(crate) fn opened(&self) -> Vec<String> {
        self.all("open ")
    }

    /// The names of what was closed, in that order.
    pub(crate) fn closed(&self) -> Vec<String> {
        self.all("closed ").iter().filter_map(|entry| entry.split(':').next()).map(str::to_owned).collect()
    }

    /// All that was opened was closed once, the last one first, and no value is left.
    pub(crate) fn assert_balanced(&self) {
        let mut opened = self.opened();
        opened.reverse();
        assert_eq!(self.closed(), opened, "{:?}", self.entries());
        assert_eq!(self.values.live(), 0, "a value is left: {:?}", self.entries());
    }
}

impl Log {
    /// Like [`assert_balanced`](Log::assert_balanced), for what is closed in another order.
    pub(crate) fn assert_balanced_in_any_order(&self) {
        let (mut opened, mut closed) = (self.opened(), self.closed());
        opened.sort();
        closed.sort();
        assert_eq!(closed, opened, "{:?}", self.entries());
        assert_eq!(self.values.live(), 0, "a value is left: {:?}", self.entries());
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stuck(pub(crate) &'static str);

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Stuck {}

/// What an acquisition or a release does after its awaits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Act {
    Works,
    Fails,
    Panics,
    Hangs,
}

pub(crate) const BUDGET: Duration = Duration::from_secs(7);

/// The resource: logs `open a`, `closing a`, `closed a: completed`.
pub(crate) struct Door {
    name: &'static str,
    log: Log,
    acquire: (usize, Act),
    release: (usize, Act),
}

impl Door {
    pub(crate) fn new(name: &'static str, log: &Log) -> Self {
        Door { name, log: log.clone(), acquire: (1, Act::Works), release: (1, Act::Works) }
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn acquire(mut self, awaits: usize, act: Act) -> Self {
        self.acquire = (awaits, act);
        self
    }

    pub(crate) fn release(mut self, awaits: usize, act: Act) -> Self {
        self.release = (awaits, act);
        self
    }

    async fn act(&self, what: &'static str, (awaits, act): (usize, Act)) -> Result<(), Stuck> {
        for _ in 0..awaits {
            yield_now().await;
        }
        perform(what, act).await
    }
}

async fn perform(what: &'static str, act: Act) -> Result<(), Stuck> {
    match act {
        Act::Works => Ok(()),
        Act::Fails => Err(Stuck(what)),
        Act::Panics => panic!("{what} panics"),
        Act::Hangs => pending().await,
    }
}

impl Resource for Door {
    type Value = Probe;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<Probe, Stuck> {
        self.act("acquire", self.acquire).await?;
        self.log.add(format!("open {}", self.name));
        Ok(self.log.values.probe(self.name))
    }

    async fn release(&mut self, value: Probe, exit: Exit) -> Result<(), Stuck> {
        self.log.add(format!("closing {}", self.name));
        let outcome = self.act("release", self.release).await;
        drop(value);
        self.log.add(format!("closed {}: {}", self.name, name(&exit)));
        outcome
    }

    fn release_within(&self) -> Duration {
        BUDGET
    }
}

/// An exit in a few words, with the name of the deadline if it was one.
pub(crate) fn name(exit: &Exit) -> String {
    match exit {
        Exit::Completed => "completed".into(),
        Exit::Failed => "failed".into(),
        Exit::Panicked => "panicked".into(),
        Exit::Cancelled(Reason::DeadlineElapsed(deadline)) => format!("deadline {}", deadline.name().unwrap_or("?")),
        Exit::Cancelled(Reason::OwnerDropped) => "dropped".into(),
        Exit::Cancelled(reason) => reason.to_string(),
        other => panic!("an exit that no test expects: {other:?}"),
    }
}

/// A body of that many awaits.
pub(crate) async fn awaits(n: usize) -> Result<(), Stuck> {
    for _ in 0..n {
        yield_now().await;
    }
    Ok(())
}

/// Logs the failures that reach the current scope, as `error of ..`, `panic of ..`, `overdue ..`, `lost ..`.
pub(crate) fn observe(log: &Log) {
    let log = log.clone();
    Scope::current().observe_failures(move |failure| {
        let origin = failure.origin().split(' ').take(2).collect::<Vec<_>>().join(" ");
        let kind = match failure {
            _ if failure.is_panic() => "panic",
            _ if failure.is_overdue() => "overdue",
            _ if failure.is_lost() => "lost",
            _ => "error",
        };
        log.add(format!("observed {kind} of {origin}"));
    });
}

/// The text of the future's panic.
pub(crate) async fn panic_of<F: Future>(future: F) -> String {
    let mut future = pin!(future);
    let payload = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(_)) => panic!("it was expected to panic"),
        Err(payload) => Poll::Ready(payload),
    })
    .await;
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref().cloned()).expect("a panic with a text")
}

/// Its value is 7; logs `released a` at the end of a release, and `abandoned a with 7`.
pub(crate) struct Telling {
    name: &'static str,
    log: Log,
    release: Act,
    panics: bool,
}

impl Telling {
    pub(crate) fn new(name: &'static str, log: &Log, release: Act) -> Self {
        Telling { name, log: log.clone(), release, panics: false }
    }

    /// In its abandonment.
    pub(crate) fn panicking(mut self) -> Self {
        self.panics = true;
        self
    }
}

impl Resource for Telling {
    type Value = u32;
    type Error = Stuck;

    async fn acquire(&mut self) -> Result<u32, Stuck> {
        Ok(7)
    }

    async fn release(&mut self, _: u32, _: Exit) -> Result<(), Stuck> {
        yield_now().await;
        perform("release", self.release).await?;
        self.log.add(format!("released {}", self.name));
        Ok(())
    }

    fn release_within(&self) -> Duration {
        BUDGET
    }

    fn abandon(&mut self, value: Option<u32>) {
        let value = value.map_or("without a value".to_owned(), |value| format!("with {value}"));
        self.log.add(format!("abandoned {} {value}", self.name));
        assert!(!self.panics, "the abandonment panics");
    }
}
