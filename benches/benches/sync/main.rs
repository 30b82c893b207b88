//! Locks, events and limiters against Tokio's own and the crates around it.

mod asking;
mod events;
mod locks;
mod neighbour;
mod rates;
mod waiting;
mod waking;

use bowline_benches::{Bench, Options, runtimes};

/// Where Cargo builds: it gives benchmarks a folder there.
const OUTPUT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../bench");

const PEERS: &[&str] =
    &["tokio", "async-lock", "event-listener", "asyncband", "parking_lot", "governor", "leaky-bucket", "tower"];

fn main() {
    let mut bench = Bench::new("sync", PEERS, Options::from_env());
    for (flavour, runtime) in &runtimes() {
        locks::compare(&mut bench, flavour, runtime);
        events::compare(&mut bench, flavour, runtime);
        asking::compare(&mut bench, flavour, runtime);
        waking::compare(&mut bench, flavour, runtime);
        rates::compare(&mut bench, flavour, runtime);
    }
    waiting::compare(&mut bench);
    neighbour::compare(&mut bench);
    bench.finish(OUTPUT);
}
