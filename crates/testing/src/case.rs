//! One body on one runtime: run, watched, checked for leaks.

use std::{
    any::Any,
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use bowline_concurrency::{scope, track_live_tasks};

use crate::{
    leak::{GRACE, Left, tasks_gone},
    on_wake::{OnWake, Progress},
    runtime::Flavour,
    stall::Stall,
    watchdog::Watchdog,
};

/// What a case came to, apart from a value.
pub(crate) enum Failure {
    Panicked(Box<dyn Any + Send>),
    /// The body ended, its scope did not, or the body did not end.
    Stalled {
        body_ended: bool,
        left: Left,
    },
    Overdue {
        limit: Duration,
        left: Left,
    },
    Leaked(Left),
    /// The runtime could not be shut down.
    Busy,
}

enum Stop {
    Ended,
    Stalled,
    Overdue,
}

/// Runs `body` below a scope of its own, on a runtime of its own. What it leaves is cancelled and reported.
pub(crate) fn run<T>(flavour: Flavour, limit: Duration, body: impl AsyncFnOnce() -> T) -> Result<T, Failure> {
    track_live_tasks(true);
    let runtime = flavour.build().expect("a test can have a runtime");
    let mut output = None;
    let (stop, mut left) = runtime.block_on(async {
        let case = async {
            scope(async |_| output = Some(caught(async { body().await }).await)).await;
            tasks_gone(0, GRACE).await;
        };
        let mut case = OnWake::new(case);
        let stop = watch(&mut case, flavour, limit).await;
        // The list is taken before the case is dropped, since that cancels what is below it.
        (stop, Left::here())
    });
    let began = Instant::now();
    runtime.shutdown_timeout(GRACE);
    let busy = began.elapsed() >= GRACE;
    left.retain_ended();

    let failure = match stop {
        Stop::Stalled => Failure::Stalled { body_ended: output.is_some(), left },
        Stop::Overdue => Failure::Overdue { limit, left },
        Stop::Ended if !left.is_none() => Failure::Leaked(left),
        Stop::Ended if busy => Failure::Busy,
        Stop::Ended => return output.expect("the scope ended after the body").map_err(Failure::Panicked),
    };
    match output {
        Some(Err(payload)) => {
            eprintln!("the body panicked, and then: {failure}");
            Err(Failure::Panicked(payload))
        }
        _ => Err(failure),
    }
}

async fn watch<F: Future<Output = ()>>(case: &mut OnWake<F>, flavour: Flavour, limit: Duration) -> Stop {
    let watchdog = Watchdog::start(limit);
    let mut stall = (flavour == Flavour::CurrentThread).then(Stall::watch);
    poll_fn(|cx| {
        let progress = case.is_woken();
        if let Progress::Finished(()) = case.poll(cx) {
            return Poll::Ready(Stop::Ended);
        }
        if watchdog.is_over(cx) {
            return Poll::Ready(Stop::Overdue);
        }
        match &mut stall {
            Some(stall) => stall.poll(cx, progress).map(|()| Stop::Stalled),
            None => Poll::Pending,
        }
    })
    .await
}

/// Turns a panic of the future, or of its drop, into an error.
async fn caught<F: Future>(future: F) -> thread::Result<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Panicked(payload) => {
                let text = payload.downcast_ref::<&str>().copied();
                f.write_str(text.or_else(|| payload.downcast_ref().map(String::as_str)).unwrap_or("a panic"))
            }
            Failure::Stalled { body_ended, left } => {
                f.write_str("nothing can progress")?;
                if *body_ended {
                    f.write_str(": the test has ended, but not what it handed off")?;
                }
                write!(
                    f,
                    "; {left}\n(a case that waits for a socket, or for a thread that is not Tokio's, needs `hold_clock` or \
                     `on_multi_thread`)"
                )
            }
            Failure::Overdue { limit, left } => write!(f, "not done within {limit:?}; {left}"),
            Failure::Leaked(left) => write!(f, "the test has ended, but not all of its tasks; {left}"),
            Failure::Busy => {
                write!(f, "the test has ended, but a thread of its runtime is still busy after {GRACE:?}")
            }
        }
    }
}
