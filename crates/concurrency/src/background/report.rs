//! What a shutdown tells.

use super::shared::{Names, Shared};

/// What became of the tasks of a [`BackgroundTasks`](crate::BackgroundTasks) that was shut down, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ShutdownReport {
    /// How many tasks had ended by themselves since the beginning, the cooperative ones included.
    pub finished: u64,
    /// Tasks that ended within the grace.
    pub cooperative: Vec<String>,
    /// Tasks that were aborted after the grace.
    pub aborted: Vec<String>,
    /// Tasks and cleanups that were not gone 5 s after they were aborted, and run on.
    pub stuck: Vec<String>,
}

impl ShutdownReport {
    /// `before`: what ran when the shutdown began; `aborted`: what ran after the grace; `left`: cleanups that are not done.
    pub(super) fn new(shared: &Shared, before: &Names, aborted: &Names, left: Vec<String>) -> Self {
        let stuck = shared.names();
        ShutdownReport {
            finished: shared.finished(),
            cooperative: without(before, aborted),
            aborted: without(aborted, &stuck),
            stuck: stuck.values().map(ToString::to_string).chain(left).collect(),
        }
    }
}

fn without(names: &Names, gone: &Names) -> Vec<String> {
    names.iter().filter(|(key, _)| !gone.contains_key(key)).map(|(_, name)| name.to_string()).collect()
}
