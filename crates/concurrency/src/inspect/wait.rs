//! Who waits for what, among the primitives of this crate.
//!
//! The record of a wait lives in the *waker* that the wait was polled with: whatever keeps that waker (a `JoinHandle`, a node) waits, and what
//! drops it waits no longer. So no future is larger for being seen, and one that is dropped half-way takes its record along. The same
//! waker tells whether the wait was granted, and nobody has polled it since: the *futurelock*.

use std::{
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use pin_project_lite::pin_project;

use super::{
    is_on,
    moment::Moment,
    registry::{WAITS, next_id},
    resource::ResourceInfo,
    task::{self, Handle},
};
use crate::{current, node::Node};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum On {
    Task(Handle),
    /// A node has nothing left below it, or nothing that was handed off to it.
    Settled(u64),
    Cancelled(u64),
    /// The right to run a child in the group of a node.
    Permit(u64),
    Resource(u64),
}

impl On {
    pub(crate) fn settled(node: &Arc<Node>) -> Self {
        On::Settled(node.seen(|seen| seen.id()))
    }

    pub(crate) fn cancelled(node: &Arc<Node>) -> Self {
        On::Cancelled(node.seen(|seen| seen.id()))
    }
}

/// Two waits of one task for the same thing are one, except for those that have a place of their own in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The number of the task, or of the node where there is no task; zero outside everything.
    pub(super) waiter: u64,
    pub(super) on: On,
    place: u64,
}

pub(super) struct WaitRecord {
    pub(super) key: Key,
    pub(super) resource: Option<Arc<ResourceInfo>>,
    pub(super) since: Moment,
    /// When the waker was called, if the wait has not been polled since.
    woken: AtomicU64,
    /// The value was taken; a waker may be left behind, and says nothing any more.
    ended: AtomicBool,
}

// Every access of the atomics is relaxed: they are read to be shown.
impl WaitRecord {
    fn open(key: Key, resource: Option<Arc<ResourceInfo>>) -> Arc<Self> {
        let (woken, ended) = (AtomicU64::new(0), AtomicBool::new(false));
        let record = Arc::new(WaitRecord { key, resource, since: Moment::now(), woken, ended });
        WAITS.insert(key, Arc::downgrade(&record));
        record
    }

    /// The one that is there, or a new one.
    fn shared(key: Key) -> Arc<Self> {
        let present = WAITS.get(&key).and_then(|weak| weak.upgrade());
        present.filter(|record| !record.ended()).unwrap_or_else(|| Self::open(key, None))
    }

    fn poll<T>(self: &Arc<Self>, cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        self.woken.store(0, Ordering::Relaxed);
        let waker = Waker::from(Arc::new(Granted { record: self.clone(), waker: cx.waker().clone() }));
        let result = poll(&mut Context::from_waker(&waker));
        if result.is_ready() {
            self.end();
        }
        result
    }

    fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.leave();
    }

    fn leave(&self) {
        WAITS.remove_if(&self.key, |weak| std::ptr::eq(Weak::as_ptr(weak), self));
    }

    pub(super) fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    pub(super) fn woken(&self) -> Option<Moment> {
        Moment::from_bits(self.woken.load(Ordering::Relaxed))
    }
}

impl Drop for WaitRecord {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Passes a call on to the waker of the task, and notes it.
struct Granted {
    record: Arc<WaitRecord>,
    waker: Waker,
}

impl Wake for Granted {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken = &self.record.woken;
        // The first call since the last poll counts; of two at once either may.
        let _ = woken.compare_exchange(0, Moment::now().bits(), Ordering::Relaxed, Ordering::Relaxed);
        self.waker.wake_by_ref();
    }
}

/// The running code is about to wait `on` something. Without inspection nothing is noted.
#[inline]
pub(crate) fn waits(on: impl FnOnce() -> On) -> Waits {
    Waits(is_on().then(|| WaitRecord::shared(Key { waiter: waiter(), on: on(), place: 0 })))
}

/// A wait, to be polled at once; see [`waits`].
pub(crate) struct Waits(Option<Arc<WaitRecord>>);

impl Waits {
    #[inline]
    pub(crate) fn poll<T>(self, cx: &mut Context<'_>, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        match self.0 {
            None => poll(cx),
            Some(record) => record.poll(cx, poll),
        }
    }
}

/// The task that this thread polls, or else the node that it is in.
pub(super) fn waiter() -> u64 {
    task::current_id().or_else(|| current::try_current().map(|node| node.seen(|seen| seen.id()))).unwrap_or(0)
}

/// A place in a line: a wait that is told from others for the same thing.
#[derive(Default)]
pub(super) struct Place(Option<Arc<WaitRecord>>);

impl Place {
    pub(super) fn poll<T>(
        &mut self,
        on: impl FnOnce() -> (On, Option<Arc<ResourceInfo>>),
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        if !is_on() {
            self.leave(); // Its waker is about to be replaced by one that tells nothing.
            return poll(cx);
        }
        let waiter = waiter();
        let record = match &mut self.0 {
            // A future may go on in another task than the one that began it.
            Some(record) if record.key.waiter == waiter && !record.ended() => record,
            place => {
                let (on, resource) = on();
                if let Some(before) = place.take() {
                    before.end();
                }
                place.insert(WaitRecord::open(Key { waiter, on, place: next_id() }, resource))
            }
        };
        record.poll(cx, poll)
    }
}

impl Place {
    fn leave(&mut self) {
        if let Some(record) = self.0.take() {
            record.end();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

pin_project! {
    /// Waits in the line for a permit of a group.
    pub(crate) struct InLine<F> {
        #[pin]
        line: F,
        // Boxed, with the number of the group's node: seldom there.
        place: Option<Box<(u64, Place)>>,
    }
}

impl<F> InLine<F> {
    pub(crate) fn new(group: &Arc<Node>, line: F) -> Self {
        let place = is_on().then(|| Box::new((group.seen(|seen| seen.id()), Place::default())));
        InLine { line, place }
    }
}

impl<F: Future> Future for InLine<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.place {
            None => this.line.poll(cx),
            Some(place) => {
                let (group, place) = &mut **place;
                place.poll(|| (On::Permit(*group), None), cx, |cx| this.line.poll(cx))
            }
        }
    }
}
