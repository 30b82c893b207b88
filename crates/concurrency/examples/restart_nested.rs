//! How does a part of the program handle its own errors and panics, and start again, while the rest goes on?
//!
//! Its tasks have a `BackgroundTasks` of their own: a failure touches nothing outside, and goes to the observer there. The handle of the
//! task says that it has failed, so that a loop may start it again. The shutdown of the whole program is heard inside all the same.
//!
//! Asked for as #28, #33 and #39 of tokio-graceful-shutdown.
//!
//! Run: `cargo run -p bowline-concurrency --example restart_nested`
//!
//! Expected output:
//! ```text
//! run 1 starts
//! heard inside: run 1 failed: "no route"
//! run 2 starts
//! heard inside: run 2 panicked: index out of range
//! run 3 starts
//! run 3 ends, because the program is shutting down
//! ended within the grace: ["supervisor"]
//! ```

use std::{error::Error, time::Duration};

use bowline_concurrency::{BackgroundTasks, cancelled};
use tokio::time::sleep;

async fn nested(run: u32) -> Result<(), String> {
    println!("run {run} starts");
    sleep(Duration::from_secs(1)).await;
    match run {
        1 => Err("no route".to_owned()),
        2 => panic!("index out of range"),
        _ => {
            let reason = cancelled().await;
            println!("run {run} ends, because {reason}");
            Ok(())
        }
    }
}

/// The nested top level: starts again until a run ends well, but not for ever.
async fn supervise() {
    let tasks = BackgroundTasks::new();
    tasks.observe_failures(|failure| println!("heard inside: {failure}"));
    for run in 1..=5 {
        let task = tasks.try_spawn(format!("run {run}"), nested(run)).expect("nobody else shuts these tasks down");
        if task.await.is_some() {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    std::panic::set_hook(Box::new(|_| {})); // The observer prints the panic.
    let program = BackgroundTasks::new();
    program.spawn("supervisor", supervise())?;
    sleep(Duration::from_secs(60)).await;

    let report = program.shutdown(Duration::from_secs(10)).await;
    println!("ended within the grace: {:?}", report.cooperative);
    Ok(())
}
