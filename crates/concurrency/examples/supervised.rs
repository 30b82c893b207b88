//! How does a part of the program start again after a failure, but not for ever?
//!
//! A supervised task calls its function anew after an error or a panic, with growing pauses. Each failure is heard of with the number of the run.
//! One that fails too often within a minute is given up, and the program hears of that from `join`.
//!
//! Run: `cargo run -p bowline-concurrency --example supervised`
//!
//! Expected output:
//! ```text
//! 0 s: connecting
//! 0 s: listener, run 1 failed: "no route"
//! 1 s: connecting
//! 1 s: listener, run 2 panicked: index out of range
//! 3 s: connecting
//! 3 s: listening
//! the listener has ended after 2 restarts: Some("served 7")
//! 63 s: hopeless, run 1 failed: "no such host"
//! 64 s: hopeless, run 2 failed: "no such host"
//! 64 s: hopeless failed: given up at the limit of 1 restarts within 60s: hopeless, run 2 failed: "no such host"; mend the cause, or raise the limit with `Restart::at_most`
//! join: hopeless
//! ```

use std::{error::Error, time::Duration};

use bowline_concurrency::{BackgroundTasks, Restart};
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    std::panic::set_hook(Box::new(|_| {})); // The observer prints the panic.
    let began = Instant::now();
    let seconds = move || began.elapsed().as_secs();
    let tasks = BackgroundTasks::new();
    tasks.observe_failures(move |failure| println!("{} s: {failure}", seconds()));

    let second = Duration::from_secs(1);
    let restart = Restart::on_failure().backoff(second, second * 30).without_jitter();
    let mut run = 0;
    let mut listener = tasks.supervise("listener", restart, move || {
        run += 1;
        let run = run;
        async move {
            println!("{} s: connecting", seconds());
            match run {
                1 => return Err("no route"),
                2 => panic!("index out of range"),
                _ => println!("{} s: listening", seconds()),
            }
            sleep(second * 60).await;
            Ok("served 7")
        }
    })?;
    let served = (&mut listener).await;
    println!("the listener has ended after {} restarts: {served:?}", listener.restarts());

    let hopeless = restart.at_most(1, second * 60);
    tasks.supervise("hopeless", hopeless, async || Err::<(), _>("no such host"))?;
    if let Err(failed) = tasks.join().await {
        println!("join: {}", failed.name());
    }
    Ok(())
}
