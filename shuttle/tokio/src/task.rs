//! Tasks with an id, which those of `shuttle-tokio` have not while they are only spawned, and handles that wake under no lock.

use std::{
    cell::Cell,
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
pub use shuttle_tokio::task::{
    JoinError, coop,
    coop::{Unconstrained, unconstrained},
    yield_now,
};

shuttle::thread_local! {
    // Each task has its own.
    static CURRENT: Cell<Option<Id>> = const { Cell::new(None) };
}

/// Which task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(u64);

impl Id {
    fn next() -> Self {
        // A real atomic: numbering is no step of the schedule.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Id(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The running task, if it was spawned.
pub fn try_id() -> Option<Id> {
    CURRENT.try_with(Cell::get).ok().flatten()
}

/// The running task.
///
/// # Panics
///
/// Outside a task that was spawned.
pub fn id() -> Id {
    try_id().expect("only a task that was spawned has an id")
}

/// Where a task leaves its output.
///
/// The handles of Shuttle wake under a lock of the system's. A waker that takes a step itself, as those of sets of futures do, then
/// lets another task run into that lock, and all of them stand still.
#[derive(Debug)]
struct Joint<T>(Mutex<Left<T>>);

#[derive(Debug)]
struct Left<T> {
    result: Option<Result<T, JoinError>>,
    waker: Option<Waker>,
}

impl<T> Joint<T> {
    fn publish(&self, result: Result<T, JoinError>) {
        let waker = {
            let mut left = self.lock();
            left.result = Some(result);
            left.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<T, JoinError>> {
        let waker = Some(waker.clone());
        let old = {
            let mut left = self.lock();
            if let Some(result) = left.result.take() {
                return Poll::Ready(result);
            }
            std::mem::replace(&mut left.waker, waker)
        };
        drop(old);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Left<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// What runs as a task. It knows which one it is, also while it is dropped.
    struct Running<F> where F: Future {
        id: Id,
        #[pin]
        future: Option<F>,
        joint: Arc<Joint<F::Output>>,
    }

    impl<F> PinnedDrop for Running<F> where F: Future {
        fn drop(this: Pin<&mut Self>) {
            if this.future.is_some() {
                this.end(Err(JoinError::from(shuttle::future::JoinError::Cancelled)));
            }
        }
    }
}

impl<F: Future> Running<F> {
    fn new(future: F) -> Self {
        let joint = Arc::new(Joint(Mutex::new(Left { result: None, waker: None })));
        Running { id: Id::next(), future: Some(future), joint }
    }

    fn enter(&self) {
        let _ = CURRENT.try_with(|current| current.set(Some(self.id)));
    }

    /// The future goes first; others may run between that and the news of it.
    fn end(self: Pin<&mut Self>, result: Result<F::Output, JoinError>) {
        self.enter();
        let mut this = self.project();
        this.future.set(None);
        shuttle::thread::sleep(Duration::ZERO); // No time passes in a model: a turn for others.
        this.joint.publish(result);
    }
}

impl<F: Future> Future for Running<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.enter();
        let future = self.as_mut().project().future.as_pin_mut();
        let output = ready!(future.expect("a task is not polled after it is done").poll(cx));
        self.end(Ok(output));
        Poll::Ready(())
    }
}

/// Spawns a task.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let running = Running::new(future);
    let (id, joint) = (running.id, running.joint.clone());
    JoinHandle { id, joint, inner: shuttle::future::spawn(running) }
}

/// Spawns a task that is not `Send`; it runs among the others, as they all share one thread.
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: 'static> + 'static,
{
    let running = Running::new(future);
    let (id, joint) = (running.id, running.joint.clone());
    JoinHandle { id, joint, inner: shuttle::future::spawn_local(running) }
}

/// Runs a function as a task: what it locks or counts is a step of it, as of any other.
pub fn spawn_blocking<F, T>(function: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    spawn(async { function() })
}

/// What a spawn gives.
#[derive(Debug)]
pub struct JoinHandle<T> {
    id: Id,
    joint: Arc<Joint<T>>,
    inner: shuttle::future::JoinHandle<()>,
}

impl<T> JoinHandle<T> {
    /// Which task it is.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Cancels the task at its next await.
    pub fn abort(&self) {
        self.inner.abort();
    }

    /// A handle that only aborts.
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle { id: self.id, inner: self.inner.abort_handle() }
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.joint.poll(cx.waker())
    }
}

/// Aborts a task.
#[derive(Clone, Debug)]
pub struct AbortHandle {
    id: Id,
    inner: shuttle::future::AbortHandle,
}

impl AbortHandle {
    /// Which task it is.
    pub fn id(&self) -> Id {
        self.id
    }

    /// Cancels the task at its next await.
    pub fn abort(&self) {
        self.inner.abort();
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.inner.is_finished()
    }
}
