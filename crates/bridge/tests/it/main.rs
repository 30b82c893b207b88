//! Tests of the public behaviour.

mod auto_traits;
mod gate;
mod orphans;
mod pool;
mod reentry;
mod shutdown;
