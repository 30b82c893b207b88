//! Tests of the public behaviour. Most show that a tool *fails* when it should.

mod all_blocked;
mod auto_traits;
mod cancel_safety;
mod harness;
mod leak;
mod polled;
mod probe;
mod sequencer;
mod stall;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The text of the panic that `act` is expected to end with.
fn panic_of(act: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(act)).expect_err("it was expected to panic");
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().expect("the panic has a text")).to_owned(),
    }
}

#[track_caller]
fn assert_contains(text: &str, part: &str) {
    assert!(text.contains(part), "expected {part:?} in:\n{text}");
}
