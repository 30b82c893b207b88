//! The body and the children, polled in turns.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_util::stream::{FuturesUnordered, Stream};
use pin_project_lite::pin_project;

use super::{
    child::{BoxedChild, Judge, poll_to_end},
    fate::{Broken, Fate, Report},
    shared::Shared,
};
use crate::{bell::Bell, failure::Failure, reason::Reason};

/// How many children may end, or turns of the body be taken, in one poll of the scope. Then the task gives way to others: a body that
/// spawns children for ever, which end at once, would not let them run.
const TURNS: usize = 128;

/// How often in one poll the set of children may ask to be polled again although none of them ended. It does so once when it has polled
/// all, to be safe; more often, and some of them wake themselves, to let other tasks run.
const YIELDS: usize = 2;

pin_project! {
    /// The body and the children of a scope. Its owner polls and drops it below the node of the scope.
    pub(super) struct Inside<'env, B, T, E>
    where
        B: Future,
    {
        #[pin]
        body: Option<B>,
        judge: Judge<B::Output, T, E>,
        bell: Arc<Bell>,
        wakers: Wakers,
        // What the body returned, while it waits for the children.
        value: Option<T>,
        children: FuturesUnordered<BoxedChild<'env, E>>,
        // Empty, but for the moment in which new children are taken in.
        new: Vec<BoxedChild<'env, E>>,
        shared: Arc<Shared<'env, E>>,
        report: Report<E>,
    }

    impl<B: Future, T, E> PinnedDrop for Inside<'_, B, T, E> {
        fn drop(this: Pin<&mut Self>) {
            this.clear(|payload| Failure::panic("a destructor", payload).report());
        }
    }
}

struct Wakers {
    body: Waker,
    children: Waker,
}

impl<'env, B: Future, T, E> Inside<'env, B, T, E> {
    pub(super) fn new(body: B, judge: Judge<B::Output, T, E>, shared: Arc<Shared<'env, E>>, report: Report<E>) -> Self {
        let bell = Bell::new();
        let wakers = Wakers { body: bell.clone().into(), children: shared.bell().clone().into() };
        let (children, new) = (FuturesUnordered::new(), Vec::new());
        Inside { body: Some(body), judge, bell, wakers, value: None, children, new, shared, report }
    }

    fn poll_body(self: Pin<&mut Self>) -> Result<(), Broken<E>> {
        let mut this = self.project();
        if this.body.is_none() {
            return Ok(());
        }
        match poll_to_end(this.body.as_mut(), *this.judge, &mut Context::from_waker(&this.wakers.body)) {
            Poll::Pending => {}
            Poll::Ready(Ok(value)) => *this.value = Some(value),
            Poll::Ready(Err(broken)) => return Err(Broken { task: Some("the body".to_owned()), ..broken }),
        }
        Ok(())
    }

    /// Polls the children that were woken, and counts `turns` down for each one that ended.
    fn poll_children(self: Pin<&mut Self>, turns: &mut usize) -> Result<(), Box<Broken<E>>> {
        let this = self.project();
        this.shared.take_in(this.new);
        this.children.extend(this.new.drain(..));
        let cx = &mut Context::from_waker(&this.wakers.children);
        while let Poll::Ready(Some(ended)) = Pin::new(&mut *this.children).poll_next(cx) {
            ended?;
            *turns -= 1;
            if *turns == 0 {
                // The set was not asked to the end, so it may not call us again.
                this.shared.bell().ring();
                break;
            }
        }
        Ok(())
    }

    /// The body's value, once there are no children left.
    fn take_value(self: Pin<&mut Self>) -> Option<T> {
        let this = self.project();
        let over = this.value.is_some() && this.children.is_empty() && this.shared.try_close();
        if over { this.value.take() } else { None }
    }

    fn bells(&self) -> [&Bell; 2] {
        [&self.bell, self.shared.bell()]
    }

    /// Drops everything for a failure.
    fn fail(self: Pin<&mut Self>, broken: Broken<E>) -> Fate<E> {
        let node = self.shared.node().clone();
        // Destructors that ask learn the reason.
        node.cancel(Reason::SiblingFailed);
        let mut fate = Fate::new(node, self.report, broken);
        self.clear(|payload| fate.add_panic(payload));
        fate
    }

    /// Drops everything, body first, one by one: a destructor that panics must not keep the others from running.
    fn clear(self: Pin<&mut Self>, mut panicked: impl FnMut(Box<dyn Any + Send>)) {
        let mut this = self.project();
        let mut caught = |act: &mut dyn FnMut()| {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(act)) {
                panicked(payload);
            }
        };
        let not_taken_in = this.shared.begin_to_close();
        caught(&mut || this.body.set(None));
        caught(&mut || drop(this.value.take()));
        for child in mem::take(this.children).into_iter().chain(this.new.drain(..)).chain(not_taken_in) {
            let mut child = Some(child);
            caught(&mut || drop(child.take()));
        }
        this.shared.close();
    }
}

impl<B: Future, T, E> Future for Inside<'_, B, T, E> {
    type Output = Result<T, Fate<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.bells().into_iter().for_each(Bell::stay_awake);
        let (mut turns, mut yields) = (TURNS, YIELDS);
        loop {
            if self.bell.answer() {
                if let Err(broken) = self.as_mut().poll_body() {
                    return Poll::Ready(Err(self.fail(broken)));
                }
                turns -= 1;
            }
            if turns > 0 && self.shared.bell().answer() {
                if let Err(broken) = self.as_mut().poll_children(&mut turns) {
                    return Poll::Ready(Err(self.fail(*broken)));
                }
                yields -= usize::from(self.shared.bell().has_rung());
            }
            if let Some(value) = self.as_mut().take_value() {
                return Poll::Ready(Ok(value));
            }
            if turns == 0 || yields == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.bells().into_iter().any(Bell::has_rung) {
                continue;
            }
            self.bells().into_iter().for_each(|bell| bell.sleep(cx.waker()));
            if !self.bells().into_iter().any(Bell::has_rung) {
                return Poll::Pending;
            }
            self.bells().into_iter().for_each(Bell::stay_awake);
        }
    }
}
