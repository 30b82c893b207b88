//! How does the usual `BackgroundTaskManager` of asyncio programs look here?
//!
//! It is `BackgroundTasks`: it keeps its tasks and forgets those that ended, an error of one is heard of, and its shutdown says what
//! became of each. It may stand in a `static`.
//!
//! Run: `cargo run -p bowline-concurrency --example background_tasks`
//!
//! Expected output:
//! ```text
//! send mail failed: "no such mailbox"
//! saving, because the program is shutting down
//! ended by themselves: 3
//! of these within the grace: ["save the cache"]
//! aborted: ["poll for news"]
//! one more: no more tasks are taken: the group is being cancelled, was shut down or has returned
//! ```

use std::{error::Error, future::pending, time::Duration};

use bowline_concurrency::{BackgroundTask, BackgroundTasks, ShutdownReport, SpawnError, cancelled};
use tokio::time::sleep;

static MANAGER: BackgroundTasks = BackgroundTasks::new();

/// Dropping the handle cancels nothing. After a shutdown the job is refused, and comes back in the error.
fn create_task<F>(name: &'static str, job: F) -> Result<BackgroundTask<()>, SpawnError<F>>
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    MANAGER.try_spawn(name, job)
}

/// Tells the tasks, which Python's version drops at once, and gives them a grace to end in their own way.
async fn shutdown(grace: Duration) -> ShutdownReport {
    MANAGER.shutdown(grace).await
}

async fn background_job() -> Result<(), String> {
    Ok(())
}

async fn save_at_the_end() -> Result<(), String> {
    let reason = cancelled().await;
    println!("saving, because {reason}");
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    MANAGER.observe_failures(|failure| println!("{failure}")); // To standard error, without this line.

    create_task("warm up", background_job())?;
    create_task("send mail", async { Err("no such mailbox".to_owned()) })?;
    create_task("save the cache", save_at_the_end())?;
    create_task("poll for news", pending())?;
    sleep(Duration::from_secs(1)).await;

    let report = shutdown(Duration::from_secs(10)).await;
    println!("ended by themselves: {}", report.finished);
    println!("of these within the grace: {:?}", report.cooperative);
    println!("aborted: {:?}", report.aborted);
    if let Err(refused) = create_task("one more", background_job()) {
        println!("one more: {refused}");
    }
    Ok(())
}
