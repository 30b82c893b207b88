//! How does a program do something every minute, and what if it takes longer, or fails?
//!
//! A periodic task runs on schedule among the background tasks. A run that fails is heard of, and the next one comes at its time. When one takes longer
//! than the period, the schedule says what happens to the next one; here it is skipped. A shutdown waits for the run in flight.
//!
//! Run: `cargo run -p bowline-concurrency --example periodic`
//!
//! Expected output:
//! ```text
//! minute 1: refreshed
//! minute 2: refresh failed: "no route"
//! minute 3: a slow run begins
//! minute 5: refreshed
//! 4 runs, 1 failed, 1 skipped
//! minute 6: refreshed
//! minute 7: a slow run begins
//! the slow run ends, because the program is shutting down
//! 1 task ended by itself, refresh within the grace
//! ```

use std::{error::Error, time::Duration};

use bowline_concurrency::{BackgroundTasks, Periodic, cancelled};
use tokio::time::{Instant, sleep};

const MINUTE: Duration = Duration::from_secs(60);

async fn refresh(minute: u64) -> Result<(), String> {
    match minute {
        2 => return Err("no route".to_owned()),
        3 | 7 => {
            println!("minute {minute}: a slow run begins");
            tokio::select! {
                () = sleep(MINUTE * 3 / 2) => {}
                reason = cancelled() => println!("the slow run ends, because {reason}"),
            }
        }
        _ => println!("minute {minute}: refreshed"),
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let minute = move || began.elapsed().as_secs() / 60;
    let tasks = BackgroundTasks::new();
    tasks.observe_failures(move |failure| println!("minute {}: {failure}", minute()));

    let refreshing = tasks.periodic("refresh", Periodic::every(MINUTE), move || refresh(minute()))?;
    sleep(MINUTE * 11 / 2).await;
    let counts = refreshing.counts();
    println!("{} runs, {} failed, {} skipped", counts.runs, counts.failures, counts.skipped);
    sleep(MINUTE * 2).await;
    println!("{}", tasks.shutdown(Duration::from_secs(10)).await);
    Ok(())
}
