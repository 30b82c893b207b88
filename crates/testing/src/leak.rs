//! What is left when it should be gone.

use std::{collections::HashMap, fmt, time::Duration};

use bowline_concurrency::{live_tasks, settled};
use tokio::{
    runtime::Handle,
    task,
    time::{Instant, sleep},
};

/// How long tasks that are ending may take; virtual time where the clock is paused.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// Waits until no task but this one is left in the current runtime, and panics with the list of those that are.
///
/// For tests with a runtime of their own, such as `#[tokio::test]`; cases of [`on_both_runtimes`](crate::on_both_runtimes)
/// are checked without asking. Waits for what was handed off to the current scope, and then at most 5 s for tasks
/// that are about to end (no time where the clock is paused). Tasks of a `LocalSet` and blocking threads are not seen.
///
/// Names are known of tasks that scopes spawned while [`track_live_tasks`](bowline_concurrency::track_live_tasks) was on,
/// in the whole process; others are counted.
///
/// # Panics
///
/// If a task is left.
///
/// # Cancel safety
///
/// It checks nothing unless it is awaited to its end.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// drop(tokio::spawn(async { println!("soon over") }));
/// bowline_testing::assert_no_leaks().await;
/// # }
/// ```
pub async fn assert_no_leaks() {
    settled().await;
    // The root future of a runtime has no id and is not counted among its tasks; a task that calls this is.
    let own = usize::from(task::try_id().is_some());
    let alive = tasks_gone(own, GRACE).await;
    assert!(alive <= own, "tasks are left: {}", Left::here());
}

/// Waits until at most `own` tasks of the current runtime are alive, and says how many are when it gives up.
pub(crate) async fn tasks_gone(own: usize, grace: Duration) -> usize {
    let metrics = Handle::current().metrics();
    // A task is counted until its cell is released, an instant after whoever awaited it was told.
    for _ in 0..100 {
        if metrics.num_alive_tasks() <= own {
            return metrics.num_alive_tasks();
        }
        task::yield_now().await;
    }
    let end = Instant::now() + grace;
    while metrics.num_alive_tasks() > own && Instant::now() < end {
        sleep(Duration::from_millis(1)).await;
    }
    metrics.num_alive_tasks()
}

/// Tasks that are alive: how many the runtime has, and what is known of them.
#[derive(Debug)]
pub(crate) struct Left {
    /// `None`: of no particular runtime.
    alive: Option<usize>,
    listed: Vec<String>,
}

impl Left {
    /// The tasks of the current runtime. The list has those of other runtimes in this process too.
    pub(crate) fn here() -> Self {
        Left { alive: Some(Handle::current().metrics().num_alive_tasks()), ..Left::everywhere() }
    }

    pub(crate) fn everywhere() -> Self {
        Left { alive: None, listed: live_tasks().iter().map(ToString::to_string).collect() }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.alive == Some(0)
    }

    /// Keeps those that the end of their runtime took away: the others belong to tests that run at the same time.
    pub(crate) fn retain_ended(&mut self) {
        let mut still: HashMap<String, usize> = HashMap::new();
        for task in live_tasks() {
            *still.entry(task.to_string()).or_default() += 1;
        }
        self.listed.retain(|task| match still.get_mut(task) {
            Some(count) if *count > 0 => {
                *count -= 1;
                false
            }
            _ => true,
        });
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alive = self.alive.unwrap_or(self.listed.len());
        if alive == 0 && self.listed.is_empty() {
            return f.write_str("no task is alive");
        }
        write!(f, "{alive} task{} alive", if alive == 1 { " is" } else { "s are" })?;
        for task in &self.listed {
            write!(f, "\n  - {task}")?;
        }
        match alive.saturating_sub(self.listed.len()) {
            0 => Ok(()),
            unknown => write!(f, "\n  - {unknown} without a name or a place, from a plain `tokio::spawn`"),
        }
    }
}
