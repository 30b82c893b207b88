//! Asking whether one is being cancelled.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    current,
    inspect::{self, On},
    node::{Node, cancelling},
    reason::Reason,
};

/// Waits until a scope around the running code is cancelled, and gives the reason.
///
/// Cancellation is cooperative first: code that asks learns of it and can end in its own way within the grace of the
/// scope; code that does not ask is dropped. A deadline gives no grace: its reason is seen by what is dropped, not here.
///
/// Work that was handed off is not told of the cancellation that it cleans up after. Outside every scope it waits for ever.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{BackgroundTasks, cancelled};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tasks = BackgroundTasks::new();
/// tasks.spawn("flush", async {
///     let reason = cancelled().await;
///     println!("flushing, because {reason}");
/// })?;
/// let report = tasks.shutdown(Duration::from_secs(10)).await;
/// assert_eq!(report.cooperative, ["flush"]);
/// # Ok(())
/// # }
/// ```
pub fn cancelled() -> Cancelled {
    Cancelled { places: Vec::new() }
}

/// Why a scope around the running code is being cancelled, if one is. A cheap check for loops.
///
/// ```
/// assert!(bowline_concurrency::is_cancelled().is_none());
/// ```
pub fn is_cancelled() -> Option<Reason> {
    cancelling(current::current()).find_map(|node| {
        node.note_asked();
        node.reason()
    })
}

/// Future of [`cancelled`].
///
/// # Cancel safety
///
/// It only listens; a cancellation that came meanwhile is seen by the next call.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Cancelled {
    /// Our place in each node above, in that order. Any of them may be cancelled.
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    node: Arc<Node>,
    key: Option<u32>,
}

impl Future for Cancelled {
    type Output = Reason;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reason> {
        let here = current::current();
        inspect::waits(|| On::cancelled(&here)).poll(cx, |cx| self.poll_above(&here, cx))
    }
}

impl Cancelled {
    fn poll_above(&mut self, here: &Arc<Node>, cx: &mut Context<'_>) -> Poll<Reason> {
        let mut level = 0;
        for node in cancelling(here.clone()) {
            // Inline nodes move with their owner: what is no longer above is forgotten.
            if self.places.get(level).is_some_and(|place| !Arc::ptr_eq(&place.node, &node)) {
                self.places.truncate(level);
            }
            if level == self.places.len() {
                self.places.push(Place { node: node.clone(), key: None });
            }
            if node.register_cancelling(cx.waker(), &mut self.places[level].key) {
                if let Some(reason) = node.reason() {
                    return Poll::Ready(reason);
                }
            }
            level += 1;
        }
        self.places.truncate(level);
        Poll::Pending
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.forget_cancelling(key);
        }
    }
}
