//! Measures contenders alternately and prints their ratios.
//!
//! Absolute times move with the machine and its neighbours; ratios inside one run hold. So every round runs all
//! contenders once, and nothing ever asserts a time.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

/// Rounds per comparison; an odd number has a median.
const ROUNDS: usize = 15;

/// One way to do the work: measures itself, and gives the time that its work took.
pub type Contender<'a> = (&'a str, Box<dyn FnMut() -> Duration + 'a>);

/// Runs all contenders alternately and prints nanoseconds for one of `units`, with the ratio to the *first*, which is ours.
pub fn compare(work: &str, units: u32, mut contenders: Vec<Contender<'_>>) {
    let mut times = vec![Vec::with_capacity(ROUNDS); contenders.len()];
    // One round more: the first warms up.
    for round in 0..=ROUNDS {
        for ((_, run), times) in contenders.iter_mut().zip(&mut times) {
            let took = run();
            if round > 0 {
                times.push(took / units);
            }
        }
    }
    println!("\n{work}");
    println!("  {:<28} {:>9} {:>9} {:>9}   ours is", "ns for one", "min", "median", "max");
    times.iter_mut().for_each(|times| times.sort_unstable());
    let ours = median(&times[0]);
    for ((name, _), times) in contenders.iter().zip(&times) {
        let ratio = ours / median(times);
        let [min, max] = [times[0], times[times.len() - 1]].map(|time| time.as_nanos());
        println!("  {name:<28} {min:>9} {:>9.0} {max:>9}   {ratio:.2} x", median(times));
    }
}

fn median(sorted: &[Duration]) -> f64 {
    sorted[sorted.len() / 2].as_secs_f64() * 1e9
}

/// Runs `work` in a spawned task and gives its time. Not in the main future of `block_on`: its waker is on a slow path.
///
/// # Panics
///
/// If the work panics.
pub fn in_task<F: Future<Output: Send> + Send + 'static>(runtime: &Runtime, work: F) -> Duration {
    let task = runtime.spawn(async move {
        let began = Instant::now();
        let output = work.await;
        let took = began.elapsed();
        drop(output);
        took
    });
    runtime.block_on(task).expect("a benchmark does not panic")
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
