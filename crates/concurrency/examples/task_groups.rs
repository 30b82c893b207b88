//! How does asyncio's `TaskGroup` look here, and where do the errors go?
//!
//! Every task of a group is complete when the scope returns. If one fails, `process_batch` returns its error, as an `ExceptionGroup`
//! would; `robust_processing` keeps each item to itself, and returns what went well beside what did not.
//!
//! Run: `cargo run -p bowline-concurrency --example task_groups`
//!
//! Expected output:
//! ```text
//! batch: [1, 4, 9]
//! batch with a bad item: ["-2 is negative"]
//! results: ["ONE", "THREE"]
//! errors: ["an empty item"]
//! ```

use std::error::Error;

use bowline_concurrency::{ScopeError, TaskGroup, scope, try_scope};
use tokio::task::yield_now;

async fn process_item(item: i32) -> Result<i32, String> {
    yield_now().await; // Simulates work.
    if item < 0 { Err(format!("{item} is negative")) } else { Ok(item * item) }
}

async fn process_item_safe(item: String) -> Result<String, String> {
    yield_now().await;
    if item.is_empty() { Err("an empty item".to_owned()) } else { Ok(item.to_uppercase()) }
}

async fn process_batch(items: &[i32]) -> Result<Vec<i32>, ScopeError<String>> {
    try_scope(async |group: &TaskGroup<String>| {
        let tasks: Vec<_> = items.iter().map(|item| group.try_spawn(process_item(*item))).collect();
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await); // A value: had one failed, the body would not go on.
        }
        Ok(results)
    })
    .await
}

/// In Python the first error cancels the other items. Here they go on: `spawn` makes of a `Result` a value like any other.
async fn robust_processing(items: &[String]) -> (Vec<String>, Vec<String>) {
    scope(async |group| {
        let tasks: Vec<_> = items.iter().map(|item| group.spawn(process_item_safe(item.clone()))).collect();
        let (mut results, mut errors) = (Vec::new(), Vec::new());
        for task in tasks {
            match task.await {
                Ok(result) => results.push(result),
                Err(error) => errors.push(error),
            }
        }
        (results, errors)
    })
    .await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("batch: {:?}", process_batch(&[1, 2, 3]).await?);
    match process_batch(&[1, -2, 3]).await {
        // All errors of the group: Python's `except ExceptionGroup as eg`, with its `eg.exceptions`.
        Err(ScopeError::Failed(errors)) => println!("batch with a bad item: {:?}", errors.into_vec()),
        other => println!("batch: {:?}", other?),
    }

    let (results, errors) = robust_processing(&["one", "", "three"].map(String::from)).await;
    println!("results: {results:?}");
    println!("errors: {errors:?}");
    Ok(())
}
