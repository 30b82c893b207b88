//! What the body, the children and the spawners of one group share: its fate.

use std::{any::Any, fmt, marker::PhantomData, panic::Location, sync::Arc, thread};

use tokio::task::{AbortHandle, JoinHandle};

use crate::{
    child::{Child, Ending},
    errors::Failed,
    failure::Failure,
    live::Tracked,
    node::Node,
    primitive::{Mutex, lock},
    reason::Reason,
    task::Task,
};

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
    pub(crate) fn new(node: Arc<Node>) -> Self {
        Core { node, fate: Mutex::new(Fate::default()), aborts: Mutex::new(Vec::new()) }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn task<F, K>(
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
    ) -> Result<JoinHandle<Option<K::Value>>, F>
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
    pub(crate) fn disown(&self) {
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
