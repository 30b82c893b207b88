//! Supervised background tasks: they start again when they have failed.

use std::{
    panic::Location,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use super::{BackgroundTasks, run::RunOutcome, spawning::Spawning};
use crate::{node::ErrorValue, spawner::SpawnError};

mod gave_up;
mod handle;
mod history;
mod restarting;

pub use gave_up::GaveUp;
pub use handle::SupervisedTask;

/// When a [supervised task](BackgroundTasks::supervise) starts again, how often, and after which pause.
///
/// By default at most 5 times within 60 s, after a pause of 100 ms that doubles with each restart up to 30 s, each lengthened at random by up to as much
/// again, so that many tasks that fail together do not start together. The pauses begin anew after a run that lasted as long as the window of the limit
/// (60 s): it went well for some time.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::Restart;
/// use std::time::Duration;
///
/// let hourly = Duration::from_secs(3600);
/// let patient = Restart::on_failure().at_most(20, hourly).backoff(Duration::from_secs(1), Duration::from_secs(120));
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a policy does nothing until a task is started with it"]
pub struct Restart {
    always: bool,
    at_most: u32,
    within: Duration,
    shortest: Duration,
    longest: Duration,
    jitter: bool,
}

impl Restart {
    /// Again after an error or a panic. A run that ends well ends the task, which has its value.
    #[doc(alias = "transient")]
    pub const fn on_failure() -> Self {
        Restart {
            always: false,
            at_most: 5,
            within: Duration::from_secs(60),
            shortest: Duration::from_millis(100),
            longest: Duration::from_secs(30),
            jitter: true,
        }
    }

    /// Again also after a run that ended well: for what is never to end. These restarts count and pause like the others.
    #[doc(alias = "permanent")]
    pub const fn always() -> Self {
        let mut restart = Self::on_failure();
        restart.always = true;
        restart
    }

    /// At most so many restarts within any stretch of this length; one more, and the task gives up. 5 within 60 s by default.
    ///
    /// A length of zero is no limit, unless `restarts` is zero too: nothing has happened within no time. For a limit of all restarts ever use
    /// [`Duration::MAX`].
    pub const fn at_most(mut self, restarts: u32, within: Duration) -> Self {
        self.at_most = restarts;
        self.within = within;
        self
    }

    /// The pause before the first restart, which doubles with each one, and the longest pause. 100 ms and 30 s by default.
    pub const fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.shortest = first;
        self.longest = longest;
        self
    }

    /// The pauses are exactly as long as [`backoff`](Restart::backoff) says, without chance: for tests.
    pub const fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }
}

impl BackgroundTasks {
    /// Starts a task that calls `work`, runs its future, and does so again when it has failed, as `restart` says.
    ///
    /// A panic is a failure, also one of `work` before there is a future. Each failure goes to the observer, as one of "`name`, run 3". When the limit of
    /// restarts is exceeded the task gives up, and that too goes to the observer, as the error [`GaveUp`] of the task. Each run has a scope of its own,
    /// which ends when everything below it is gone, before the next one starts.
    ///
    /// It does not start again after [`close`](BackgroundTasks::close), [`finish`](BackgroundTasks::finish) or
    /// [`shutdown`](BackgroundTasks::shutdown): a pause then ends at once, and so does the task. A run that goes on learns of a shutdown from
    /// [`cancelled`](crate::cancelled), and has its grace. The first run is no restart: like a task that was [started](BackgroundTasks::spawn) before, it
    /// takes place also if the call comes before it has begun. And a restart whose turn comes at the very moment of the call may still take place;
    /// `finish` and `shutdown` wait for it.
    ///
    /// Its pauses need a runtime with timers; without them the task panics when it is to start again, and the observer hears of that.
    ///
    /// # Errors
    ///
    /// As [`spawn`](BackgroundTasks::spawn); `work` comes back.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{BackgroundTasks, Restart};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tasks = BackgroundTasks::new();
    /// tasks.observe_failures(|failure| println!("{failure}")); // listener, run 1 failed: "no route"
    /// let mut connections = 0;
    /// let mut listener = tasks.supervise("listener", Restart::on_failure(), move || {
    ///     connections += 1;
    ///     async move { if connections < 3 { Err("no route") } else { Ok(connections) } }
    /// })?;
    /// assert_eq!((&mut listener).await, Some(3));
    /// assert_eq!(listener.restarts(), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "supervisor")]
    #[doc(alias = "one_for_one")]
    #[doc(alias = "retry")]
    #[track_caller]
    pub fn supervise<F, Fut, O>(
        &self,
        name: impl Into<Arc<str>>,
        restart: Restart,
        work: F,
    ) -> Result<SupervisedTask<O::Value>, SpawnError<F>>
    where
        F: FnMut() -> Fut + Send + 'static,
        Fut: Future<Output = O> + Send + 'static,
        O: RunOutcome,
    {
        let spawning = Spawning { name: name.into(), location: Location::caller() };
        let (shared, name, restarts) = (self.shared().clone(), spawning.name.clone(), Arc::new(AtomicU64::new(0)));
        let counted = restarts.clone();
        let again = |work| restarting::run_again(shared, name, restart, counted, work);
        let judge =
            |ended: Result<Option<O::Value>, GaveUp>| ended.map_err(|error| Box::new(error) as Box<dyn ErrorValue>);
        Ok(SupervisedTask::new(self.start(work, again, judge, spawning)?, restarts))
    }
}
