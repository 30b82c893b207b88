//! Tests of the public behaviour.

mod auto_traits;
mod exit;
mod exit_stack;
mod exit_stack_gone;
mod exit_stack_in_body;
mod exit_stack_loan;
mod lease;
mod nesting;
mod support;
mod transaction;
mod with;
