//! What a supervisor does.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::time::{Instant, sleep};

use super::{GaveUp, Restart, history::History};
use crate::{
    background::{
        run::{RunOutcome, make, run},
        shared::Shared,
        stop::Stop,
    },
    child::drop_untaken,
    failure::Failure,
};

/// Runs `work` until it ends well. `None`: no run may begin any more. A panic in the destructor of `work` does not take the outcome away.
pub(super) async fn run_again<F, Fut, O>(
    shared: Arc<Shared>,
    name: Arc<str>,
    policy: Restart,
    restarts: Arc<AtomicU64>,
    mut work: F,
) -> Result<Option<O::Value>, GaveUp>
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = O> + Send + 'static,
    O: RunOutcome,
{
    let outcome = repeat(&shared, &name, policy, &restarts, &mut work).await;
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(work))) {
        Failure::panic(&*name, payload).report();
    }
    outcome
}

async fn repeat<F, Fut, O>(
    shared: &Shared,
    name: &str,
    policy: Restart,
    restarts: &AtomicU64,
    work: &mut F,
) -> Result<Option<O::Value>, GaveUp>
where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output = O> + Send + 'static,
    O: RunOutcome,
{
    let mut stop = Stop::new(shared);
    let mut history = History::new(policy);
    for number in 1_u64.. {
        let origin: Arc<str> = format!("{name}, run {number}").into();
        let began = Instant::now();
        let ended = match make(work, &origin) {
            Ok(future) => run(future, origin, Failure::report).await,
            Err(failure) => Err(failure),
        };
        let how = match ended {
            Ok(value) if !policy.always || stop.has_come() => return Ok(Some(value)),
            Ok(value) => {
                drop_untaken(value);
                "it ended".to_owned()
            }
            Err(failure) => {
                let text = failure.to_string();
                failure.report();
                text
            }
        };
        if stop.has_come() {
            break;
        }
        let Some(pause) = history.pause(began.elapsed()) else {
            return Err(GaveUp::new(policy.at_most, policy.within, how));
        };
        if stop.or(sleep(pause)).await.is_none() {
            break;
        }
        restarts.fetch_add(1, Ordering::Relaxed); // A statistic, which orders nothing.
    }
    Ok(None)
}
