//! Tests of the public behaviour.

mod auto_traits;
mod cancellation;
mod conservation;
mod end;
mod finish;
mod order;
mod tickets;
mod workers;
