//! The handle of a periodic task.

use std::{fmt, sync::Arc};

use super::{Counts, PeriodicCounts};
use crate::background::{BackgroundTask, CancelBackgroundTask};

/// Handle of a [periodic task](crate::BackgroundTasks::periodic). Dropping it does not stop the task.
///
/// It is no future, because the task has no end of its own: it goes on until it is told to stop. To stop it and wait use
/// [`cancel`](PeriodicTask::cancel); with all the others, [`finish`](crate::BackgroundTasks::finish), which lets the run that goes on end, or
/// [`shutdown`](crate::BackgroundTasks::shutdown).
pub struct PeriodicTask {
    task: BackgroundTask<()>,
    counts: Arc<Counts>,
}

impl PeriodicTask {
    pub(super) fn new(task: BackgroundTask<()>, counts: Arc<Counts>) -> Self {
        PeriodicTask { task, counts }
    }

    /// What it has done so far.
    pub fn counts(&self) -> PeriodicCounts {
        self.counts.read()
    }

    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }

    /// Stops it: drops the runs that go on at their next await, and waits until they and all that they leave behind are gone.
    ///
    /// `Some` if it had ended by itself already.
    #[doc(alias = "stop")]
    #[doc(alias = "abort")]
    pub fn cancel(self) -> CancelBackgroundTask<()> {
        self.task.cancel()
    }
}

impl fmt::Debug for PeriodicTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeriodicTask")
            .field("counts", &self.counts())
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
