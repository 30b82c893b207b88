//! How does `asyncio.timeout` look here, and what runs on after it?
//!
//! `timeout` returns the value or `Err(Elapsed)`, and nothing runs on: the tasks that the work had spawned are gone, and their
//! connections closed, before it returns.
//!
//! Run: `cargo run -p bowline-concurrency --example timeouts`
//!
//! Expected output:
//! ```text
//! closed: https://a.example
//! {"status": "ok", "url": "https://a.example"}
//! closed: https://slow.example
//! {"error": "timeout"}
//! closed: https://a.example
//! closed: https://slow.example
//! [None, None]
//! ```

use std::{collections::BTreeMap, time::Duration};

use bowline_concurrency::{scope, timeout};
use tokio::time::sleep;

/// Python's `dict[str, Any]`.
type Record = BTreeMap<&'static str, String>;

struct Connection(String);

impl Drop for Connection {
    fn drop(&mut self) {
        println!("closed: {}", self.0);
    }
}

async fn fetch_data(url: String) -> Record {
    let _connection = Connection(url.clone());
    sleep(Duration::from_secs(if url.contains("slow") { 60 } else { 1 })).await; // Simulates I/O.
    Record::from([("url", url), ("status", "ok".to_owned())])
}

async fn fetch_all(urls: &[String]) -> Vec<Record> {
    scope(async |group| {
        let tasks: Vec<_> = urls.iter().map(|url| group.spawn(fetch_data(url.clone()))).collect();
        let mut records = Vec::new();
        for task in tasks {
            records.push(task.await);
        }
        records
    })
    .await
}

async fn fetch_with_timeout(url: String, limit: Duration) -> Record {
    match timeout(limit, fetch_data(url)).await {
        Ok(record) => record,
        Err(_elapsed) => Record::from([("error", "timeout".to_owned())]),
    }
}

async fn fetch_all_with_timeout(urls: &[String], limit: Duration) -> Vec<Option<Record>> {
    match timeout(limit, fetch_all(urls)).await {
        Ok(records) => records.into_iter().map(Some).collect(),
        Err(_elapsed) => vec![None; urls.len()],
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let limit = Duration::from_secs(5);
    let [fast, slow] = ["https://a.example", "https://slow.example"].map(String::from);
    println!("{:?}", fetch_with_timeout(fast.clone(), limit).await);
    println!("{:?}", fetch_with_timeout(slow.clone(), limit).await);
    println!("{:?}", fetch_all_with_timeout(&[fast, slow], limit).await);

    // What Python does not give: there, a task that a fetch has made with `create_task` runs on after the timeout.
    // Here nothing does: the tasks of all scopes below have been dropped when it returns, on any runtime.
}
