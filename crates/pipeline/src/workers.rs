//! A pool of workers on a queue.

use std::error::Error;

use bowline_concurrency::scope;

use crate::Consumer;

/// Runs `count` tasks that take items from `consumer` and call `handler` with each, until the queue has ended.
///
/// The handler gets a clone of the item, and its ticket stays with the worker: wrap costly items in an [`Arc`](std::sync::Arc). After `Ok`, the item
/// is done. After `Err`, it goes back to the end of the queue, and when its attempts are used up it becomes a dead letter
/// with the last error; errors do not end the pool. For anything else, such as giving up at once, write the loop
/// yourself with [`Consumer::get`].
///
/// The tasks are children of a scope, and run in parallel. A queue smaller than their number keeps some idle.
///
/// # Panics
///
/// If `count` is zero. And with the payload of a handler that panics, after all workers have ended; the items that they
/// had in work are back in the queue by then.
///
/// # Cancel safety
///
/// Dropped half-way, the workers are cancelled, and the enclosing scope waits for them. Items in work go back to the queue, or to
/// the dead letters.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::scope;
/// use bowline_pipeline::{Queue, workers};
///
/// async fn check(number: u32) -> Result<(), String> {
///     if number % 5 == 0 { Err(format!("{number} is a multiple of five")) } else { Ok(()) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let queue = Queue::bounded(100).with_max_attempts(2);
/// let (producer, consumer) = (queue.producer(), queue.consumer());
/// let report = scope(async |group| {
///     drop(group.spawn(workers(8, consumer, check)));
///     for number in 1..=12 {
///         producer.put(number).await?;
///     }
///     drop(producer); // or `finish` waits for it
///     Ok::<_, Box<dyn std::error::Error>>(queue.finish().await?)
/// })
/// .await?;
/// assert_eq!((report.statistics.done, report.statistics.dead), (10, 2));
/// assert_eq!(report.dead_letters[0].cause.to_string(), "5 is a multiple of five");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "WorkerPool")]
#[doc(alias = "for_each_concurrent")]
#[track_caller]
#[must_use = "futures do nothing unless awaited"]
pub fn workers<T, E, H, F>(count: usize, consumer: Consumer<T>, handler: H) -> impl Future<Output = ()> + Send
where
    T: Clone + Send + 'static,
    E: Into<Box<dyn Error + Send + Sync>> + 'static,
    H: Fn(T) -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
{
    assert!(count > 0, "a pool of no workers never ends: ask for one at least");
    async move {
        scope(async move |group| {
            for number in 1..=count {
                let worker = work(consumer.clone(), handler.clone());
                drop(group.named(format!("worker {number}")).spawn(worker));
            }
        })
        .await;
    }
}

async fn work<T, E, H, F>(consumer: Consumer<T>, handler: H)
where
    T: Clone,
    E: Into<Box<dyn Error + Send + Sync>>,
    H: Fn(T) -> F,
    F: Future<Output = Result<(), E>>,
{
    while let Some(ticket) = consumer.get().await {
        match handler(ticket.clone()).await {
            Ok(()) => ticket.done(),
            Err(error) => ticket.retry_or_fail(error),
        }
    }
}
