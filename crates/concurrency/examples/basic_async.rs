//! How does asyncio's first page look here: `asyncio.run`, `gather`, and `gather` with `return_exceptions=True`?
//!
//! `run` is the root. `try_gather` stops at the first error, `gather` gives every result, errors among them; both in order, in this task, and
//! without a copy of what they borrow.
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

use bowline_concurrency::{gather, run, try_gather};
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

/// The first error stops the other fetches, and they are gone when this returns; Python's `gather` lets them run on.
async fn fetch_all(urls: &[String]) -> io::Result<Vec<Record>> {
    try_gather(urls.iter().cloned().map(fetch_data)).await
}

async fn safe_fetch_all(urls: &[String]) -> Vec<Option<Record>> {
    gather(urls.iter().cloned().map(fetch_data)).await.into_iter().map(Result::ok).collect()
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
