//! What does a timeout leave behind, in a plain Tokio program? Everything that was spawned below it.
//!
//! Run: `cargo run --example before`, and then `cargo run --example after`, which differs in an import and a line.
//!
//! Expected output:
//!
//! ```text
//! the timeout has returned
//! downloads that are still running: 1
//! ```

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::time::{sleep, timeout};

#[tokio::main]
async fn main() {
    let result = timeout(Duration::from_millis(100), synchronize()).await;
    assert!(result.is_err());
    println!("the timeout has returned");
    println!("downloads that are still running: {}", RUNNING.load(Ordering::SeqCst));
}

async fn synchronize() {
    tokio::spawn(download()).await.ok();
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
