//! What a shutdown tells.

use std::fmt;

use super::shared::{Names, Shared};

/// What became of the tasks of a [`BackgroundTasks`](crate::BackgroundTasks) that was shut down, by name.
///
/// Periodic and supervised tasks and those in slots stand here like others, each once. Its text is one line for a log:
///
/// ```
/// use bowline_concurrency::{BackgroundTasks, cancelled};
/// use std::{future::pending, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tasks = BackgroundTasks::new();
/// tasks.spawn("flush", async { drop(cancelled().await) })?;
/// tasks.spawn("poll for news", pending::<()>())?;
/// let report = tasks.shutdown(Duration::from_secs(10)).await;
/// assert!(!report.is_clean());
/// assert_eq!(report.to_string(), "1 task ended by itself, flush within the grace; aborted after the grace: poll for news");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ShutdownReport {
    /// How many tasks had ended by themselves since the beginning, the cooperative ones included.
    pub finished: u64,
    /// How many tasks had lost their [slot](crate::TaskSlot) since the beginning, to a newer one or by a `cancel`. They stand nowhere else; one
    /// that is not gone even now is stuck instead.
    pub replaced: u64,
    /// Tasks that ended within the grace.
    pub cooperative: Vec<String>,
    /// Tasks that were aborted after the grace.
    pub aborted: Vec<String>,
    /// Tasks and cleanups that were not gone when the time to settle was over (5 s after they were aborted, unless
    /// [set](crate::BackgroundTasks::settle_within)), and run on.
    pub stuck: Vec<String>,
}

impl ShutdownReport {
    /// `before`: what ran when the shutdown began; `aborted`: what ran after the grace; `left`: cleanups that are not done.
    pub(super) fn new(shared: &Shared, before: &Names, aborted: &Names, left: Vec<String>) -> Self {
        let stuck = shared.names(true);
        ShutdownReport {
            finished: shared.finished(),
            replaced: shared.evicted(),
            cooperative: without(before, aborted),
            aborted: without(aborted, &stuck),
            stuck: stuck.values().map(ToString::to_string).chain(left).collect(),
        }
    }

    /// Whether every task has ended by itself: none was aborted, none is stuck.
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty() && self.stuck.is_empty()
    }
}

fn without(names: &Names, gone: &Names) -> Vec<String> {
    names.iter().filter(|(key, _)| !gone.contains_key(key)).map(|(_, name)| name.to_string()).collect()
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.finished {
            1 => f.write_str("1 task ended by itself")?,
            n => write!(f, "{n} tasks ended by themselves")?,
        }
        if !self.cooperative.is_empty() {
            write!(f, ", {} within the grace", self.cooperative.join(", "))?;
        }
        if self.replaced > 0 {
            write!(f, "; replaced in their slots: {}", self.replaced)?;
        }
        if !self.aborted.is_empty() {
            write!(f, "; aborted after the grace: {}", self.aborted.join(", "))?;
        }
        if !self.stuck.is_empty() {
            write!(f, "; still not gone: {}", self.stuck.join(", "))?;
        }
        Ok(())
    }
}
