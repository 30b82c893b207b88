//! What becomes of the work when a worker panics half-way?
//!
//! Its item goes back to the queue, as do those of its siblings, which are cancelled. A second pool does what is left, and the
//! report accounts for everything.
//!
//! Run: `cargo run -p bowline-pipeline --example nothing_is_lost`
//!
//! Expected output:
//! ```text
//! the first pool broke: the disk is full
//! done 2, queued 4, in work 0
//! the second pool did the rest
//! done 5 of 6, abandoned tickets: 2
//! given up: 3 after 2 attempts, because 3 is cursed
//! ```

use std::error::Error;

use bowline_pipeline::{Queue, workers};
use tokio::task::yield_now;

/// Breaks at the fourth item.
async fn store(item: u32) -> Result<(), String> {
    yield_now().await;
    if item == 4 {
        // Not `panic!`, which would also print to standard error.
        std::panic::resume_unwind(Box::new("the disk is full"));
    }
    if item == 3 { std::future::pending().await } else { Ok(()) }
}

async fn store_better(item: u32) -> Result<(), String> {
    yield_now().await;
    if item == 3 { Err("3 is cursed".to_owned()) } else { Ok(()) }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let queue = Queue::bounded(10).with_max_attempts(2);
    let producer = queue.producer();
    for item in 1..=6 {
        producer.put(item).await?;
    }
    drop(producer);

    // A task, so that its panic ends here.
    let broken = tokio::spawn(workers(2, queue.consumer(), store)).await;
    if let Err(panic) = broken {
        let payload = panic.into_panic();
        println!("the first pool broke: {}", payload.downcast_ref::<&str>().unwrap_or(&"for no reason"));
    }
    let so_far = queue.statistics();
    println!("done {}, queued {}, in work {}", so_far.done, so_far.queued, so_far.in_work);

    let (report, ()) = tokio::join!(queue.finish(), workers(2, queue.consumer(), store_better));
    let report = report?;
    println!("the second pool did the rest");
    let counts = report.statistics;
    println!("done {} of {}, abandoned tickets: {}", counts.done, counts.put, counts.abandoned);
    for letter in report.dead_letters {
        println!("given up: {} after {} attempts, because {}", letter.item, letter.attempts, letter.cause);
    }
    Ok(())
}
