//! What does a timeout leave behind, in a Bowline program? Nothing.
//!
//! Run: `cargo run --example after`, after `cargo run --example before`, which differs in an import and a line.
//!
//! Expected output:
//!
//! ```text
//! the timeout has returned
//! downloads that are still running: 0
//! ```

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bowline_concurrency::{scope, timeout};
use tokio::time::sleep;

#[tokio::main]
async fn main() {
    let result = timeout(Duration::from_millis(100), synchronize()).await;
    assert!(result.is_err());
    println!("the timeout has returned");
    println!("downloads that are still running: {}", RUNNING.load(Ordering::SeqCst));
}

async fn synchronize() {
    scope(async |group| group.spawn(download()).await).await;
}

async fn download() {
    let _running = Running::begin();
    sleep(Duration::from_secs(3600)).await;
}

static RUNNING: AtomicU32 = AtomicU32::new(0);

struct Running;

impl Running {
    fn begin() -> Self {
        RUNNING.fetch_add(1, Ordering::SeqCst);
        Running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::SeqCst);
    }
}
