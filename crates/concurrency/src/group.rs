//! Task groups: children that share the fate of a scope.

use std::{
    any::Any, convert::Infallible, fmt, future::poll_fn, marker::PhantomData, panic::Location, pin::pin, sync::Arc,
    task::Poll, thread,
};

use tokio::task::AbortHandle;

use crate::{
    below::Below,
    child::{Child, Ending},
    current,
    errors::Failed,
    failure::Failure,
    live::Tracked,
    node::{Label, Node},
    primitive::{Mutex, lock},
    reason::Reason,
    spawner::Spawner,
    task::Task,
};

/// The children of a [`scope`](crate::scope) or [`try_scope`](crate::try_scope).
///
/// The body and its children share one fate: the first failure cancels all of them, and the scope returns after the last one is gone.
/// Children are `'static` and run in parallel; the body may borrow. A [`Task`] that is awaited gives the child's value,
/// because a failed sibling never lets the body go on.
///
/// `E` is the error of the scope; in a [`scope`](crate::scope), which cannot fail, it is [`Infallible`].
///
/// For work in the caller's own task that may borrow, use a `join!`; a `JoinSet` is lighter where children need not be waited for.
#[doc(alias = "nursery")]
#[doc(alias = "JoinSet")]
#[doc(alias = "errgroup")]
pub struct TaskGroup<E: fmt::Debug + Send + 'static = Infallible> {
    core: Arc<Core<E>>,
}

impl<E: fmt::Debug + Send + 'static> TaskGroup<E> {
    pub(crate) fn open(label: Label) -> Self {
        let node = Node::new(label, Some(current::current()));
        let core = Core { node, fate: Mutex::new(Fate::default()), aborts: Mutex::new(Vec::new()) };
        TaskGroup { core: Arc::new(core) }
    }

    /// Spawns a child whose output is a value, whatever it is. Only a panic of it fails the group.
    ///
    /// A child spawned after the group began to fail never runs; its future is dropped at once.
    /// Dropping the handle does not cancel the child: the scope waits for it all the same.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<'_, F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.core.task(None, future, Plain, Location::caller())
    }

    /// Spawns a child whose error fails the group: its siblings and the body are cancelled, and the scope returns the error.
    ///
    /// A child spawned after the group began to fail never runs; its future is dropped at once.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(&self, future: F) -> Task<'_, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.core.task(None, future, Fallible, Location::caller())
    }

    /// Names the next child: `group.named("fetch").try_spawn(..)`. The name stands in errors, reports and lists.
    pub fn named(&self, name: impl Into<String>) -> Named<'_, E> {
        Named { group: self, name: name.into() }
    }

    /// A `'static` handle that spawns into this group, for children that must spawn siblings.
    ///
    /// It does not keep the group open.
    pub fn spawner(&self) -> Spawner<E> {
        Spawner::new(self.core.clone())
    }

    /// Runs the body beside the children: a failure drops it, as it drops them.
    pub(crate) async fn run_body<F: Future>(&self, body: F) -> BodyEnd<F::Output> {
        let mut body = pin!(Below::inline(self.core.node.clone(), body));
        let mut place = CancelPlace { node: &self.core.node, key: None };
        let end = poll_fn(|cx| {
            if self.core.node.poll_own_cancellation(cx, &mut place.key) {
                return Poll::Ready(BodyEnd::Cancelled);
            }
            match body.as_mut().poll(cx) {
                Poll::Ready(Ok(output)) => Poll::Ready(BodyEnd::Returned(output)),
                Poll::Ready(Err(payload)) => Poll::Ready(BodyEnd::Panicked(payload)),
                // The body may have been what cancelled the group, and then nobody wakes it again.
                Poll::Pending if self.core.node.is_cancelled() => Poll::Ready(BodyEnd::Cancelled),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        match body.as_mut().clear() {
            Ok(()) => end,
            Err(payload) => BodyEnd::Panicked(payload),
        }
    }

    /// Waits until everything below is gone.
    pub(crate) async fn settle(&self) {
        crate::settle::Settle::new(&self.core.node).await;
    }

    pub(crate) fn core(&self) -> &Core<E> {
        &self.core
    }
}

impl<E: fmt::Debug + Send + 'static> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskGroup").field(&self.core.node).finish()
    }
}

impl<E: fmt::Debug + Send + 'static> Drop for TaskGroup<E> {
    /// The scope's future was dropped half-way: cancel the children, and let the nearest live node wait for them.
    fn drop(&mut self) {
        if self.core.node.try_close() {
            return;
        }
        let around = current::try_current().or_else(|| self.core.node.parent());
        let reason = around.map_or(Reason::OwnerDropped, |node| node.reason_for_drop());
        self.core.cancel(reason);
        self.core.disown();
        self.core.node.orphan(current::try_current());
    }
}

/// A name for the next child; see [`TaskGroup::named`].
#[derive(Debug)]
#[must_use = "a name does nothing until something is spawned under it"]
pub struct Named<'group, E: fmt::Debug + Send + 'static> {
    group: &'group TaskGroup<E>,
    name: String,
}

impl<'group, E: fmt::Debug + Send + 'static> Named<'group, E> {
    /// Spawns a child under this name; see [`TaskGroup::spawn`].
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<'group, F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.group.core.task(Some(self.name), future, Plain, Location::caller())
    }

    /// Spawns a fallible child under this name; see [`TaskGroup::try_spawn`].
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    #[track_caller]
    pub fn try_spawn<T, F>(self, future: F) -> Task<'group, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.group.core.task(Some(self.name), future, Fallible, Location::caller())
    }
}

/// How the body of a scope ended.
pub(crate) enum BodyEnd<T> {
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    /// The group was cancelled, and the body was dropped.
    Cancelled,
}

/// What the body, the children and the spawners of one group share.
pub(crate) struct Core<E> {
    node: Arc<Node>,
    fate: Mutex<Fate<E>>,
    aborts: Mutex<Vec<AbortHandle>>,
}

/// What went wrong so far.
pub(crate) struct Fate<E> {
    pub(crate) errors: Vec<Failed<E>>,
    /// The first panic; it is resumed at the owner.
    pub(crate) panic: Option<Box<dyn Any + Send>>,
    /// The scope's future was dropped: nobody takes this any more.
    disowned: bool,
}

impl<E> Default for Fate<E> {
    fn default() -> Self {
        Fate { errors: Vec::new(), panic: None, disowned: false }
    }
}

/// How many finished children may pin their cells before the list of abort handles is pruned for the first time.
const ABORTS_BEFORE_PRUNING: usize = 64;

impl<E: fmt::Debug + Send + 'static> Core<E> {
    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    fn task<F, K>(
        self: &Arc<Self>,
        name: Option<String>,
        future: F,
        kind: K,
        location: &'static Location<'static>,
    ) -> Task<'_, K::Value>
    where
        F: Future + Send + 'static,
        K: Kind<F::Output, E>,
        K::Value: Send + 'static,
    {
        Task::new(self.spawn(name, future, kind, location).ok())
    }

    /// Spawns a child, or gives its future back if the group is being cancelled or has returned.
    pub(crate) fn spawn<F, K>(
        self: &Arc<Self>,
        name: Option<String>,
        future: F,
        _kind: K,
        location: &'static Location<'static>,
    ) -> Result<tokio::task::JoinHandle<Option<K::Value>>, F>
    where
        F: Future + Send + 'static,
        K: Kind<F::Output, E>,
        K::Value: Send + 'static,
    {
        let Some(hold) = self.node.add_child() else { return Err(future) };
        let tracked = Tracked::new(name.as_ref().map(|name| name as _), self.node.label(), location);
        let ending = GroupEnding { core: self.clone(), name, kind: PhantomData::<K> };
        // No lock is held: on a runtime that is shutting down, Tokio drops the future inside `spawn`.
        let handle = tokio::spawn(Child::new(future, ending, tracked, hold));
        self.keep_for_abort(handle.abort_handle());
        Ok(handle)
    }

    fn keep_for_abort(&self, handle: AbortHandle) {
        let finished = {
            let mut aborts = lock(&self.aborts);
            let mut finished: Vec<AbortHandle> = Vec::new();
            if aborts.len() == aborts.capacity() && aborts.len() >= ABORTS_BEFORE_PRUNING {
                // An abort handle pins the memory of its task; a group that runs for days must not collect them.
                (finished, *aborts) = std::mem::take(&mut *aborts).into_iter().partition(AbortHandle::is_finished);
                let room = aborts.len().max(ABORTS_BEFORE_PRUNING);
                aborts.reserve_exact(room);
            }
            aborts.push(handle);
            finished
        };
        drop(finished); // May free task cells: not under the lock.
        // The canceller may have taken the list just before the push. It sets the flag first, so we see it here.
        if self.node.is_cancelled() {
            self.abort_all();
        }
    }

    fn abort_all(&self) {
        let handles = std::mem::take(&mut *lock(&self.aborts));
        handles.iter().for_each(AbortHandle::abort);
    }

    pub(crate) fn cancel(&self, reason: Reason) {
        self.node.cancel(reason);
        self.abort_all();
    }

    /// Records a failure of the body or of a child and cancels the group.
    pub(crate) fn fail(&self, task: Option<String>, error: E) {
        let refused = {
            let mut fate = lock(&self.fate);
            if fate.disowned {
                Some((task, error))
            } else {
                fate.errors.push(Failed { task, error });
                None
            }
        };
        if let Some((task, error)) = refused {
            Failure::error(self.origin(task.as_deref()), error).report_from(self.node.clone());
        }
        self.cancel(Reason::SiblingFailed);
    }

    /// Records a panic of the body or of a child and cancels the group. Only the first is resumed at the owner.
    pub(crate) fn panicked(&self, task: Option<&str>, payload: Box<dyn Any + Send>) {
        let second = {
            let mut fate = lock(&self.fate);
            if fate.disowned || fate.panic.is_some() {
                Some(payload)
            } else {
                fate.panic = Some(payload);
                None
            }
        };
        if let Some(payload) = second {
            Failure::panic(self.origin(task), payload).report_from(self.node.clone());
        }
        self.cancel(Reason::SiblingFailed);
    }

    pub(crate) fn take_fate(&self) -> Fate<E> {
        std::mem::take(&mut *lock(&self.fate))
    }

    /// Nobody will take the failures any more: what is there and what comes goes to the observer.
    fn disown(&self) {
        let fate = std::mem::replace(&mut *lock(&self.fate), Fate { disowned: true, ..Fate::default() });
        self.report(fate);
    }

    pub(crate) fn report(&self, fate: Fate<E>) {
        for Failed { task, error } in fate.errors {
            Failure::error(self.origin(task.as_deref()), error).report_from(self.node.clone());
        }
        if let Some(payload) = fate.panic {
            Failure::panic(self.origin(None), payload).report_from(self.node.clone());
        }
    }

    fn origin(&self, task: Option<&str>) -> String {
        match task {
            Some(task) => format!("{task} in {}", self.node.label()),
            None => format!("a task in {}", self.node.label()),
        }
    }
}

/// Whether a child's error is a value or a failure.
pub(crate) trait Kind<O, E>: Send + 'static {
    type Value;
    fn judge(output: O) -> Result<Self::Value, E>;
}

pub(crate) struct Plain;

impl<T, E> Kind<T, E> for Plain {
    type Value = T;
    fn judge(output: T) -> Result<T, E> {
        Ok(output)
    }
}

pub(crate) struct Fallible;

impl<T, E> Kind<Result<T, E>, E> for Fallible {
    type Value = T;
    fn judge(output: Result<T, E>) -> Result<T, E> {
        output
    }
}

struct GroupEnding<E, K> {
    core: Arc<Core<E>>,
    name: Option<String>,
    kind: PhantomData<K>,
}

impl<O, E: fmt::Debug + Send + 'static, K: Kind<O, E>> Ending<O> for GroupEnding<E, K> {
    type Value = K::Value;

    fn done(self, outcome: thread::Result<O>) -> Option<K::Value> {
        match outcome.map(K::judge) {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => self.core.fail(self.name, error),
            Err(payload) => self.core.panicked(self.name.as_deref(), payload),
        }
        None
    }

    fn dropped(self, panicked: Option<Box<dyn Any + Send>>) {
        if let Some(payload) = panicked {
            self.core.panicked(self.name.as_deref(), payload);
        }
        // Not cancelled, and yet dropped: the child's runtime went first. The body must not wait for ever.
        self.core.cancel(Reason::RuntimeGone);
    }
}

/// The body's place among those who are woken by the cancellation.
struct CancelPlace<'a> {
    node: &'a Arc<Node>,
    key: Option<u32>,
}

impl Drop for CancelPlace<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.node.forget_cancelling(key);
        }
    }
}
