//! Periodic background tasks.

use std::{num::NonZeroUsize, panic::Location, sync::Arc, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{
    BackgroundTasks,
    run::RunOutcome,
    spawning::{Spawning, value},
};
use crate::{clock::after, spawner::SpawnError};

mod counts;
mod handle;
mod ticking;

use counts::Counts;
pub use counts::PeriodicCounts;
pub use handle::PeriodicTask;

/// When a [periodic task](BackgroundTasks::periodic) runs, and what happens when a run takes longer than the period.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{Overlap, Periodic};
/// use std::time::Duration;
///
/// // At once, and then each minute. What has not ended by then is cancelled, and starts anew.
/// let minutely = Periodic::every(Duration::from_secs(60)).at_once().overlap(Overlap::Cancel);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a schedule does nothing until a task is started with it"]
pub struct Periodic {
    period: Duration,
    at_once: bool,
    overlap: Overlap,
}

/// What a [periodic task](BackgroundTasks::periodic) does when a run is due and the one before has not ended, its cleanup included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overlap {
    /// Leaves the run out; the next one comes at its time.
    #[default]
    Skip,
    /// Runs as soon as the one before has ended. Several that are late are one, and the period is counted from there.
    Delay,
    /// Cancels the run that goes on, without a grace, waits until all of it is gone, and starts the new one.
    Cancel,
    /// Starts the new one beside the others, of which there are never more than so many; beyond that it leaves the run out.
    Concurrent(NonZeroUsize),
}

impl Periodic {
    /// A run each `period`, the first one after one period, none of which overlap: [`Overlap::Skip`].
    ///
    /// Timers of Tokio count milliseconds. A shorter period runs as fast as it can, which keeps a thread busy.
    ///
    /// # Panics
    ///
    /// If the period is zero. In a constant that is an error of the compiler.
    #[track_caller]
    pub const fn every(period: Duration) -> Self {
        assert!(!period.is_zero(), "the period of a periodic task is more than zero");
        Periodic { period, at_once: false, overlap: Overlap::Skip }
    }

    /// The first run begins at once.
    pub const fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// What happens when a run is due and the one before goes on.
    pub const fn overlap(mut self, overlap: Overlap) -> Self {
        self.overlap = overlap;
        self
    }

    fn interval(self) -> Interval {
        // So long that it never comes, and short enough for Tokio's sums.
        let period = self.period.min(Duration::from_secs(86_400 * 365 * 30));
        let mut interval = interval_at(if self.at_once { Instant::now() } else { after(period) }, period);
        interval.set_missed_tick_behavior(match self.overlap {
            Overlap::Delay => MissedTickBehavior::Delay,
            Overlap::Skip | Overlap::Cancel | Overlap::Concurrent(_) => MissedTickBehavior::Skip,
        });
        interval
    }

    /// How many may run at once.
    fn limit(self) -> NonZeroUsize {
        match self.overlap {
            Overlap::Concurrent(runs) => runs,
            Overlap::Skip | Overlap::Delay | Overlap::Cancel => NonZeroUsize::MIN,
        }
    }
}

impl BackgroundTasks {
    /// Starts a task that calls `work` and runs its future again and again. Dropping the handle does not stop it.
    ///
    /// A run that fails or panics goes to the observer under the name of the task, also if `work` panics before there is a future, and the next run
    /// comes at its time. Each run has a scope of its own, which ends when everything below it is gone.
    ///
    /// After [`close`](BackgroundTasks::close), [`finish`](BackgroundTasks::finish) or [`shutdown`](BackgroundTasks::shutdown) no turn of a run comes any
    /// more (one that comes at the very moment of the call may still begin): the task then ends with the runs that go on. These learn of a shutdown from
    /// [`cancelled`](crate::cancelled), and have its grace.
    ///
    /// It needs a runtime with a timer; without one the task panics, and the observer hears of that.
    ///
    /// Runs that were due while nothing could run, because the machine slept or the runtime was blocked, are not made up for: one comes at once, and
    /// the others are [counted](PeriodicCounts::skipped) as skipped.
    ///
    /// # Errors
    ///
    /// As [`spawn`](BackgroundTasks::spawn); `work` comes back.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{BackgroundTasks, Periodic};
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// async fn refresh() -> std::io::Result<()> {
    ///     Ok(())
    /// }
    ///
    /// let tasks = BackgroundTasks::new();
    /// let refreshing = tasks.periodic("refresh", Periodic::every(Duration::from_secs(60)), refresh)?;
    /// tokio::time::sleep(Duration::from_secs(200)).await;
    /// assert_eq!(refreshing.counts().runs, 3);
    ///
    /// let report = tasks.shutdown(Duration::from_secs(1)).await;
    /// assert_eq!(report.cooperative, ["refresh"]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "interval")]
    #[doc(alias = "timer")]
    #[doc(alias = "cron")]
    #[doc(alias = "schedule")]
    #[track_caller]
    pub fn periodic<F, Fut>(
        &self,
        name: impl Into<Arc<str>>,
        schedule: Periodic,
        work: F,
    ) -> Result<PeriodicTask, SpawnError<F>>
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output: RunOutcome> + Send + 'static,
    {
        let spawning = Spawning { name: name.into(), location: Location::caller() };
        let (shared, name, counts) = (self.shared().clone(), spawning.name.clone(), Arc::new(Counts::default()));
        let kept = counts.clone();
        let task = self.start(work, |work| ticking::tick(shared, name, schedule, counts, work), value, spawning)?;
        Ok(PeriodicTask::new(task, kept))
    }
}
