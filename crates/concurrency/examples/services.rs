//! What stops last?
//!
//! A service: what the others need to their end. It hears of the end of its scope when nobody is left who could use it.
//!
//! Run: `cargo run -p bowline-concurrency --example services`
//!
//! Expected output:
//! ```text
//! the body ends
//! log: worker 1 is done
//! log: worker 2 is done
//! log: closed with 2 lines
//! ```

use std::time::Duration;

use bowline_concurrency::{TaskGroup, cancelled};
use tokio::sync::mpsc;

async fn log(mut lines: mpsc::Receiver<String>) {
    let mut written = 0;
    loop {
        tokio::select! {
            biased;
            Some(line) = lines.recv() => {
                println!("log: {line}");
                written += 1;
            }
            _ = cancelled() => break,
        }
    }
    println!("log: closed with {written} lines");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (write, lines) = mpsc::channel(8);
    TaskGroup::builder()
        .grace(Duration::from_secs(5))
        .scope(async |group| {
            group.spawn_service("log", log(lines));
            for worker in 1..=2 {
                let write = write.clone();
                drop(group.spawn(async move { write.send(format!("worker {worker} is done")).await }));
            }
            println!("the body ends");
        })
        .await;
}
