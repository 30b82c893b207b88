//! The paused clock of the current-thread runtime.

use std::{sync::mpsc, time};

use tokio::time::Instant;

/// Whether the clock of the current runtime is paused. Tokio has no way to ask, but its clock stands still while the
/// real one moves on.
pub(crate) fn is_paused() -> bool {
    let (start, real) = (Instant::now(), time::Instant::now());
    while real.elapsed().is_zero() {
        std::hint::spin_loop();
    }
    start == Instant::now()
}

/// Keeps a paused clock from jumping ahead until the guard is dropped.
///
/// A paused clock jumps to the next timer when no task can run. Tokio knows of its own blocking threads and waits for them,
/// but not of threads that others started or of sockets: without a hold, every timeout around these fires at once, and
/// a test that only waits for them looks as if [nothing could progress](crate::on_current_thread).
///
/// # Panics
///
/// Outside a Tokio runtime.
///
/// # Examples
///
/// ```
/// use bowline_testing::{hold_clock, on_current_thread};
/// use std::{thread, time::Duration};
///
/// on_current_thread(async || {
///     let (sender, receiver) = tokio::sync::oneshot::channel();
///     let hold = hold_clock();
///     thread::spawn(move || sender.send(42));
///     let answer = tokio::time::timeout(Duration::from_secs(1), receiver).await??;
///     drop(hold);
///     assert_eq!(answer, 42);
///     Ok::<_, Box<dyn std::error::Error>>(())
/// });
/// ```
pub fn hold_clock() -> ClockHold {
    let (hold, released) = mpsc::channel();
    // The clock stands still while a blocking thread of the runtime is busy: this one is, until the sender has gone.
    drop(tokio::task::spawn_blocking(move || released.recv().is_err()));
    ClockHold { _hold: hold }
}

/// Keeps a paused clock from jumping; see [`hold_clock`].
#[derive(Debug)]
#[must_use = "the clock is held only until the guard is dropped"]
pub struct ClockHold {
    _hold: mpsc::Sender<()>,
}
