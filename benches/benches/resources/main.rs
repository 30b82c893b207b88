//! Uses of resources by hand, in a task, and with us; exit stacks; and pools against the pools around.

mod pools;
mod stacks;
mod using;

use bowline_benches::{Bench, Options, runtimes};

/// Where Cargo builds: it gives benchmarks a folder there.
const OUTPUT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../bench");

const PEERS: &[&str] = &["tokio", "deadpool", "bb8"];

fn main() {
    let mut bench = Bench::new("resources", PEERS, Options::from_env());
    for (flavour, runtime) in &runtimes() {
        using::compare(&mut bench, flavour, runtime);
        stacks::compare(&mut bench, flavour, runtime);
        pools::compare(&mut bench, flavour, runtime);
    }
    bench.finish(OUTPUT);
}
