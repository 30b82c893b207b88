//! Forty requests, four at once, twenty a second, and one 429: who is held back?
//!
//! Everybody is, those who waited already too. Then the requests go on in order, at the same pace and without a burst to make up for the pause.
//!
//! Run: `cargo run -p bowline-sync --example polite_crawler`
//!
//! Expected output:
//!
//! ```text
//! request 20 was told to retry after 500 ms; in line: …
//! 40 answers in order, at most 4 at once, none within the pause
//! at 20 a second they took … ms, the pause included
//! ```

use std::{
    error::Error,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bowline_sync::{Limiter, Rate, RateLimiter};
use tokio::time::{Instant, sleep};

const RETRY_AFTER: Duration = Duration::from_millis(500);

struct Crawler {
    connections: Limiter,
    pace: RateLimiter,
    most_at_once: AtomicUsize,
}

impl Crawler {
    /// When the request began.
    async fn request(&self, number: u32) -> Instant {
        let _permit = self.connections.acquire().await;
        self.pace.acquire().await;
        let began = Instant::now();
        self.most_at_once.fetch_max(self.connections.statistics().in_use, Ordering::Relaxed);
        if number == 20 {
            self.pace.pause_for(RETRY_AFTER);
            let waiting = self.pace.statistics().waiting;
            println!("request 20 was told to retry after {} ms; in line: {waiting}", RETRY_AFTER.as_millis());
        }
        sleep(Duration::from_millis(5)).await; // the server
        began
    }
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    let crawler = Arc::new(Crawler {
        connections: Limiter::new(4),
        pace: RateLimiter::new(Rate::per_second(NonZeroU32::try_from(20)?)),
        most_at_once: AtomicUsize::new(0),
    });
    let start = Instant::now();
    let mut requests = Vec::new();
    for number in 1..=40 {
        let crawler = Arc::clone(&crawler);
        requests.push(tokio::spawn(async move { crawler.request(number).await }));
    }
    let mut began = Vec::new();
    for request in requests {
        began.push(request.await?);
    }
    assert!(began.is_sorted());
    assert!(began[20] - began[19] >= RETRY_AFTER);
    let most = crawler.most_at_once.load(Ordering::Relaxed);
    println!("{} answers in order, at most {most} at once, none within the pause", began.len());
    println!("at 20 a second they took {} ms, the pause included", start.elapsed().as_millis());
    Ok(())
}
