//! Work that is finished even if its caller goes away.

use std::{
    borrow::Cow,
    fmt,
    panic::resume_unwind,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::runtime::Handle;

use crate::{
    below::Below,
    current::{self, Recipe},
    failure::Failure,
    inspect,
    node::Label,
    tree::Scope,
};

/// Runs `work` in the caller's task; if the caller is dropped half-way, the rest is handed off to the current scope,
/// or where there is none to that of the latest poll, which waits for it at most `budget`.
///
/// For what must not be left half-done, such as a commit or a release. It costs one box. Work that was never polled is
/// not begun. Work that is over its budget after the hand-off is dropped and reported to the observer.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{scope, shield};
/// use std::{future::Future, pin::pin, time::Duration};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// scope(async |_| {
///     tokio::select! {
///         biased;
///         () = shield(Duration::from_secs(30), async {
///             tokio::task::yield_now().await;
///             println!("committed");
///         }) => {}
///         () = async {} => {} // Wins, and drops the shield half-way.
///     }
/// })
/// .await; // "committed" has been printed.
/// # }
/// ```
#[doc(alias = "uncancelable")]
#[doc(alias = "NonCancellable")]
pub fn shield<F>(budget: Duration, work: F) -> Shield<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    Shield {
        work: Below::unborn(Box::pin(work)),
        runtime: None,
        place: None,
        budget,
        name: Cow::Borrowed("shielded work"),
        orphaned: None,
    }
}

/// Future of [`shield`].
///
/// # Cancel safety
///
/// Dropped half-way, it hands the rest of the work off to the current scope instead of dropping it; the output then goes to
/// [`when_orphaned`](Shield::when_orphaned). Dropped before the first poll, the work never begins.
///
/// # Panics
///
/// When it is polled again after it is done; and with a panic of the work. On a runtime without timers the rest of the work has
/// no budget to go by: there a shield that is dropped half-way panics in the background, and the rest is reported as lost.
#[must_use = "futures do nothing unless awaited"]
pub struct Shield<T: Send + 'static> {
    /// Below a node that hides the cancellations around. Empty when it is done: work that panicked is not polled again.
    work: Below<Work<T>>,
    /// The runtime of the first poll that was not the last: the rest runs where the work has registered its timers and sockets.
    runtime: Option<Handle>,
    /// Where it was polled last; takes the rest if it is dropped where no scope is current.
    place: Option<Scope>,
    budget: Duration,
    name: Cow<'static, str>,
    orphaned: Option<Box<dyn FnOnce(T) + Send>>,
}

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl<T: Send + 'static> Shield<T> {
    /// Names the work in reports.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Takes the output when the caller has gone; by default it is dropped. A place to report an error that nobody
    /// else will hear of.
    pub fn when_orphaned(mut self, take: impl FnOnce(T) + Send + 'static) -> Self {
        self.orphaned = Some(Box::new(take));
        self
    }
}

impl<T: Send + 'static> Future for Shield<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.place.is_none() {
            Pin::new(&mut self.work).enter_on_demand(Recipe::Shield);
        }
        match Pin::new(&mut self.work).poll(cx) {
            Poll::Ready(Ok(output)) => {
                self.leave();
                Poll::Ready(output)
            }
            Poll::Ready(Err(payload)) => {
                self.leave();
                resume_unwind(payload)
            }
            Poll::Pending => {
                if self.runtime.is_none() {
                    self.runtime = Handle::try_current().ok();
                }
                self.place = Some(Scope::current());
                if inspect::is_on() {
                    let node = Pin::new(&mut self.work).demand_node();
                    node.set_name(Label::from(self.name.clone()));
                }
                Poll::Pending
            }
        }
    }
}

impl<T: Send + 'static> Shield<T> {
    /// What the work has left behind so far is waited for where we are.
    fn leave(&self) {
        if let Some(node) = self.work.node() {
            node.set_name(Label::from(self.name.clone()));
            node.orphan(current::try_current());
        }
    }
}

impl<T: Send + 'static> Drop for Shield<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        self.leave();
        // Without a runtime it was never polled in one: not begun, or driven by hand and cut short by that hand.
        let Some(runtime) = self.runtime.take() else { return };
        let (budget, orphaned, name) = (self.budget, self.orphaned.take(), self.name.clone());
        let place = Scope::try_current().or_else(|| self.place.take()).unwrap_or_else(Scope::current);
        place.hand_off(&runtime, self.name.clone(), async move {
            match tokio::time::timeout(budget, work).await {
                Ok(output) => {
                    if let Some(take) = orphaned {
                        take(output);
                    }
                }
                Err(_) => Failure::overdue(name, budget).report(),
            }
        });
    }
}

impl<T: Send + 'static> fmt::Debug for Shield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shield").field("name", &self.name).field("budget", &self.budget).finish_non_exhaustive()
    }
}
