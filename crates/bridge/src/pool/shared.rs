//! What the handles, the calls and the threads of a pool share.
//!
//! # Invariants
//!
//! 1. A call owns one permit of `places` from its acceptance until its thread is free again, or until it was withdrawn from the
//!    queue. There are `threads + queue` of them, so the queue is bounded.
//! 2. A job is in `queue`, or its seat is in `running`, or it is over. Whoever takes it out of the queue, under the lock, decides: a thread runs it, its
//!    caller or a shutdown drops it. So a job whose caller has gone before it began never runs.
//! 3. After `close`, nothing enters the queue. Threads end when it is closed and empty.
//! 4. Closures, permits and wakers are dropped outside the lock.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::{
    context::CallContext,
    label::Label,
    shutdown::{ShutdownReport, StuckCall},
};

pub(super) struct Shared {
    pub(super) name: Arc<str>,
    pub(super) places: Arc<Semaphore>,
    /// Told each time that nothing is queued or running any more.
    pub(super) idle: Notify,
    threads: usize,
    state: Mutex<State>,
    /// For the threads: the queue has grown, or was closed.
    work: Condvar,
}

struct State {
    /// In the order of acceptance, and open to removal from the middle.
    queue: BTreeMap<u64, Job>,
    running: BTreeMap<u64, Running>,
    next_id: u64,
    closed: bool,
}

/// An accepted call.
pub(super) struct Job {
    pub(super) run: Box<dyn FnOnce(Seat) + Send>,
    pub(super) label: Label,
    pub(super) context: CallContext,
    pub(super) place: OwnedSemaphorePermit,
}

struct Running {
    label: Label,
    context: CallContext,
    since: Instant,
}

/// The entry of a running call: a thread and a place, both given back when it is dropped.
pub(super) struct Seat {
    shared: Arc<Shared>,
    id: u64,
    place: Option<OwnedSemaphorePermit>,
}

/// A job on its way to a thread.
pub(super) struct Begun(Box<dyn FnOnce(Seat) + Send>);

impl Begun {
    pub(super) fn run(self, seat: Seat) {
        (self.0)(seat);
    }
}

/// What a [`BlockingPool`](super::BlockingPool) is doing at one moment; made by [`BlockingPool::statistics`](super::BlockingPool::statistics).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// How many calls can run at once.
    pub threads: usize,
    /// How many run, those whose caller has gone among them.
    pub running: usize,
    /// How many were accepted and wait for a thread.
    pub queued: usize,
}

impl Shared {
    pub(super) fn new(name: Arc<str>, threads: usize, queue: usize) -> Self {
        // Nobody can tell a longer queue from this one.
        let places = threads.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        Self {
            name,
            places: Arc::new(Semaphore::new(places)),
            idle: Notify::new(),
            threads,
            state: Mutex::new(State { queue: BTreeMap::new(), running: BTreeMap::new(), next_id: 0, closed: false }),
            work: Condvar::new(),
        }
    }

    /// Queues a job, under an id to withdraw it by.
    ///
    /// # Errors
    ///
    /// The pool is closed; the job comes back.
    pub(super) fn submit(&self, job: Job) -> Result<u64, Job> {
        let mut state = self.lock();
        if state.closed {
            return Err(job);
        }
        let id = state.next_id;
        state.next_id += 1;
        state.queue.insert(id, job);
        drop(state);
        self.work.notify_one();
        Ok(id)
    }

    /// Takes a job back that has not begun.
    pub(super) fn withdraw(&self, id: u64) -> Option<Job> {
        let mut state = self.lock();
        let job = state.queue.remove(&id)?;
        let idle = state.is_idle();
        drop(state);
        if idle {
            self.idle.notify_waiters();
        }
        Some(job)
    }

    /// Begins a queued job on the running thread, out of its turn.
    pub(super) fn begin(self: &Arc<Self>, id: u64) -> Option<(Begun, Seat)> {
        let mut state = self.lock();
        let job = state.queue.remove(&id)?;
        Some(self.seat(&mut state, id, job))
    }

    /// For a thread: waits for the next job; `None` when there will be none.
    pub(super) fn next(self: &Arc<Self>) -> Option<(Begun, Seat)> {
        let mut state = self.lock();
        loop {
            if let Some((id, job)) = state.queue.pop_first() {
                return Some(self.seat(&mut state, id, job));
            }
            if state.closed {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn seat(self: &Arc<Self>, state: &mut State, id: u64, job: Job) -> (Begun, Seat) {
        let Job { run, label, context, place } = job;
        state.running.insert(id, Running { label, context, since: Instant::now() });
        (Begun(run), Seat { shared: self.clone(), id, place: Some(place) })
    }

    /// Refuses calls from now on; those in the queue still run.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.places.close();
        self.work.notify_all();
    }

    /// Refuses what is queued, tells what is running to end, and names it.
    pub(super) fn give_up(&self) -> ShutdownReport {
        let mut state = self.lock();
        let refused = std::mem::take(&mut state.queue);
        let now = Instant::now();
        let stuck = state.running.values().map(|running| {
            running.context.cancel();
            StuckCall::new(&running.label, now.saturating_duration_since(running.since))
        });
        let report = ShutdownReport::new(self.name.clone(), refused.len(), stuck.collect());
        let idle = state.is_idle();
        drop(state);
        // Tells their callers, outside the lock (invariant 4).
        drop(refused);
        if idle {
            self.idle.notify_waiters();
        }
        report
    }

    pub(super) fn is_idle(&self) -> bool {
        self.lock().is_idle()
    }

    pub(super) fn statistics(&self) -> PoolStatistics {
        let state = self.lock();
        PoolStatistics { threads: self.threads, running: state.running.len(), queued: state.queue.len() }
    }

    /// No code of a user runs under the lock, so that poison means nothing.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.running.is_empty()
    }
}

impl Seat {
    pub(super) fn pool(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // First the place: who sees that nothing runs finds a place too.
        drop(self.place.take());
        let mut state = self.shared.lock();
        let over = state.running.remove(&self.id);
        let idle = state.is_idle();
        drop(state);
        drop(over);
        if idle {
            self.shared.idle.notify_waiters();
        }
    }
}
