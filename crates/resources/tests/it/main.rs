//! Tests of the public behaviour.

mod abandon;
mod auto_traits;
mod every_poll;
mod exit;
mod exit_stack;
mod exit_stack_gone;
mod exit_stack_in_body;
mod exit_stack_loan;
mod guard;
mod lease;
mod nesting;
mod support;
mod transaction;
mod with;
mod with_panics;
