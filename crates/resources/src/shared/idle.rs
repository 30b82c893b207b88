//! The time for which a value that nobody uses is kept.

use std::{sync::Weak, time::Duration};

use tokio::{runtime::Handle, task::AbortHandle, time::sleep};

use super::core::Core;
use crate::resource::Resource;

/// An idle period, whose end lets the value go. It ends with its task, and so with its runtime at the latest.
struct Idle<R: Resource<Value: Sync>> {
    /// The idle value keeps it.
    core: Weak<Core<R>>,
    period: u64,
}

/// Waits for the end of an idle period, in a task that no scope waits for.
pub(super) fn start<R: Resource<Value: Sync>>(
    core: Weak<Core<R>>,
    runtime: &Handle,
    period: u64,
    limit: Duration,
) -> AbortHandle {
    let idle = Idle { core, period };
    let waits = async move {
        let _idle = idle;
        sleep(limit).await;
    };
    runtime.spawn(waits).abort_handle()
}

impl<R: Resource<Value: Sync>> Drop for Idle<R> {
    fn drop(&mut self) {
        if let Some(lease) = self.core.upgrade().and_then(|core| core.end_idle(self.period)) {
            drop(lease.release()); // Handed off, as after a success.
        }
    }
}
