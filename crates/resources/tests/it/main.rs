//! Tests of the public behaviour.

mod abandon;
mod all;
mod auto_traits;
mod every_poll;
mod exit;
mod exit_stack;
mod exit_stack_gone;
mod exit_stack_in_body;
mod exit_stack_loan;
mod gauge;
mod guard;
mod lease;
mod local;
mod map;
mod nesting;
mod pool;
mod pool_close;
mod pool_model;
mod pool_return;
mod pool_support;
mod pool_times;
mod shared;
mod shared_close;
mod shared_idle;
mod shared_keyed;
mod shared_many;
mod shared_model;
#[cfg(feature = "sqlx")]
mod sqlx;
mod support;
mod swap;
mod transaction;
mod with;
mod with_panics;
mod zip;
