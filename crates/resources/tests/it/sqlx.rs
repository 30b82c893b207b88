//! Transactions on real databases: a file of SQLite, and a server of PostgreSQL that is started for the test.
//!
//! Time is real here, and so is what happens: these tests judge by what a second connection sees.

mod engine;
mod interrupted;
mod nested;
mod proxy;
mod regressions;
mod server;

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use bowline_concurrency::root_scope;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

/// More than any case takes; less than a lost permit does.
const LIMIT: Duration = Duration::from_secs(60);

const WORKS: &str = "what the test needs works";

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect(WORKS)
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect(WORKS)
}

/// On both runtimes, with the real clock. That of the test harness is paused on one, and its deadlines would pass while a server thinks.
fn on_both_in_real_time(case: impl AsyncFn()) {
    for runtime in [current_thread(), multi_thread()] {
        let in_time = runtime.block_on(async { timeout(LIMIT, root_scope(async { case().await })).await });
        in_time.expect("the case hangs").expect("it is settled");
    }
}

/// More than a transaction of these tests has. How many it has varies: an answer may be there before anybody waits for it.
const POINTS: usize = 14;

/// Drops the future at its `point`-th await point, or as soon as it has been woken there; gives its output if it does not get that far.
async fn dropped_at<F: Future>(point: usize, woken: bool, future: F) -> Option<F::Output> {
    let mut points = 0;
    let mut future = pin!(future);
    poll_fn(|cx| {
        if points > point {
            return Poll::Ready(None); // Woken.
        }
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => return Poll::Ready(Some(output)),
            Poll::Pending => points += 1,
        }
        if points > point && !woken { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}
