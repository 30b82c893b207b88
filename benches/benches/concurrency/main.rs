//! Scopes, groups, cancellation and deadlines against Tokio's own and the crates around it.

mod asyncio;
mod cancel;
mod children;
mod churn;
mod deadline;
mod gather;
mod heap;
mod instructions;
mod polls;
mod small;
mod timeouts;
mod tree;
mod ways;

use bowline_benches::{Bench, Options, runtimes};

/// Where Cargo builds: it gives benchmarks a folder there.
const OUTPUT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../bench");

const PEERS: &[&str] =
    &["tokio", "tokio-util", "futures-util", "futures-buffered", "futures-concurrency", "async-scoped"];

fn main() {
    let options = Options::from_env();
    if let Some((case, children)) = options.case() {
        return instructions::run_alone(case, children);
    }
    let mut bench = Bench::new("concurrency", PEERS, options);
    for (flavour, runtime) in &runtimes() {
        children::compare(&mut bench, flavour, runtime);
        churn::compare(&mut bench, flavour, runtime);
        small::compare(&mut bench, flavour, runtime);
        cancel::compare(&mut bench, flavour, runtime);
        timeouts::compare(&mut bench, flavour, runtime);
        deadline::compare(&mut bench, flavour, runtime);
        polls::compare(&mut bench, flavour, runtime);
        gather::compare(&mut bench, flavour, runtime);
        heap::compare(&mut bench, flavour, runtime);
        asyncio::compare(&mut bench, flavour, runtime);
        tree::compare(&mut bench, flavour, runtime);
    }
    instructions::compare(&mut bench);
    bench.finish(OUTPUT);
}
