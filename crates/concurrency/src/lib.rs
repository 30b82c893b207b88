//! Scopes, task groups, deadlines and background tasks that cannot leak, for Tokio.
#![forbid(unsafe_code)]

mod background;
mod below;
mod cancelled;
mod child;
mod current;
mod errors;
mod failure;
mod group;
mod hand_off;
mod live;
mod node;
mod primitive;
mod reason;
mod root;
mod scope;
mod settle;
mod shield;
mod shutdown;
mod slots;
mod spawner;
mod task;
mod timeout;
mod tree;

pub use background::{BackgroundTask, BackgroundTasks, ShutdownReport};
pub use cancelled::{Cancelled, cancelled, is_cancelled};
pub use errors::{Errors, ScopeError};
pub use failure::Failure;
pub use group::{Named, TaskGroup};
pub use hand_off::{hand_off, lost_releases};
pub use live::{LiveTask, live_tasks, track_live_tasks};
pub use node::Hold;
pub use reason::{Deadline, Reason};
pub use root::{Interrupted, RunError, root_scope, run};
pub use scope::{scope, try_scope};
pub use settle::{Settled, settled};
pub use shield::{Shield, shield};
pub use shutdown::{ShutdownRequested, shutdown_requested};
pub use spawner::{SpawnError, Spawner};
pub use task::Task;
pub use timeout::{Elapsed, SETTLE_WITHIN, Timeout, timeout};
pub use tree::{InScope, Scope, ScopedFuture};
