//! How do tasks share data that each of them reads, thinks about, and writes?
//!
//! Under a lock that is held from the reading to the writing, also while the task sleeps between. `Mutex::with` lends the data for so long; if
//! it is dropped half-way, it says so to the next one that asks.
//!
//! Run: `cargo run -p bowline-sync --example shared_data`
//!
//! Expected output:
//!
//! ```text
//! ten tasks added 1..=10 to "total": 55, in 1000 ms
//! a transfer was cancelled half-way: {"bob": 5, "total": 55}
//! the mutex is poisoned by a change that was dropped half-way: …
//! mended: {"alice": 5, "bob": 5, "total": 55}
//! ```

use std::{collections::BTreeMap, error::Error, time::Duration};

use bowline_sync::{Mutex, Poisoned};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

type Data = BTreeMap<String, i64>;

static RESOURCE: Mutex<Data> = Mutex::new(Data::new());

async fn update(key: &'static str, value: i64) {
    RESOURCE
        .with(async |data| {
            let current = data.get(key).copied().unwrap_or_default();
            sleep(Duration::from_millis(100)).await; // work in the critical section
            data.insert(key.to_owned(), current + value);
        })
        .await;
}

async fn transfer(from: &'static str, to: &'static str, amount: i64) {
    RESOURCE
        .with(async |data| {
            *data.entry(from.to_owned()).or_default() -= amount;
            sleep(Duration::from_millis(100)).await;
            *data.entry(to.to_owned()).or_default() += amount;
        })
        .await;
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let mut tasks: JoinSet<()> = (1..=10).map(|value| update("total", value)).collect();
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    let total = RESOURCE.lock_unpoisoned().await.map_err(Poisoned::without_guard)?["total"];
    println!("ten tasks added 1..=10 to \"total\": {total}, in {} ms", begun.elapsed().as_millis());

    update("bob", 10).await;
    if timeout(Duration::from_millis(50), transfer("bob", "alice", 5)).await.is_err() {
        println!("a transfer was cancelled half-way: {:?}", *RESOURCE.lock().await);
    }
    if let Err(poisoned) = RESOURCE.lock_unpoisoned().await {
        println!("{poisoned}");
        let mut data = poisoned.into_guard();
        let missing = 10 - data["bob"];
        data.insert("alice".to_owned(), missing);
        RESOURCE.clear_poison();
        println!("mended: {:?}", *data);
    }
    Ok(())
}
