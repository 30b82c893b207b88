//! How far a worker has come, for those who wait for it.
//!
//! # Invariants
//!
//! 1. The phase only goes forward, and is written under the lock. A final phase stays.
//! 2. Each event is set after the phase that it tells of, and outside the lock: `ready` when the phase is no longer [`Phase::Starting`], `stop` when it is
//!    beyond [`Phase::Ready`], `ended` when it is final. So whoever an event releases finds what it waited for.
//! 3. A lifecycle that has begun ends: [`Worker`] sees to that when it is dropped, which a safe program can prevent only on purpose. One that is stopped before it began has ended. So no
//!    wait can hang because the worker is gone.
//! 4. No user code runs under the lock: an error is moved in once and cloned as an `Arc`.

mod error;
#[cfg(all(test, bowline_loom))]
mod loom_tests;
mod phase;
mod worker;

use std::{fmt, sync::Arc};

use self::error::Failure;
pub use self::{
    error::{CannotBegin, NotReady, WorkerFailed},
    phase::Phase,
    worker::Worker,
};
use crate::{
    event::Event,
    primitive::{Mutex, lock},
    wait_list::Panicked,
};

/// How far a worker has come: starting, ready, stopping, and stopped or failed. Whoever starts it waits here until it is ready, asks it to
/// stop, and waits for its end.
///
/// The worker reports by a [`Worker`], which it makes with [`begin`](Lifecycle::begin) before it is spawned. A worker that
/// fails, panics, or is dropped half-way ends the lifecycle as failed, at each point: no wait is left behind. (A `Worker` that is never dropped, as by
/// [`std::mem::forget`], is a worker that still runs: whoever waits for its end waits for ever.)
///
/// A lifecycle is used once: for the next run, take a new one.
///
/// Use `tokio_util::sync::CancellationToken` and a `JoinHandle` where nobody has to wait until the worker is ready.
///
/// # Examples
///
/// ```
/// use bowline_sync::Lifecycle;
///
/// static SERVER: Lifecycle = Lifecycle::new();
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let worker = SERVER.begin()?;
/// tokio::spawn(async move {
///     // … open the socket; if that fails: `worker.fail(error)`
///     worker.ready();
///     worker.stop_requested().await;
///     // … close it
///     worker.end();
/// });
///
/// SERVER.ready().await?;
/// SERVER.stop();
/// SERVER.stopped().await?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "AsyncWorker")]
#[doc(alias = "readiness")]
#[doc(alias = "shutdown")]
#[doc(alias = "service state")]
pub struct Lifecycle {
    state: Mutex<State>,
    ready: Event,
    stop: Event,
    ended: Event,
}

/// What a [`Lifecycle`] is doing at one moment; made by [`Lifecycle::statistics`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LifecycleStatistics {
    /// How far the worker has come.
    pub phase: Phase,
    /// How many futures of [`Lifecycle::ready`] wait.
    pub waiting_for_ready: usize,
    /// How many futures of [`Lifecycle::stopped`] wait.
    pub waiting_for_end: usize,
}

struct State {
    phase: Phase,
    begun: bool,
    /// Present in the phase [`Phase::Failed`].
    failure: Option<Failure>,
}

impl Lifecycle {
    /// Creates a lifecycle that has not begun; in a `static` too.
    #[cfg(not(bowline_loom))]
    #[must_use]
    #[track_caller]
    pub const fn new() -> Self {
        Self { state: Mutex::new(State::new()), ready: Event::new(), stop: Event::new(), ended: Event::new() }
    }

    #[cfg(bowline_loom)]
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::new()), ready: Event::new(), stop: Event::new(), ended: Event::new() }
    }

    /// Makes the worker's side. Call it before the task is spawned, and move the [`Worker`] there: a task that is dropped before it runs
    /// then ends the lifecycle as well.
    ///
    /// # Errors
    ///
    /// [`CannotBegin`] when it was stopped already, or has begun: there is one worker.
    pub fn begin(&self) -> Result<Worker<&Self>, CannotBegin> {
        self.mark_begun()?;
        Ok(Worker::new(self))
    }

    /// Makes a worker's side that may outlive the borrow; otherwise [`begin`](Lifecycle::begin).
    ///
    /// # Errors
    ///
    /// [`CannotBegin`] when it was stopped already, or has begun: there is one worker.
    pub fn begin_owned(self: &Arc<Self>) -> Result<Worker<Arc<Self>>, CannotBegin> {
        self.mark_begun()?;
        Ok(Worker::new(Arc::clone(self)))
    }

    /// Waits until the worker is ready, or will not be.
    ///
    /// It waits also when nobody has called [`begin`](Lifecycle::begin) yet.
    ///
    /// # Errors
    ///
    /// [`NotReady`] when the worker has been stopped or has failed by the time at which this completes. The worker's own error is among the
    /// [sources](std::error::Error::source).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future has no effect on the worker or on others.
    #[doc(alias = "wait_ready")]
    pub async fn ready(&self) -> Result<(), NotReady> {
        self.ready.wait().await;
        let state = lock(&self.state);
        match (state.phase, &state.failure) {
            (Phase::Starting | Phase::Ready, _) => Ok(()),
            (_, Some(failure)) => Err(NotReady::Failed(WorkerFailed::new(failure.clone()))),
            (_, None) => Err(NotReady::Stopped),
        }
    }

    /// Asks the worker to stop. Doing so twice, or after its end, changes nothing.
    ///
    /// Before the worker has begun, this ends the lifecycle: it will not begin.
    #[doc(alias = "shutdown")]
    pub fn stop(&self) {
        self.advance(|state| match state.phase {
            Phase::Starting if !state.begun => state.phase = Phase::Stopped,
            Phase::Starting | Phase::Ready => state.phase = Phase::Stopping,
            Phase::Stopping | Phase::Stopped | Phase::Failed => {}
        });
    }

    /// Waits until the worker has ended.
    ///
    /// It does not ask it to: see [`stop`](Lifecycle::stop). It waits also when the worker has not begun yet.
    ///
    /// # Errors
    ///
    /// [`WorkerFailed`] when it has ended by an error, which is the [source](std::error::Error::source), by a panic, or because it was dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future does not stop the worker; asking again answers the same.
    #[doc(alias = "join")]
    pub async fn stopped(&self) -> Result<(), WorkerFailed> {
        self.ended.wait().await;
        match &lock(&self.state).failure {
            Some(failure) => Err(WorkerFailed::new(failure.clone())),
            None => Ok(()),
        }
    }

    /// Tells how far the worker has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        lock(&self.state).phase
    }

    /// Reports the phase, and how many wait for what.
    #[must_use]
    pub fn statistics(&self) -> LifecycleStatistics {
        LifecycleStatistics {
            phase: self.phase(),
            waiting_for_ready: self.ready.statistics().waiting,
            waiting_for_end: self.ended.statistics().waiting,
        }
    }

    fn mark_begun(&self) -> Result<(), CannotBegin> {
        let mut state = lock(&self.state);
        match (state.begun, state.phase) {
            (true, _) => Err(CannotBegin::Begun),
            (false, Phase::Stopped) => Err(CannotBegin::Stopped),
            (false, _) => {
                state.begun = true;
                Ok(())
            }
        }
    }

    /// Makes one step, and tells those who wait for it.
    fn advance(&self, step: impl FnOnce(&mut State)) {
        let phase = {
            let mut state = lock(&self.state);
            step(&mut state);
            state.phase
        };
        // Invariant 2. What another thread does meanwhile only makes more of this true, and a waker of one event that panics keeps none of the others from
        // being set.
        let events = [
            (&self.ready, phase > Phase::Starting),
            (&self.stop, phase > Phase::Ready),
            (&self.ended, phase.is_final()),
        ];
        let mut panic = Panicked::default();
        for (event, has_come) in events {
            if has_come {
                panic.catch(|| event.set());
            }
        }
        panic.resume();
    }

    fn report_ready(&self) {
        self.advance(|state| {
            if state.phase == Phase::Starting {
                state.phase = Phase::Ready;
            }
        });
    }

    /// Called once, by the worker's side.
    fn finish(&self, failure: Option<Failure>) {
        self.advance(|state| {
            state.phase = if failure.is_some() { Phase::Failed } else { Phase::Stopped };
            state.failure = failure;
        });
    }
}

impl State {
    const fn new() -> Self {
        Self { phase: Phase::Starting, begun: false, failure: None }
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifecycle").field("phase", &self.phase()).finish_non_exhaustive()
    }
}
