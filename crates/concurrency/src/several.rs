//! Several futures polled in one task: what `gather`, `race` and their relatives share.

mod in_flight;
mod inputs;
mod keeping;
mod numbered;
mod one_of;
mod outputs;
mod settling;
mod shape;
mod tuples;

pub(crate) use in_flight::{InFlight, TURNS};
pub use inputs::{Inputs, UniformInputs};
pub(crate) use keeping::{Accompanying, Unstarted, report};
pub(crate) use one_of::Tried;
pub(crate) use outputs::Outputs;
pub(crate) use settling::Settling;
pub(crate) use shape::{First, Shape};
