//! Tests of the public behaviour.

mod auto_traits;
mod cancel_safety;
mod catalogue;
mod channel;
mod cleanup;
mod closed;
mod emitter;
mod generate;
mod paginate;
mod support;
mod wakes;
