//! What a periodic task does all day.

use std::{future::poll_fn, sync::Arc};

use tokio::time::{Duration, Instant};

use super::{Counts, Overlap, Periodic};
use crate::{
    background::{
        groups::KnownGroup,
        run::{RunOutcome, make, run},
        shared::Shared,
        stop::Stop,
    },
    failure::Failure,
    group::TaskGroup,
    task::Task,
};

/// Runs `work` on schedule, until no run may begin; returns when the last one is gone.
pub(super) async fn tick<F, Fut>(
    shared: Arc<Shared>,
    name: Arc<str>,
    schedule: Periodic,
    counts: Arc<Counts>,
    mut work: F,
) where
    F: FnMut() -> Fut + Send + 'static,
    Fut: Future<Output: RunOutcome> + Send + 'static,
{
    let group = TaskGroup::builder().name(name.to_string()).limit(schedule.limit());
    group
        .scope(async move |group: &TaskGroup| {
            let _known = KnownGroup::new(&shared, group.node());
            let mut stop = Stop::new(&shared);
            let mut interval = schedule.interval();
            let mut last_due = None;
            let mut running: Option<Task<'_, ()>> = None;
            while let Some(due) = stop.or(poll_fn(|cx| interval.poll_tick(cx))).await {
                counts.skip(passed_over(last_due.replace(due), due, interval.period()));
                if schedule.overlap == Overlap::Cancel {
                    if let Some(task) = running.take() {
                        cancel(task, &counts).await;
                        if stop.has_come() {
                            return; // While the old run went.
                        }
                    }
                }
                let Some(permit) = group.try_permit() else {
                    counts.skip(1);
                    continue;
                };
                counts.run();
                let future = match make(&mut work, &name) {
                    Ok(future) => future,
                    Err(failure) => {
                        failed(failure, &counts);
                        continue;
                    }
                };
                let (origin, noted) = (name.clone(), counts.clone());
                let task = permit.named(name.clone()).spawn(async move {
                    if let Err(failure) = run(future, origin, |failure| failed(failure, &noted)).await {
                        failed(failure, &noted);
                    }
                });
                match schedule.overlap {
                    Overlap::Delay => task.await,
                    Overlap::Cancel => running = Some(task),
                    Overlap::Skip | Overlap::Concurrent(_) => drop(task),
                }
            }
        })
        .await;
}

async fn cancel(task: Task<'_, ()>, counts: &Counts) {
    if task.cancel().await.is_none() {
        counts.cancel();
    }
}

fn failed(failure: Failure, counts: &Counts) {
    counts.failure();
    failure.report();
}

/// How many runs were due between two that came.
fn passed_over(before: Option<Instant>, now: Instant, period: Duration) -> u64 {
    let Some(before) = before else { return 0 };
    let periods = now.saturating_duration_since(before).as_nanos() / period.as_nanos().max(1);
    u64::try_from(periods.saturating_sub(1)).unwrap_or(u64::MAX)
}
