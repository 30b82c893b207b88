//! Tests of the public behaviour. Names carry the IDs of the behaviour catalogue; see CONTRIBUTING.md.

#![allow(clippy::unwrap_used, reason = "a test that unwraps fails with the place and the cause")]

mod adoption;
mod as_completed;
mod auto_traits;
mod background;
mod background_ends;
mod background_fates;
mod background_join;
mod background_periodic;
mod background_report;
mod background_slots;
mod background_slots_model;
mod background_supervised;
mod cancel_one;
mod cancel_safety;
mod cancelled;
mod cancelling;
mod destructors;
mod enclose;
mod error_types;
mod every_future;
mod failures;
mod first_ok;
mod futurelock;
mod gather;
mod gather_panics;
mod gather_shield;
mod gather_within;
mod grace;
mod grandchildren;
mod group_cancel;
mod group_errors;
mod group_grace;
mod group_limit;
mod group_nested;
mod group_spawn;
#[cfg(feature = "tower")]
mod handler;
mod hang_cases;
mod in_task;
mod inspect;
mod inspect_background;
mod inspect_circles;
mod inspect_edges;
mod inspect_hints;
mod inspect_hooks;
mod inspect_output;
mod inspect_storm;
mod links;
mod local;
mod mask;
mod memory;
mod moved_futures;
mod nesting;
mod panics;
mod policies;
mod policy_hooks;
mod quorum;
mod race;
#[cfg(feature = "tower")]
mod request;
mod reschedule;
mod root;
mod run_blocking;
mod runtime_end;
mod scope;
mod services;
mod services_dropped;
mod shield;
mod shielding;
mod shutdown;
mod start;
mod storm;
mod support;
mod task_handle;
mod timeout;
mod timeout_basics;
mod timeout_settling;
#[cfg(feature = "tokio-util")]
mod tokens;
#[cfg(feature = "tracing")]
mod trace;
mod traps;
mod world;
