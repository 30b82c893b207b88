//! How long a shutdown waits.

use std::{panic::catch_unwind, sync::Arc, time::Duration};

use tokio::time::{sleep, timeout};

use crate::{node::Node, settle::SettleAmong};

/// Whether time can be counted here. Tokio says so only by a panic.
pub(super) fn has_timers() -> bool {
    catch_unwind(|| drop(sleep(Duration::ZERO))).is_ok()
}

/// Whether everything below the node is gone within `limit`. `None`: waits for as long as it takes.
pub(super) async fn settles(node: &Arc<Node>, limit: Option<Duration>) -> bool {
    let settled = SettleAmong::new(node);
    match limit {
        Some(limit) => timeout(limit, settled).await.is_ok(),
        None => {
            settled.await;
            true
        }
    }
}
