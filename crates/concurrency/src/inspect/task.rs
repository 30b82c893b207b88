//! What the registry knows of a task, and the wrapper of its polls that tells it.

use std::{
    cell::RefCell,
    panic::Location,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::{
    instrument::{self, Instrument, TaskInfo},
    is_on,
    moment::Moment,
    node::set_site,
    registry::{TASKS, next_id},
};
use crate::node::{Label, Node};

/// A task that is or was alive. Plain data: it keeps nothing of the task.
pub(super) struct TaskRecord {
    pub(super) info: TaskInfo,
    /// The node that it was spawned from.
    pub(super) node: u64,
    pub(super) node_label: Label,
    /// Whether the instruments are told. Not of what one of them spawns: it would hear of that, and spawn again.
    heard: bool,
    pub(super) born: Moment,
    /// How whoever awaits the task knows it.
    pub(super) handle: OnceLock<Handle>,
    pub(super) polls: AtomicU64,
    /// The moment of the last change, and in the two lowest bits to what.
    phase: AtomicU64,
    /// When it was woken, if it has not been polled since.
    woken: AtomicU64,
}

/// How whoever awaits a task knows it: by Tokio's number, or by the address of the place where its value will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Handle {
    Id(tokio::task::Id),
    Place(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    New = 0,
    Running = 1,
    Suspended = 2,
}

// Every access of these is relaxed: they are read to be shown, and nothing is concluded from their order.
impl TaskRecord {
    pub(super) fn phase(&self) -> (Phase, Moment) {
        let bits = self.phase.load(Ordering::Relaxed);
        let phase = match bits & 3 {
            0 => Phase::New,
            1 => Phase::Running,
            _ => Phase::Suspended,
        };
        (phase, Moment::from_bits(bits >> 2).unwrap_or(self.born))
    }

    fn set_phase(&self, phase: Phase) {
        self.phase.store(Moment::now().bits() << 2 | phase as u64, Ordering::Relaxed);
    }

    fn tell(&self, call: impl Fn(&dyn Instrument, &TaskInfo)) {
        if self.heard {
            instrument::tell(|instrument| call(instrument, &self.info));
        }
    }

    pub(super) fn woken(&self) -> Option<Moment> {
        Moment::from_bits(self.woken.load(Ordering::Relaxed))
    }
}

thread_local! {
    /// The task that this thread polls. Empty while inspection is off.
    static CURRENT: RefCell<Option<Arc<TaskRecord>>> = const { RefCell::new(None) };
}

/// The number of the task that this thread polls, if it is seen.
pub(super) fn current_id() -> Option<u64> {
    current(|task| task.info.id)
}

fn current<T>(look: impl FnOnce(&TaskRecord) -> T) -> Option<T> {
    CURRENT.try_with(|current| current.borrow().as_deref().map(look)).ok().flatten()
}

/// Keeps a task in the registry until it is dropped. Boxed: what may be seen is one word larger, and no more.
pub(crate) struct Tracked(Box<Inner>);

struct Inner {
    task: Arc<TaskRecord>,
    /// The waker that the task is polled with, and ours around it.
    waker: Option<(Waker, Waker)>,
}

impl Tracked {
    /// `None` while inspection is off.
    #[inline]
    pub(crate) fn new(name: Option<&str>, node: &Arc<Node>, location: &'static Location<'static>) -> Option<Self> {
        if is_on() { Some(Self::register(name, node, location)) } else { None }
    }

    /// For what has a label; `None` while inspection is off.
    pub(crate) fn named(label: &Label, node: &Arc<Node>, location: &'static Location<'static>) -> Option<Self> {
        if is_on() { Some(Self::register(Some(&label.to_string()), node, location)) } else { None }
    }

    #[cold]
    fn register(name: Option<&str>, node: &Arc<Node>, location: &'static Location<'static>) -> Self {
        let born = Moment::now();
        let info = TaskInfo { id: next_id(), name: name.map(Arc::from), location };
        let task = Arc::new(TaskRecord {
            info,
            node: node.seen(|seen| seen.id()),
            node_label: node.label(),
            heard: !instrument::is_telling() && current(|task| task.heard).unwrap_or(true),
            born,
            handle: OnceLock::new(),
            polls: AtomicU64::new(0),
            phase: AtomicU64::new(born.bits() << 2),
            // As good as woken: a runtime owes it a first poll.
            woken: AtomicU64::new(born.bits()),
        });
        TASKS.insert(task.info.id, task.clone());
        task.tell(|instrument, info| instrument.spawned(info));
        Tracked(Box::new(Inner { task, waker: None }))
    }

    /// To be told Tokio's number of the task, when there is one.
    pub(crate) fn known(&self) -> Known {
        Known(self.0.task.clone())
    }

    /// The task has a node of its own, at `location` like itself.
    pub(crate) fn has(&self, node: &Arc<Node>) {
        node.seen(|seen| seen.belongs_to(self.0.task.info.id));
        set_site(node, self.0.task.info.location);
    }

    /// For a child that whoever awaits it knows by the place of its value.
    pub(crate) fn known_by_place(&self, place: usize) {
        self.0.task.handle.get_or_init(|| Handle::Place(place));
    }

    /// Polls the task, or a part of it that stands for it.
    pub(crate) fn poll<T>(&mut self, cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        let Inner { task, waker } = &mut *self.0;
        let (_, ours) = match waker {
            Some(pair) if pair.0.will_wake(cx.waker()) => pair,
            stale => stale.insert((
                cx.waker().clone(),
                Waker::from(Arc::new(Wakeful { task: task.clone(), waker: cx.waker().clone() })),
            )),
        };
        task.woken.store(0, Ordering::Relaxed);
        task.polls.fetch_add(1, Ordering::Relaxed);
        task.tell(|instrument, info| instrument.before_poll(info));
        let _polled = AfterPoll(task);
        let _running = Running::begin(task);
        poll(&mut Context::from_waker(ours))
    }

    /// Runs a part of the task that is no poll: its destructors.
    pub(crate) fn run<T>(&self, act: impl FnOnce() -> T) -> T {
        let _running = Running::begin(&self.0.task);
        act()
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        TASKS.remove(&self.0.task.info.id);
        self.0.task.tell(|instrument, info| instrument.exited(info));
    }
}

impl std::fmt::Debug for Tracked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Tracked").field(&self.0.task.info.id).finish()
    }
}

/// Polls with or without somebody who looks on.
#[inline]
pub(crate) fn poll<T>(
    tracked: &mut Option<Tracked>,
    cx: &mut Context<'_>,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    match tracked {
        None => poll(cx),
        Some(tracked) => tracked.poll(cx, poll),
    }
}

/// A task that Tokio is about to give a number.
pub(crate) struct Known(Arc<TaskRecord>);

impl Known {
    pub(crate) fn by(self, id: tokio::task::Id) {
        self.0.handle.get_or_init(|| Handle::Id(id));
    }
}

/// Marks the task as the one that this thread runs.
struct Running<'a> {
    task: &'a TaskRecord,
    before: Option<Arc<TaskRecord>>,
}

impl<'a> Running<'a> {
    fn begin(task: &'a Arc<TaskRecord>) -> Self {
        task.set_phase(Phase::Running);
        let before = CURRENT.try_with(|current| current.replace(Some(task.clone()))).ok().flatten();
        Running { task, before }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // Fails only while the thread ends, when nobody asks any more.
        let _ = CURRENT.try_with(|current| current.replace(self.before.take()));
        self.task.set_phase(Phase::Suspended);
    }
}

/// Tells the instruments that a poll is over, also if it panicked.
struct AfterPoll<'a>(&'a TaskRecord);

impl Drop for AfterPoll<'_> {
    fn drop(&mut self) {
        self.0.tell(|instrument, info| instrument.after_poll(info));
    }
}

/// The waker of a task, which notes when it was called.
struct Wakeful {
    task: Arc<TaskRecord>,
    waker: Waker,
}

impl Wake for Wakeful {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The first call since the last poll counts; of two at once either may.
        let _ = self.task.woken.compare_exchange(0, Moment::now().bits(), Ordering::Relaxed, Ordering::Relaxed);
        self.waker.wake_by_ref();
    }
}
