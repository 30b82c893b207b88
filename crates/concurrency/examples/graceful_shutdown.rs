//! How does a program stop when it has tasks in the background?
//!
//! Its background tasks are told, get a grace to end in their own way, and the report says who was forced.
//! Ctrl-C does the same: `shutdown_requested` resolves in `serve`.
//!
//! Run: `cargo run -p bowline-concurrency --example graceful_shutdown`
//!
//! Expected output:
//! ```text
//! served 3 requests
//! flushing 3 entries, because the program is shutting down
//! ended by themselves: ["flush the log"]
//! aborted: ["poll for news"]
//! ```

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bowline_concurrency::{BackgroundTasks, cancelled, run, shutdown_requested};

async fn serve(log: &AtomicU32) {
    let mut stop = std::pin::pin!(shutdown_requested());
    for _request in 0..3 {
        tokio::select! {
            biased;
            () = &mut stop => return,
            () = tokio::task::yield_now() => { log.fetch_add(1, Ordering::Relaxed); }
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run(async {
        let tasks = BackgroundTasks::new();
        let log = Arc::new(AtomicU32::new(0));
        let entries = log.clone();
        tasks.spawn("flush the log", async move {
            let reason = cancelled().await;
            println!("flushing {} entries, because {reason}", entries.load(Ordering::Relaxed));
        })?;
        tasks.spawn("poll for news", std::future::pending::<()>())?;

        serve(&log).await;
        println!("served {} requests", log.load(Ordering::Relaxed));

        let report = tasks.shutdown(Duration::from_millis(100)).await;
        println!("ended by themselves: {:?}", report.cooperative);
        println!("aborted: {:?}", report.aborted);
        Ok(())
    })?
}
