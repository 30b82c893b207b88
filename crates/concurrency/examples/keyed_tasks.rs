//! How is work restarted for the newest input, and never done twice for the same key?
//!
//! Each key has a slot among the background tasks. A newer search replaces the one that still runs, which is dropped; a refresh that runs already is not
//! started again.
//!
//! Run: `cargo run -p bowline-concurrency --example keyed_tasks`
//!
//! Expected output:
//! ```text
//! searching for b
//! gone: b
//! searching for bo
//! gone: bo
//! searching for bow
//! found: bowline
//! gone: bow
//! refused: a task is in the slot: replace it, or wait until it has ended
//! 1 task ended by itself; replaced in their slots: 2; aborted after the grace: refresh:42
//! ```

use std::{error::Error, future::pending, time::Duration};

use bowline_concurrency::BackgroundTasks;
use tokio::time::sleep;

/// A local of a search; its destructor runs however the search ends.
struct Query(&'static str);

impl Drop for Query {
    fn drop(&mut self) {
        println!("gone: {}", self.0);
    }
}

async fn search(text: &'static str) -> &'static str {
    let _query = Query(text);
    println!("searching for {text}");
    sleep(Duration::from_secs(2)).await; // Simulates I/O.
    println!("found: bowline");
    "bowline"
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let tasks = BackgroundTasks::new();
    for text in ["b", "bo", "bow"] {
        let (_task, older) = tasks.slot("search").replace(search(text))?;
        drop(older); // Awaited, it would wait until the older search is gone.
        sleep(Duration::from_secs(1)).await; // The user types on.
    }
    tasks.join().await?;

    tasks.slot("refresh:42").spawn_if_vacant(pending::<()>())?;
    if let Err(refused) = tasks.slot("refresh:42").spawn_if_vacant(pending::<()>()) {
        println!("refused: {refused}");
    }
    println!("{}", tasks.shutdown(Duration::from_secs(1)).await);
    Ok(())
}
