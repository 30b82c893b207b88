//! Signals, and the future that tells of them.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, Weak},
    task::{Context, Poll},
};

use crate::{
    current,
    node::{Node, above},
};

/// The live roots of the process, the oldest first.
static ROOTS: Mutex<Vec<Weak<Node>>> = Mutex::new(Vec::new());

fn roots<T>(act: impl FnOnce(&mut Vec<Weak<Node>>) -> T) -> T {
    act(&mut ROOTS.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Keeps a node on the list of roots.
pub(crate) struct Enrolled(Weak<Node>);

impl Enrolled {
    pub(crate) fn new(node: &Arc<Node>) -> Self {
        let weak = Arc::downgrade(node);
        roots(|roots| roots.push(weak.clone()));
        Enrolled(weak)
    }
}

impl Drop for Enrolled {
    fn drop(&mut self) {
        roots(|roots| roots.retain(|root| !root.ptr_eq(&self.0)));
    }
}

/// The root around the running code, or else the one that was opened last.
fn nearest_root() -> Option<Arc<Node>> {
    let nodes: Vec<_> = above(current::current()).collect();
    roots(|roots| {
        let around = |node: &&Arc<Node>| roots.iter().any(|root| Weak::as_ptr(root) == Arc::as_ptr(node));
        nodes.iter().find(around).cloned().or_else(|| roots.last().and_then(Weak::upgrade))
    })
}

/// Resolves when the root was asked to shut down: at the first Ctrl-C or SIGTERM.
///
/// `Send + 'static`, and bound to its root when it is made: it may be given to code that polls it in tasks of its own,
/// such as a web server's graceful shutdown. In a task that knows no root it is bound to the one that was opened last;
/// where there is none at all, to the one that it finds when it is polled, and without one it waits for ever.
///
/// # Examples
///
/// ```no_run
/// use bowline_concurrency::{run, shutdown_requested};
///
/// # fn main() -> Result<(), bowline_concurrency::RunError> {
/// run(async {
///     let mut served = 0;
///     let mut stop = std::pin::pin!(shutdown_requested());
///     loop {
///         tokio::select! {
///             () = &mut stop => break served,
///             () = tokio::task::yield_now() => served += 1,
///         }
///     }
/// })?;
/// # Ok(())
/// # }
/// ```
#[doc(alias = "graceful shutdown")]
#[doc(alias = "ctrl_c")]
pub fn shutdown_requested() -> ShutdownRequested {
    ShutdownRequested { root: nearest_root(), key: None }
}

/// Future of [`shutdown_requested`].
///
/// # Cancel safety
///
/// A request is a state, not an event: a future made after it resolves at once.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ShutdownRequested {
    root: Option<Arc<Node>>,
    key: Option<u32>,
}

impl Future for ShutdownRequested {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        if this.root.is_none() {
            this.root = nearest_root(); // There was none yet when the future was made.
        }
        match &this.root {
            Some(root) if root.register_cancelling(cx.waker(), &mut this.key) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }
}

impl Drop for ShutdownRequested {
    fn drop(&mut self) {
        if let (Some(root), Some(key)) = (&self.root, self.key) {
            root.forget_cancelling(key);
        }
    }
}

/// The signals that ask a program to stop: Ctrl-C, and on Unix SIGTERM.
pub(crate) struct Signals {
    #[cfg(unix)]
    unix: [Option<tokio::signal::unix::Signal>; 2],
    #[cfg(not(unix))]
    ctrl_c: Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>,
    heard: bool,
}

impl Signals {
    /// Begins to listen. Where a handler cannot be installed the signal keeps its default, which ends the process.
    #[cfg(unix)]
    pub(crate) fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let unix = [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok());
        Signals { unix, heard: false }
    }

    /// Begins to listen.
    #[cfg(not(unix))]
    pub(crate) fn listen() -> Self {
        Signals { ctrl_c: Box::pin(tokio::signal::ctrl_c()), heard: false }
    }

    /// Polls `future` until it is ready, or until the next signal: `None`.
    pub(crate) async fn interrupt<F: Future>(&mut self, mut future: Pin<&mut F>) -> Option<F::Output> {
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => self.poll_next(cx).map(|()| {
                self.heard = true;
                None
            }),
        })
        .await
    }

    /// Whether a signal has come.
    pub(crate) fn were_heard(&self) -> bool {
        self.heard
    }

    /// Ready once for every signal.
    #[cfg(unix)]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut signals = self.unix.iter_mut().flatten();
        if signals.any(|signal| signal.poll_recv(cx).is_ready()) { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ready once for every signal.
    #[cfg(not(unix))]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let result = std::task::ready!(self.ctrl_c.as_mut().poll(cx));
        self.ctrl_c = if result.is_ok() { Box::pin(tokio::signal::ctrl_c()) } else { Box::pin(std::future::pending()) };
        if result.is_ok() { Poll::Ready(()) } else { Poll::Pending }
    }
}
