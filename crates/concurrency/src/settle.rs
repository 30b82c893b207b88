//! Waiting for what is below.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    current,
    inspect::{self, On},
    node::Node,
};

/// Waits until a node is settled: closed, and nothing left below it. For its owner.
pub(crate) struct Settle<'a>(pub(crate) &'a Arc<Node>);

impl Future for Settle<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        inspect::waits(|| On::settled(self.0)).poll(cx, |cx| self.0.poll_settled(cx))
    }
}

/// Waits until a node is settled, for one of several owners.
pub(crate) struct SettleAmong<'a> {
    node: &'a Arc<Node>,
    key: Option<u32>,
}

impl<'a> SettleAmong<'a> {
    pub(crate) fn new(node: &'a Arc<Node>) -> Self {
        SettleAmong { node, key: None }
    }
}

impl Future for SettleAmong<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        inspect::waits(|| On::settled(this.node)).poll(cx, |cx| this.node.poll_settled_among(cx, &mut this.key))
    }
}

impl Drop for SettleAmong<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.forget_settling(key);
        }
    }
}

/// Waits until nothing is handed off to the current scope: no release and no orphan is left of what was dropped so far.
///
/// A loop around a `select!` that often drops work half-way collects the cleanup of that work; awaiting this in the loop
/// keeps it from piling up. Children that are still running are not waited for. Code outside every scope waits for the
/// process root.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use bowline_concurrency::{scope, settled};
///
/// for _ in 0..3 {
///     tokio::select! {
///         biased;
///         () = scope(async |group| { group.spawn(std::future::pending::<()>()).await }) => {}
///         () = tokio::task::yield_now() => {}
///     }
///     settled().await; // The child of the scope that lost is gone.
/// }
/// # }
/// ```
pub fn settled() -> Settled {
    Settled { node: None, orphan: false, key: None }
}

/// Future of [`settled`].
///
/// # Cancel safety
///
/// It only looks; dropping it changes nothing.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Settled {
    /// The node that was current at the first poll.
    node: Option<Arc<Node>>,
    /// Waits for the children of a node whose owner has gone, too. Not from inside: a child would wait for itself.
    orphan: bool,
    key: Option<u32>,
}

impl Settled {
    pub(crate) fn of(node: Arc<Node>) -> Self {
        Settled { node: Some(node), orphan: true, key: None }
    }
}

impl Future for Settled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let node = this.node.get_or_insert_with(current::current);
        let (orphan, key) = (this.orphan, &mut this.key);
        inspect::waits(|| On::settled(node))
            .poll(cx, |cx| if orphan { node.poll_left_behind_gone(cx, key) } else { node.poll_hand_offs_gone(cx, key) })
    }
}

impl Drop for Settled {
    fn drop(&mut self) {
        if let (Some(node), Some(key)) = (&self.node, self.key) {
            node.forget_settling(key);
        }
    }
}
