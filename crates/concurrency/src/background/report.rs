//! What a shutdown tells.

use std::fmt;

use super::fate::{Fate, Watching};
use crate::one_line::push_escaped;

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
    /// Tasks that ended by themselves within the grace.
    pub cooperative: Vec<String>,
    /// Tasks that were cancelled alone meanwhile, through their handles.
    pub cancelled: Vec<String>,
    /// Tasks that were aborted after the grace, be it that of another shutdown at the same time, or cut short by the end of their runtime.
    pub aborted: Vec<String>,
    /// Tasks and cleanups that were not gone when the time to settle was over (5 s after they were aborted, unless
    /// [set](crate::BackgroundTasks::settle_within)), and run on.
    pub stuck: Vec<String>,
}

impl ShutdownReport {
    /// `left`: cleanups that are not done.
    pub(super) fn new(watching: &Watching<'_>, left: Vec<String>) -> Self {
        let (ended, stuck) = watching.outcome();
        let mut report = ShutdownReport {
            finished: watching.shared.finished(),
            replaced: watching.shared.evicted(),
            stuck: stuck.values().map(ToString::to_string).chain(left).collect(),
            ..ShutdownReport::default()
        };
        for (name, fate) in ended {
            match fate {
                Fate::Itself => report.cooperative.push(name),
                Fate::Cancelled => report.cancelled.push(name),
                Fate::Aborted => report.aborted.push(name),
                Fate::Evicted => {} // Counted as replaced.
            }
        }
        report
    }

    /// Whether the shutdown has forced nobody: no task was aborted, none is stuck. What the program itself has cancelled alone, or replaced in its slot,
    /// was not forced.
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty() && self.stuck.is_empty()
    }
}

fn list(names: &[String]) -> String {
    let mut text = String::new();
    push_escaped(&mut text, &names.join(", "));
    text
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.finished {
            1 => f.write_str("1 task ended by itself")?,
            n => write!(f, "{n} tasks ended by themselves")?,
        }
        if !self.cooperative.is_empty() {
            write!(f, ", {} within the grace", list(&self.cooperative))?;
        }
        if self.replaced > 0 {
            write!(f, "; replaced in their slots: {}", self.replaced)?;
        }
        if !self.cancelled.is_empty() {
            write!(f, "; cancelled alone: {}", list(&self.cancelled))?;
        }
        if !self.aborted.is_empty() {
            write!(f, "; aborted after the grace: {}", list(&self.aborted))?;
        }
        if !self.stuck.is_empty() {
            write!(f, "; still not gone: {}", list(&self.stuck))?;
        }
        Ok(())
    }
}
