//! The list of live tasks, for tests and for programs that hang: a short form of the tree.

use std::{fmt, panic::Location};

use crate::inspect;

/// A task that has not ended yet; see [`live_tasks`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveTask {
    /// The name that it was given.
    pub name: Option<String>,
    /// What its scope is called.
    pub scope: String,
    /// Where in the source it was spawned or handed off.
    pub location: &'static Location<'static>,
}

impl fmt::Display for LiveTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_deref().unwrap_or("a task without a name");
        write!(f, "{name} in {}, spawned at {}:{}", self.scope, self.location.file(), self.location.line())
    }
}

/// Switches the list of live tasks on or off, for the whole process. Another name of [`inspect`](crate::inspect()): the list and the
/// [`tree`](crate::tree()) have one registry and one switch.
pub fn track_live_tasks(on: bool) {
    inspect::switch::inspect(on);
}

/// The tasks that were spawned while the list was on and have not ended yet, oldest first.
///
/// ```
/// use bowline_concurrency::{live_tasks, scope, track_live_tasks};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// track_live_tasks(true);
/// scope(async |group| {
///     group.named("slow").spawn(std::future::ready(()));
///     assert!(live_tasks().iter().any(|task| task.name.as_deref() == Some("slow")));
/// })
/// .await;
/// assert!(!live_tasks().iter().any(|task| task.name.as_deref() == Some("slow")));
/// # }
/// ```
pub fn live_tasks() -> Vec<LiveTask> {
    inspect::list()
}
