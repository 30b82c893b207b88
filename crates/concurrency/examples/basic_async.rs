//! How does asyncio's first page look here: `asyncio.run`, `gather`, and `gather` with `return_exceptions=True`?
//!
//! `run` is the root, a scope fetches side by side and gives the results in order. Where a failure may stop the others the
//! children are made with `try_spawn`; where each is for itself, `spawn` makes its `Result` a value.
//!
//! Run: `cargo run -p bowline-concurrency --example basic_async`
//!
//! Expected output:
//! ```text
//! {"status": "ok", "url": "https://api.example.com"}
//! all: ["https://a.example", "https://b.example", "https://c.example"]
//! all, with one that is down: https://down.example does not answer
//! safe: [Some("https://a.example"), None, Some("https://c.example")]
//! ```

use std::{collections::BTreeMap, error::Error, io, time::Duration};

use bowline_concurrency::{ScopeError, TaskGroup, run, scope, try_scope};
use tokio::time::sleep;

/// Python's `dict[str, str]`.
type Record = BTreeMap<&'static str, String>;

async fn fetch_data(url: String) -> io::Result<Record> {
    sleep(Duration::from_millis(10)).await; // Simulates I/O.
    if url.contains("down") {
        return Err(io::Error::other(format!("{url} does not answer")));
    }
    Ok(Record::from([("url", url), ("status", "ok".to_owned())]))
}

/// The first error stops the other fetches, and they are gone when this returns; `gather` lets them run on.
async fn fetch_all(urls: &[String]) -> Result<Vec<Record>, ScopeError<io::Error>> {
    try_scope(async |group: &TaskGroup<io::Error>| {
        let tasks: Vec<_> = urls.iter().map(|url| group.try_spawn(fetch_data(url.clone()))).collect();
        let mut records = Vec::new();
        for task in tasks {
            records.push(task.await);
        }
        Ok(records)
    })
    .await
}

async fn safe_fetch_all(urls: &[String]) -> Vec<Option<Record>> {
    scope(async |group| {
        let tasks: Vec<_> = urls.iter().map(|url| group.spawn(fetch_data(url.clone()))).collect();
        let mut records = Vec::new();
        for task in tasks {
            records.push(task.await.ok());
        }
        records
    })
    .await
}

fn main() -> Result<(), Box<dyn Error>> {
    run(async {
        let result = fetch_data("https://api.example.com".to_owned()).await?;
        println!("{result:?}");

        let up = ["https://a.example", "https://b.example", "https://c.example"].map(String::from);
        let all = fetch_all(&up).await?;
        println!("all: {:?}", all.iter().map(|record| &record["url"]).collect::<Vec<_>>());

        let mixed = ["https://a.example", "https://down.example", "https://c.example"].map(String::from);
        if let Err(error) = fetch_all(&mixed).await {
            println!("all, with one that is down: {error}");
        }
        let safe = safe_fetch_all(&mixed).await;
        println!(
            "safe: {:?}",
            safe.iter().map(|found| found.as_ref().map(|record| &record["url"])).collect::<Vec<_>>()
        );
        Ok(())
    })?
}
