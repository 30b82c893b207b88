//! Ways into the scope tree: handles to the current place in it.

use std::{
    borrow::Cow,
    fmt,
    panic::{Location, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use crate::{
    below::Below,
    current,
    failure::Failure,
    hand_off::HandedOff,
    node::{Hold, Label, Node, cancelling, hold_nearest},
    reason::Reason,
    settle::Settled,
};

/// A `'static` handle to a place in the scope tree.
///
/// It does not keep the scope open. What is handed off to a scope that has returned goes to the nearest one above it
/// that has not.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{InScope, Scope, root_scope, scope};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// root_scope(async {
///     let here = Scope::current();
///     // A task that somebody else spawns knows no scope, until it is told one.
///     let handler = tokio::spawn(scope(async |_| "served").in_scope(&here));
///     assert_eq!(handler.await?, "served");
///     Ok::<_, tokio::task::JoinError>(())
/// })
/// .await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Scope {
    node: Arc<Node>,
}

impl Scope {
    pub(crate) fn of(node: Arc<Node>) -> Self {
        Scope { node }
    }

    /// The scope, timeout or root that the running code belongs to; outside all of them, the process root.
    pub fn current() -> Self {
        Scope { node: current::current() }
    }

    /// The scope that the running code belongs to, if it belongs to one.
    ///
    /// For a destructor that may run on any thread: where this is `None`, hand off to the scope of the latest poll.
    pub fn try_current() -> Option<Self> {
        current::try_current().map(|node| Scope { node })
    }

    /// Hands `work` off to this scope, or to the nearest one above that can still wait; otherwise like
    /// [`hand_off`](crate::hand_off()), which takes the current scope.
    #[track_caller]
    pub fn hand_off<F>(&self, runtime: &Handle, name: impl Into<Cow<'static, str>>, work: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        HandedOff::spawn(self.node.clone(), runtime, Label::from(name.into()), work, Location::caller());
    }

    /// Hands `work` off to this scope like [`hand_off`](Scope::hand_off), for an executor of the caller's: the future that comes back is to be
    /// driven there. The scope waits until it is gone.
    ///
    /// For work that is not `Send`, which a task of the same thread must finish. Driven in the body of the scope itself it is no use: the body
    /// would have to be polled while the scope waits.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{Scope, scope};
    /// use std::{cell::Cell, rc::Rc};
    /// use tokio::task::{LocalSet, spawn_local};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let said = Rc::new(Cell::new(""));
    /// let session = said.clone(); // Not `Send`.
    /// let work = scope(async move |_| {
    ///     spawn_local(Scope::current().handed_off("session", async move { session.set("goodbye") }));
    /// });
    /// LocalSet::new().run_until(work).await;
    /// assert_eq!(said.get(), "goodbye");
    /// # }
    /// ```
    #[track_caller]
    pub fn handed_off<F>(&self, name: impl Into<Cow<'static, str>>, work: F) -> HandedOff<F>
    where
        F: Future<Output = ()>,
    {
        HandedOff::new(self.node.clone(), Label::from(name.into()), work, Location::caller())
    }

    /// Keeps this scope unsettled, or the nearest one above that can still wait, until the hold is dropped.
    ///
    /// `name` says what is being waited for, in [`Elapsed::stragglers`](crate::Elapsed::stragglers) and in reports.
    pub fn hold(&self, name: impl Into<Cow<'static, str>>) -> Hold {
        hold_nearest(self.node.clone(), Label::from(name.into()))
    }

    /// Waits until nothing is handed off to this scope any more; [`settled`](crate::settled) for a scope that need not be
    /// the current one. It may have been dropped half-way: then this waits for what it left behind.
    ///
    /// Its children that still run are not waited for, while its owner lives.
    pub fn settled(&self) -> Settled {
        Settled::of(self.node.clone())
    }

    /// What the scope is called in reports.
    pub fn name(&self) -> String {
        self.node.label().to_string()
    }

    /// Why this scope, or one above that concerns it, is being cancelled, if one is: [`is_cancelled`](crate::is_cancelled) for a scope that
    /// need not be the current one.
    pub fn cancellation(&self) -> Option<Reason> {
        cancelling(self.node.clone()).find_map(|node| node.reason())
    }

    /// A token that is cancelled with this scope, or with one above that concerns it. For code that takes one.
    ///
    /// It follows the scopes that are above at this moment. Cancelling the token cancels no scope; for that way see
    /// [`cancel_when`](crate::TryBuilder::cancel_when) with the token's `cancelled_owned()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use bowline_concurrency::{Scope, TaskGroup, try_scope};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let mut token = None;
    /// let result = try_scope(async |group: &TaskGroup<String>| {
    ///     token = Some(Scope::current().cancellation_token());
    ///     group.cancel("enough");
    ///     std::future::pending::<Result<(), _>>().await
    /// })
    /// .await;
    /// assert!(result.is_err() && token.is_some_and(|token| token.is_cancelled()));
    /// # }
    /// ```
    #[cfg(feature = "tokio-util")]
    pub fn cancellation_token(&self) -> tokio_util::sync::CancellationToken {
        self.node.token()
    }

    /// In a destructor that runs because its future is dropped below this scope: why it is dropped.
    ///
    /// [`Reason::OwnerDropped`], if no deadline, failure or shutdown is behind it.
    pub fn reason_for_drop(&self) -> Reason {
        self.node.reason_for_drop()
    }

    /// Sends failures that nobody is left to be told about to `observer`, from this scope and from those below it that
    /// have no observer of their own. Without one they are printed to standard error.
    ///
    /// The observer is called in destructors and on any thread: it should be quick and must not panic.
    pub fn observe_failures(&self, observer: impl Fn(&Failure) + Send + Sync + 'static) {
        self.node.set_observer(Arc::new(observer));
    }
}

#[cfg(feature = "tower")]
impl Scope {
    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.node).finish()
    }
}

/// Runs futures below a scope that they were not spawned from.
pub trait InScope: Future + Sized {
    /// Polls and drops the future below `scope`: what it leaves behind when it is dropped is waited for there.
    ///
    /// For tasks that others spawn, such as the handlers of a web server. The scope does not wait for the future
    /// itself, which its task owns.
    fn in_scope(self, scope: &Scope) -> ScopedFuture<Self> {
        ScopedFuture { below: Below::fixed(scope.node.clone(), self) }
    }
}

impl<F: Future> InScope for F {}

pin_project! {
    /// Future of [`InScope::in_scope`].
    ///
    /// # Cancel safety
    ///
    /// As safe as the future inside, which is dropped below the scope.
    #[must_use = "futures do nothing unless awaited"]
    pub struct ScopedFuture<F> {
        #[pin]
        below: Below<F>,
    }
}

impl<F: Future> Future for ScopedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match ready!(self.project().below.poll(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl<F> fmt::Debug for ScopedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedFuture").finish_non_exhaustive()
    }
}
