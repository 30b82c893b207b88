//! The ways to run many children and to get all their values, ours first.
//!
//! Each one takes the number of children and what makes the child `n`, and gives the values; in order, where it says so.

use async_scoped::TokioScope;
use bowline_concurrency::scope;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::{
    sync::oneshot,
    task::{JoinSet, coop::unconstrained},
};
use tokio_util::task::{JoinMap, TaskTracker};

const NO_PANIC: &str = "a child of a benchmark neither panics nor is aborted";

/// In order.
pub(crate) async fn bowline<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    scope(async |group| {
        let tasks: Vec<_> = (0..children).map(|n| group.spawn(child(n))).collect();
        let mut values = Vec::with_capacity(tasks.len());
        for task in tasks {
            values.push(task.await);
        }
        values
    })
    .await
}

/// In order. Nobody waits for the children if the parent is dropped.
pub(crate) async fn bare<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    let tasks: Vec<_> = (0..children).map(|n| tokio::spawn(child(n))).collect();
    let mut values = Vec::with_capacity(tasks.len());
    for task in tasks {
        values.push(task.await.expect(NO_PANIC));
    }
    values
}

/// In order: each child brings its index with it.
pub(crate) async fn join_set<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for n in 0..children {
        let child = child(n);
        tasks.spawn(async move { (n as usize, child.await) });
    }
    let mut values = vec![0; tasks.len()];
    while let Some(joined) = tasks.join_next().await {
        let (index, value) = joined.expect(NO_PANIC);
        values[index] = value;
    }
    values
}

/// In the order of completion.
pub(crate) async fn join_set_as_completed<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for n in 0..children {
        tasks.spawn(child(n));
    }
    let mut values = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.join_next().await {
        values.push(joined.expect(NO_PANIC));
    }
    values
}

/// In order: a tracker forgets values, so that each child sends its own.
pub(crate) async fn tracker<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    let tasks = TaskTracker::new();
    let sent: Vec<_> = (0..children)
        .map(|n| {
            let (sender, receiver) = oneshot::channel();
            let child = child(n);
            tasks.spawn(async move { sender.send(child.await) });
            receiver
        })
        .collect();
    tasks.close();
    tasks.wait().await;
    let mut values = Vec::with_capacity(sent.len());
    for receiver in sent {
        values.push(receiver.await.expect(NO_PANIC));
    }
    values
}

/// In order: the keys are indices.
pub(crate) async fn join_map<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    let mut tasks = JoinMap::new();
    for n in 0..children {
        tasks.spawn(n as usize, child(n));
    }
    let mut values = vec![0; tasks.len()];
    while let Some((index, joined)) = tasks.join_next().await {
        values[index] = joined.expect(NO_PANIC);
    }
    values
}

/// In the order of completion. Without `unconstrained` it is quadratic: beyond the cooperative budget each poll visits
/// all handles that are left.
pub(crate) async fn futures_unordered<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    let mut tasks: FuturesUnordered<_> = (0..children).map(|n| unconstrained(tokio::spawn(child(n)))).collect();
    let mut values = Vec::with_capacity(tasks.len());
    while let Some(joined) = tasks.next().await {
        values.push(joined.expect(NO_PANIC));
    }
    values
}

/// In order. Blocks its thread until all are done, which only multi_thread allows.
pub(crate) async fn async_scoped<F>(children: u32, child: impl Fn(u32) -> F) -> Vec<u32>
where
    F: Future<Output = u32> + Send + 'static,
{
    let ((), joined) = TokioScope::scope_and_block(|scope| {
        for n in 0..children {
            scope.spawn(child(n));
        }
    });
    joined.into_iter().map(|joined| joined.expect(NO_PANIC)).collect()
}
