//! A hundred tasks miss the same cache entry at once: how many requests does the server see?
//!
//! One, and one more for the caller whose task was aborted in the middle of it. The next in line took over with a request of its own, and nobody
//! noticed.
//!
//! Run: `cargo run -p bowline-sync --example single_flight`
//!
//! Expected output:
//!
//! ```text
//! 100 tasks wait for 1 key; the leader is aborted
//! 99 answers, 2 requests, 0 keys left
//! ```

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bowline_sync::SingleFlight;
use tokio::time::sleep;

#[derive(Default)]
struct Client {
    flights: SingleFlight<&'static str, Arc<str>>,
    requests: AtomicU32,
}

impl Client {
    async fn page(&self, address: &'static str) -> Arc<str> {
        self.flights.run(address, async || self.request(address).await).await
    }

    async fn request(&self, address: &str) -> Arc<str> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        sleep(Duration::from_millis(100)).await; // the server
        format!("the page of {address}").into()
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Arc::new(Client::default());
    let mut tasks = Vec::new();
    for _ in 0..100 {
        let client = Arc::clone(&client);
        tasks.push(tokio::spawn(async move { client.page("/news").await }));
    }
    sleep(Duration::from_millis(50)).await;
    let now = client.flights.statistics();
    println!("{} tasks wait for {} key; the leader is aborted", now.waiting + now.keys, now.keys);
    tasks[0].abort();

    let mut answers = Vec::new();
    for task in tasks {
        answers.extend(task.await.ok());
    }
    assert!(answers.iter().all(|answer| Arc::ptr_eq(answer, &answers[0])), "one page, shared");
    let (requests, keys) = (client.requests.load(Ordering::Relaxed), client.flights.statistics().keys);
    println!("{} answers, {requests} requests, {keys} keys left", answers.len());
    assert_eq!((answers.len(), requests, keys), (99, 2, 0));
    Ok(())
}
