//! Cases on both runtimes.

use std::{
    panic::resume_unwind,
    process::{ExitCode, Termination},
    time::Duration,
};

use crate::{
    cancel_safety::{self, Visited},
    case::{self, Failure},
    runtime::Flavour,
};

/// Runs `body` on the current-thread runtime with a paused clock, and then on the multi-threaded one.
///
/// See [`on_current_thread`] and [`on_multi_thread`] for what each of them checks.
///
/// # Panics
///
/// If one of the two cases fails.
///
/// # Examples
///
/// ```
/// bowline_testing::on_both_runtimes(async || {
///     let (sender, receiver) = tokio::sync::oneshot::channel();
///     tokio::spawn(async move { sender.send("hello") });
///     assert_eq!(receiver.await?, "hello");
///     Ok::<_, tokio::sync::oneshot::error::RecvError>(())
/// });
/// ```
#[track_caller]
pub fn on_both_runtimes<T: Termination>(body: impl AsyncFnMut() -> T) {
    Harness::default().on_both_runtimes(body);
}

/// Runs `body` on the current-thread runtime with a paused clock, and checks what it leaves.
///
/// The body runs below a scope, which waits for what was handed off there; then no task of the runtime may be left. One that
/// is about to end has 5 s, which take no time here. What is left is cancelled and reported.
///
/// The clock jumps to the next timer when no task can run. If there is none, nothing can ever progress: that is a
/// panic, within a second, with the list of the live tasks. Two things are beyond that clock: sockets, and threads that Tokio
/// did not start. A case that waits for these takes [`hold_clock`](crate::hold_clock), or runs
/// [`on_multi_thread`] only.
///
/// # Panics
///
/// With the panic of the body; if it returns an error; if it leaves a task; if nothing can progress; after 30 s
/// ([`Harness::time_limit`]).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// bowline_testing::on_current_thread(async || {
///     tokio::time::sleep(Duration::from_secs(3600)).await; // Takes no time.
/// });
/// ```
///
/// A deadlock:
///
/// ```should_panic
/// bowline_testing::on_current_thread(async || {
///     let lock = tokio::sync::Mutex::new(());
///     let _first = lock.lock().await;
///     let _second = lock.lock().await;
/// });
/// ```
#[track_caller]
pub fn on_current_thread<T: Termination>(body: impl AsyncFnOnce() -> T) {
    Harness::default().on_current_thread(body);
}

/// Runs `body` on a multi-threaded runtime with two workers, and checks what it leaves.
///
/// The body itself runs on the thread of the test and need not be `Send`. Its leftovers are treated as
/// [`on_current_thread`] does; the clock is the real one, so a deadlock is found by the time limit only.
///
/// # Panics
///
/// With the panic of the body; if it returns an error; if it leaves a task or a busy thread; after 30 s
/// ([`Harness::time_limit`]), with the list of the live tasks.
///
/// # Examples
///
/// ```
/// bowline_testing::on_multi_thread(async || {
///     let answer = tokio::spawn(async { 42 }).await?;
///     assert_eq!(answer, 42);
///     Ok::<_, tokio::task::JoinError>(())
/// });
/// ```
#[track_caller]
pub fn on_multi_thread<T: Termination>(body: impl AsyncFnOnce() -> T) {
    Harness::default().on_multi_thread(body);
}

/// The functions of this crate, with other limits.
///
/// # Examples
///
/// ```
/// use bowline_testing::Harness;
/// use std::time::Duration;
///
/// Harness::default().time_limit(Duration::from_secs(5)).on_both_runtimes(async || {
///     tokio::task::yield_now().await;
/// });
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing by itself"]
pub struct Harness {
    pub(crate) time_limit: Duration,
    pub(crate) max_points: usize,
}

impl Default for Harness {
    fn default() -> Self {
        Harness { time_limit: Duration::from_secs(30), max_points: 10_000 }
    }
}

impl Harness {
    /// How long a case may take, on the real clock: 30 s unless set. Each attempt of
    /// [`assert_cancel_safe`](Harness::assert_cancel_safe) is a case.
    ///
    /// It ends a case that waits; one that blocks its thread is only named on standard error.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How often a future may suspend under [`assert_cancel_safe`](Harness::assert_cancel_safe): 10,000 times unless set.
    pub fn max_points(mut self, max: usize) -> Self {
        self.max_points = max;
        self
    }

    /// See [`on_both_runtimes`].
    ///
    /// # Panics
    ///
    /// If the case fails on one of the runtimes, which the message names.
    #[track_caller]
    pub fn on_both_runtimes<T: Termination>(&self, mut body: impl AsyncFnMut() -> T) {
        for flavour in Flavour::BOTH {
            self.run(flavour, &mut body);
        }
    }

    /// See [`on_current_thread`].
    ///
    /// # Panics
    ///
    /// If the case fails.
    #[track_caller]
    pub fn on_current_thread<T: Termination>(&self, body: impl AsyncFnOnce() -> T) {
        self.run(Flavour::CurrentThread, body);
    }

    /// See [`on_multi_thread`].
    ///
    /// # Panics
    ///
    /// If the case fails.
    #[track_caller]
    pub fn on_multi_thread<T: Termination>(&self, body: impl AsyncFnOnce() -> T) {
        self.run(Flavour::MultiThread, body);
    }

    /// See [`assert_cancel_safe`](crate::assert_cancel_safe).
    ///
    /// # Panics
    ///
    /// If an attempt fails.
    #[track_caller]
    pub fn assert_cancel_safe<F, S>(&self, make: impl AsyncFnMut() -> (F, S), check: impl AsyncFnMut(S)) -> Visited
    where
        F: Future,
    {
        cancel_safety::visit_both(self, make, check)
    }

    #[track_caller]
    fn run<T: Termination>(&self, flavour: Flavour, body: impl AsyncFnOnce() -> T) {
        match case::run(flavour, self.time_limit, body) {
            Ok(output) => {
                // An error is printed by its report, as it is for the result of a test.
                assert!(output.report() == ExitCode::SUCCESS, "on {flavour}: the test returned an error");
            }
            Err(Failure::Panicked(payload)) => {
                eprintln!("this was on {flavour}");
                resume_unwind(payload)
            }
            Err(failure) => panic!("on {flavour}: {failure}"),
        }
    }
}
