//! What happens to the other tasks when one fails?
//!
//! They are cancelled, their locals are dropped, and only then the scope returns, with the error.
//!
//! Run: `cargo run -p bowline-concurrency --example stop_on_first_error`
//!
//! Expected output:
//! ```text
//! worker 1 starts
//! worker 2 starts
//! worker 3 starts
//! worker 1 puts its tools away
//! worker 2 puts its tools away
//! failed: worker 3: out of paper
//! ```

use std::io;

use bowline_concurrency::{ScopeError, TaskGroup, try_scope};

/// A local of a worker; its destructor runs however the worker ends.
struct Tools(u32);

impl Drop for Tools {
    fn drop(&mut self) {
        println!("worker {} puts its tools away", self.0);
    }
}

async fn work(worker: u32) -> io::Result<()> {
    println!("worker {worker} starts");
    if worker == 3 {
        return Err(io::Error::other("out of paper"));
    }
    let _tools = Tools(worker);
    std::future::pending().await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), ScopeError<io::Error>> {
    let result = try_scope(async |group: &TaskGroup<io::Error>| {
        let workers: Vec<_> = (1..=3).map(|n| group.named(format!("worker {n}")).try_spawn(work(n))).collect();
        for worker in workers {
            worker.await;
        }
        Ok(())
    })
    .await;
    match result {
        Err(error @ ScopeError::Failed(_)) => println!("failed: {error}"),
        other => other?,
    }
    Ok(())
}
