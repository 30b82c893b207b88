//! How does a semaphore around `process` look here, and what can it do that a semaphore cannot?
//!
//! It bounds how many work at once, in the order of asking. Here it is lowered while it is in use, counts what is heavy for more, and refuses what could
//! never be served or would wait for itself.
//!
//! Run: `cargo run -p bowline-sync --example limiter`
//!
//! Expected output:
//!
//! ```text
//! 12 items done, at most 3 at once, in 40 ms
//! lowered to 1: 3 items done, at most 1 at once, in 30 ms
//! heavy: 4 permits can never be had of a limiter of capacity 3: ask for fewer, or raise the capacity
//! nested: borrower `import` #1 holds or awaits a permit of this limiter already: let go of that one first, or be another borrower
//! ```

use std::{
    error::Error,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use bowline_sync::{Borrower, Limiter};
use tokio::time::{Instant, sleep};

/// Python's class `RateLimiter`, by what it does.
struct Processor {
    limiter: Limiter,
    most_at_once: AtomicUsize,
}

impl Processor {
    const fn new(max_concurrent: usize) -> Self {
        Self { limiter: Limiter::new(max_concurrent), most_at_once: AtomicUsize::new(0) }
    }

    async fn process(&self, item: u32) -> String {
        let _permit = self.limiter.acquire().await;
        self.most_at_once.fetch_max(self.limiter.statistics().in_use, Ordering::Relaxed);
        expensive_operation(item).await
    }
}

async fn expensive_operation(item: u32) -> String {
    sleep(Duration::from_millis(10)).await;
    format!("item {item}")
}

static PROCESSOR: Processor = Processor::new(3);

async fn process_all(items: u32) -> Result<String, Box<dyn Error>> {
    let start = Instant::now();
    PROCESSOR.most_at_once.store(0, Ordering::Relaxed);
    let tasks: Vec<_> = (0..items).map(|item| tokio::spawn(PROCESSOR.process(item))).collect();
    for (item, task) in (0..items).zip(tasks) {
        assert_eq!(task.await?, format!("item {item}"));
    }
    let (most, millis) = (PROCESSOR.most_at_once.load(Ordering::Relaxed), start.elapsed().as_millis());
    Ok(format!("{items} items done, at most {most} at once, in {millis} ms"))
}

#[tokio::main(flavor = "current_thread", start_paused = true)]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("{}", process_all(12).await?);

    PROCESSOR.limiter.set_capacity(1);
    println!("lowered to 1: {}", process_all(3).await?);

    PROCESSOR.limiter.set_capacity(3);
    if let Err(refused) = PROCESSOR.limiter.acquire_many(NonZeroUsize::try_from(4)?).await {
        println!("heavy: {refused}");
    }

    let import = Borrower::named("import");
    let _permit = PROCESSOR.limiter.acquire_as(&import).await?;
    if let Err(refused) = PROCESSOR.limiter.acquire_as(&import).await {
        println!("nested: {refused}");
    }
    Ok(())
}
