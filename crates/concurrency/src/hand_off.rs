//! Work that goes on after its caller has gone: handed off to the scope that then waits for it.

use std::{
    borrow::Cow,
    fmt,
    panic::Location,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use crate::{
    below::Below,
    current,
    failure::Failure,
    inspect::{self, Tracked},
    node::{Hold, Label, Node, Owner, hold_nearest},
};

static LOST: AtomicU64 = AtomicU64::new(0);

/// Hands `work` off to the current scope: it runs as a task of `runtime`, and the scope waits for it.
///
/// For destructors that owe an asynchronous end, such as a release: called in a drop, the work goes to the scope that is
/// current there, or to the nearest one above that can still wait, and at last to the process root. `name` stands in the
/// reports of what was not done in time. A panic of the work goes to the observer.
///
/// The work is not told of cancellations around it ([`is_cancelled`](crate::is_cancelled)): it is there to clean up after
/// them. It is cut short only by the end of its runtime; that is counted in [`lost_releases`] and reported.
///
/// # Examples
///
/// ```
/// use bowline_concurrency::{hand_off, scope};
/// use tokio::runtime::Handle;
///
/// struct Session(Handle);
///
/// impl Drop for Session {
///     fn drop(&mut self) {
///         hand_off(&self.0, "session", async { println!("goodbye") });
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// scope(async |_| drop(Session(Handle::current()))).await; // "goodbye" has been printed.
/// # }
/// ```
#[track_caller]
pub fn hand_off<F>(runtime: &Handle, name: impl Into<Cow<'static, str>>, work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    HandedOff::spawn(current::current(), runtime, Label::from(name.into()), work, Location::caller());
}

/// How many pieces of handed-off work were cut short by the end of their runtime, since the process began.
///
/// More than zero means that a runtime was dropped without waiting; see [`run`](crate::run) and
/// [`root_scope`](crate::root_scope), which wait.
pub fn lost_releases() -> u64 {
    // Relaxed: a statistic.
    LOST.load(Ordering::Relaxed)
}

pin_project! {
    /// Future of [`Scope::handed_off`](crate::Scope::handed_off): the scope waits until it is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is done it drops the work, which is lost: reported, and counted in [`lost_releases`].
    #[must_use = "work that is dropped is lost: give it to a task"]
    pub struct HandedOff<F> {
        #[pin]
        below: Below<F>,
        // Dropped after the work, and before the hold: what the work leaves behind goes to the node that waited for the work.
        owner: Owner,
        label: Label,
        finished: bool,
        tracked: Option<Tracked>,
        // The last field: the scope goes on after everything else of the work is gone.
        hold: Hold,
    }

    impl<F> PinnedDrop for HandedOff<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let node = this.hold.node().clone();
            if let Err(payload) = this.below.clear() {
                Failure::panic(this.label.to_string(), payload).report_from(node.clone());
            }
            if !*this.finished {
                LOST.fetch_add(1, Ordering::Relaxed);
                Failure::lost(this.label.to_string()).report_from(node);
            }
        }
    }
}

impl<F: Future<Output = ()> + Send + 'static> HandedOff<F> {
    pub(crate) fn spawn(to: Arc<Node>, runtime: &Handle, label: Label, work: F, location: &'static Location<'static>) {
        drop(runtime.spawn(Self::new(to, label, work, location)));
    }
}

impl<F: Future<Output = ()>> HandedOff<F> {
    pub(crate) fn new(to: Arc<Node>, label: Label, work: F, location: &'static Location<'static>) -> Self {
        let hold = hold_nearest(to, label.clone());
        let node = Node::masked(label.clone(), hold.node().clone());
        let below = Below::fixed(node.clone(), work);
        let tracked = Tracked::named(&label, hold.node(), location);
        if let Some(tracked) = &tracked {
            tracked.has(&node);
        }
        HandedOff { below, owner: Owner(node), label, finished: false, tracked, hold }
    }
}

impl<F: Future<Output = ()>> Future for HandedOff<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let below = this.below;
        let outcome = ready!(inspect::poll(this.tracked, cx, |cx| below.poll(cx)));
        *this.finished = true;
        if let Err(payload) = outcome {
            Failure::panic(this.label.to_string(), payload).report_from(this.hold.node().clone());
        }
        Poll::Ready(())
    }
}

impl<F> fmt::Debug for HandedOff<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandedOff").field("name", &self.label).field("finished", &self.finished).finish_non_exhaustive()
    }
}
