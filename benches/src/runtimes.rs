//! The two flavours of Tokio's runtime, and where in them a measurement belongs.

use tokio::runtime::{Builder, Runtime};

/// Runs `work` in a spawned task. Not in the main future of `block_on`: its waker is on a slow path, and on
/// multi_thread its spawns go through the queue of strangers.
///
/// # Panics
///
/// If the work panics.
pub fn in_task<F>(runtime: &Runtime, work: F) -> F::Output
where
    F: Future<Output: Send> + Send + 'static,
{
    runtime.block_on(runtime.spawn(work)).expect("a benchmark does not panic")
}

/// Both flavours, by name.
///
/// # Panics
///
/// If the system has no threads to give.
pub fn runtimes() -> [(&'static str, Runtime); 2] {
    let build = |mut builder: Builder| builder.enable_all().build().expect("a runtime can be built");
    let mut multi = Builder::new_multi_thread();
    multi.worker_threads(2);
    [("current_thread", build(Builder::new_current_thread())), ("multi_thread(2)", build(multi))]
}
