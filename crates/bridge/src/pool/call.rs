//! One call, as its caller sees it.

use std::{
    borrow::Cow,
    fmt, mem,
    panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bowline_concurrency::{Failure, Scope};
use tokio::{
    runtime::Handle,
    sync::{AcquireError, OwnedSemaphorePermit},
    task::coop,
};

use super::{
    BlockingPool, CallError,
    answer::{Answer, Answering, Handler, Orphan, Outcome},
    context::CallContext,
    label::Label,
    shared::{Job, Seat, Shared},
    within::within,
    worker,
};

type Work<T> = Box<dyn FnOnce(&CallContext) -> T + Send>;

/// A call on its way to a thread, on it, or back; made by [`BlockingPool::run`] and [`BlockingPool::try_run`].
///
/// # Cancel safety
///
/// Dropped before its closure has begun, the call never happens: the closure is dropped, and its place goes to the next caller.
/// Dropped while the closure runs, the scope that is current at the drop waits for the thread, [`CallContext::check`] fails in the closure, and the
/// result is lost unless [`when_orphaned`](Self::when_orphaned) or [`report_orphaned_error`](Self::report_orphaned_error) takes it. A panic
/// that comes then goes to the failure observer of that scope.
///
/// # Panics
///
/// With the payload of a panic of the closure; and when it is polled again after it is done.
#[must_use = "futures do nothing unless awaited"]
pub struct Call<T: Send + 'static> {
    stage: Stage<T>,
    label: Label,
    orphaned: Option<Handler<T>>,
}

enum Stage<T> {
    Waiting {
        pool: BlockingPool,
        work: Work<T>,
        place: Place,
    },
    /// `scope` is where it was polled then; it waits for the thread if the call is dropped where no scope is current.
    Submitted {
        shared: Arc<Shared>,
        id: u64,
        context: CallContext,
        answer: Arc<Answer<T>>,
        scope: Scope,
    },
    Over,
}

/// A place in the pool.
enum Place {
    Unasked,
    Asked(Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>),
    Taken(OwnedSemaphorePermit),
    Used,
}

impl<T: Send + 'static> Call<T> {
    pub(super) fn new(
        pool: BlockingPool,
        work: Work<T>,
        place: Option<OwnedSemaphorePermit>,
        location: &'static Location<'static>,
    ) -> Self {
        let place = place.map_or(Place::Unasked, Place::Taken);
        Self { stage: Stage::Waiting { pool, work, place }, label: Label { name: None, location }, orphaned: None }
    }

    /// Names the call in the reports of deadlines and shutdowns. Without a name, they say where it was made.
    pub fn named(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.label.name = Some(name.into());
        self
    }

    /// Takes the value of the closure when the caller has gone before it could; by default it is dropped.
    ///
    /// `take` runs on the thread of the pool, or in the drop of the call.
    ///
    /// # Examples
    ///
    /// A connection that nobody waits for any more goes back to where it can be used:
    ///
    /// ```
    /// # use std::sync::mpsc;
    /// # use bowline_bridge::BlockingPool;
    /// # struct Connection;
    /// # impl Connection { fn open() -> Self { Connection } }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let pool = BlockingPool::builder().build()?;
    /// let (give_back, spare) = mpsc::channel();
    /// let connection = pool.run(|_| Connection::open()).when_orphaned(move |connection| drop(give_back.send(connection))).await?;
    /// # drop((connection, spare));
    /// # Ok(())
    /// # }
    /// ```
    pub fn when_orphaned(mut self, take: impl FnOnce(T) + Send + 'static) -> Self {
        self.orphaned = Some(Box::new(take));
        self
    }

    /// Does one step: towards the place, the thread, the answer.
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        if let Stage::Waiting { pool, place, .. } = &mut self.stage {
            let shared = pool.shared().clone();
            if let Some(context) = worker::context_on(&shared) {
                return Poll::Ready(Ok(self.take_work()(&context)));
            }
            let Ok(place) = ready!(place.poll(&shared, cx)) else {
                self.stage = Stage::Over;
                return Poll::Ready(Err(CallError::closed(shared.name.clone())));
            };
            if !self.submit(&shared, place) {
                return Poll::Ready(Err(CallError::closed(shared.name.clone())));
            }
        }
        let Stage::Submitted { shared, id, answer, .. } = &self.stage else {
            panic!("a call was polled after it was done");
        };
        if worker::context_on(shared).is_some() {
            // Queued elsewhere, and now waited for by a thread that could run it.
            if let Some((job, seat)) = shared.begin(*id) {
                job.run(seat);
            }
        }
        let outcome = ready!(answer.poll(cx));
        let Stage::Submitted { shared, .. } = mem::replace(&mut self.stage, Stage::Over) else {
            unreachable!("it was submitted a moment ago");
        };
        match outcome {
            Outcome::Returned(value) => Poll::Ready(Ok(value)),
            Outcome::Panicked(payload) => resume_unwind(payload),
            Outcome::Refused => Poll::Ready(Err(CallError::closed(shared.name.clone()))),
        }
    }

    /// Queues the call, unless the pool was closed since the place was taken.
    fn submit(&mut self, shared: &Arc<Shared>, place: OwnedSemaphorePermit) -> bool {
        let work = self.take_work();
        let context = CallContext::default();
        let answer = Answer::new();
        let run = running(work, context.clone(), answer.answering());
        let job = Job { run, label: self.label.clone(), context: context.clone(), place };
        let Ok(id) = shared.submit(job) else { return false };
        self.stage = Stage::Submitted { shared: shared.clone(), id, context, answer, scope: Scope::current() };
        true
    }

    fn take_work(&mut self) -> Work<T> {
        match mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waiting { work, .. } => work,
            Stage::Submitted { .. } | Stage::Over => unreachable!("the work is taken once, out of the waiting stage"),
        }
    }
}

impl<T, E> Call<Result<T, E>>
where
    T: Send + 'static,
    E: fmt::Debug + Send + 'static,
{
    /// Sends an error to the failure observer when the caller has gone before it could take it: no error is lost.
    ///
    /// Short for a [`when_orphaned`](Self::when_orphaned) that drops a value and reports an error.
    pub fn report_orphaned_error(self) -> Self {
        let origin = match &self.stage {
            Stage::Waiting { pool, .. } => self.label.text_in(&pool.shared().name),
            Stage::Submitted { shared, .. } => self.label.text_in(&shared.name),
            Stage::Over => self.label.text().into_owned(),
        };
        self.when_orphaned(move |result| {
            if let Err(error) = result {
                Failure::error(origin, error).report();
            }
        })
    }
}

/// The job that runs `work` on a thread as if in the place of the caller: in its scope and its runtime.
fn running<T: Send + 'static>(
    work: Work<T>,
    context: CallContext,
    answering: Answering<T>,
) -> Box<dyn FnOnce(Seat) + Send> {
    let scope = Scope::current();
    let runtime = Handle::try_current().ok();
    Box::new(move |seat| {
        let outcome = {
            let _entered = runtime.as_ref().map(Handle::enter);
            let work = || worker::marked(seat.pool(), &context, work);
            // What the closure left half-done is the business of whoever gets its panic.
            catch_unwind(AssertUnwindSafe(|| within(&scope, work)))
        };
        answering.finish(outcome.map_or_else(Outcome::Panicked, Outcome::Returned), seat);
    })
}

impl Place {
    fn poll(&mut self, shared: &Arc<Shared>, cx: &mut Context<'_>) -> Poll<Result<OwnedSemaphorePermit, AcquireError>> {
        if let Place::Unasked = self {
            // Most calls find a place, and save the box. Tokio's semaphore lets nobody overtake those who wait.
            *self = match shared.places.clone().try_acquire_owned() {
                Ok(place) => Place::Taken(place),
                Err(_) => Place::Asked(Box::pin(shared.places.clone().acquire_owned())),
            };
        }
        if let Place::Asked(asked) = self {
            let answer = ready!(asked.as_mut().poll(cx));
            *self = Place::Used;
            return Poll::Ready(answer);
        }
        match mem::replace(self, Place::Used) {
            Place::Taken(place) => Poll::Ready(Ok(place)),
            Place::Unasked | Place::Asked(_) | Place::Used => unreachable!("a place is used once"),
        }
    }
}

impl<T: Send + 'static> Future for Call<T> {
    type Output = Result<T, CallError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let budget = ready!(coop::poll_proceed(cx));
        let poll = self.get_mut().advance(cx);
        if poll.is_ready() {
            budget.made_progress();
        }
        poll
    }
}

impl<T: Send + 'static> Drop for Call<T> {
    fn drop(&mut self) {
        let Stage::Submitted { shared, id, context, answer, scope } = mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        if shared.withdraw(id).is_some() {
            return;
        }
        context.cancel();
        let name = self.label.text_in(&shared.name);
        let scope = Scope::try_current().unwrap_or(scope);
        let hold = scope.hold(name.clone());
        answer.abandon(Orphan { name, scope, handler: self.orphaned.take(), hold });
    }
}

impl<T: Send + 'static> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Waiting { .. } => "waiting for a place",
            Stage::Submitted { .. } => "queued or running",
            Stage::Over => "done",
        };
        f.debug_struct("Call").field("name", &self.label.text()).field("stage", &stage).finish_non_exhaustive()
    }
}
