//! Waking many.
//!
//! # Invariants
//!
//! 1. A waker is the user's code. One that panics keeps nobody else from being woken: the first panic goes on when all have been woken, and not at all where a
//!    panic is under way already, which would abort the process. Where it would take the place of somebody's own result, it does not go on either.
//! 2. No waker is woken while the owner of the list holds its lock: it fills the batch under the lock, and wakes it after that.

use std::{
    any::Any,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    task::Waker,
    thread,
};

/// Large enough that the lock between two batches costs little for each, small enough that the batch stays in the nearest cache.
/// For loom, that its models have more than one.
const BATCH: usize = if cfg!(bowline_loom) { 2 } else { 32 };

/// Wakers on their way from under a lock. However many there are, they need no memory in proportion: the owner wakes those of a full batch, and fills it
/// again.
#[derive(Default)]
pub(crate) struct Batch {
    /// Seldom there is more than one, and then there is nothing to allocate.
    first: Option<Waker>,
    more: Vec<Waker>,
    panic: Panicked,
}

/// The first panic of other people's code, to go on later (invariant 1).
#[derive(Debug, Default)]
pub(crate) struct Panicked(Option<Box<dyn Any + Send>>);

impl Batch {
    /// One that begins with these.
    pub(crate) fn of(wakers: Vec<Waker>) -> Self {
        Self { more: wakers, ..Self::default() }
    }

    /// Takes in whom `grant` hands out. True when there may be more: wake these, and fill it again.
    pub(crate) fn fill(&mut self, mut grant: impl FnMut() -> Option<Waker>) -> bool {
        while self.more.len() + 1 < BATCH {
            match (grant(), &self.first) {
                (None, _) => return false,
                (waker, None) => self.first = waker,
                (Some(waker), Some(_)) => self.more.push(waker),
            }
        }
        true
    }

    /// Wakes those in it, in order.
    pub(crate) fn wake(&mut self) {
        self.panic.wake(self.first.take().into_iter().chain(self.more.drain(..)));
    }

    /// Wakes those in it. Here the first panic of all batches goes on.
    pub(crate) fn finish(mut self) {
        self.wake();
        self.panic.resume();
    }
}

/// Wakes them all, whatever one of them does (invariant 1). Not under a lock.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    wake_all_then_drop(wakers, ());
}

/// Wakes them all, and drops what came with them after that: a destructor that panics keeps nobody from being woken. Not under a lock.
pub(crate) fn wake_all_then_drop<T>(wakers: impl IntoIterator<Item = Waker>, rest: T) {
    let mut panic = Panicked::default();
    panic.wake(wakers.into_iter());
    panic.catch(|| drop(rest));
    panic.resume();
}

/// Runs other people's code for somebody who has a result, or a panic, of its own to come home with.
pub(crate) fn hush(body: impl FnOnce()) {
    let mut panic = Panicked::default();
    panic.catch(body);
    mem::forget(panic);
}

impl Panicked {
    pub(crate) fn wake(&mut self, mut wakers: impl Iterator<Item = Waker>) {
        while self.catch(|| wakers.by_ref().for_each(Waker::wake)).is_none() {}
    }

    /// Runs other people's code; none when it panics.
    pub(crate) fn catch<T>(&mut self, body: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(body)) {
            Ok(value) => return Some(value),
            Err(payload) if self.0.is_none() => self.0 = Some(payload),
            // Its destructor is the user's code too, and may panic like the waker.
            Err(payload) => mem::forget(payload),
        }
        None
    }

    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn resume(self) {
        match self.0 {
            Some(payload) if thread::panicking() => mem::forget(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        panic::{AssertUnwindSafe, catch_unwind},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use super::{BATCH, Batch, wake_all};

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Panics(&'static str);

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            std::panic::panic_any(self.0);
        }
    }

    struct OnDrop<F: FnMut()>(F);

    impl<F: FnMut()> Drop for OnDrop<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }

    fn panics(text: &'static str) -> Waker {
        Waker::from(Arc::new(Panics(text)))
    }

    fn said(body: impl FnOnce()) -> Option<&'static str> {
        catch_unwind(AssertUnwindSafe(body)).err().and_then(|payload| payload.downcast_ref().copied())
    }

    #[test]
    fn one_grant_allocates_nothing_and_a_full_batch_asks_to_be_filled_again() {
        let woken = Arc::new(Woken::default());
        let mut batch = Batch::default();
        let mut left = 1;
        let mut grant = || {
            left -= 1;
            (left >= 0).then(|| Waker::from(Arc::clone(&woken)))
        };
        assert!(!batch.fill(&mut grant) && batch.more.capacity() == 0);
        batch.finish();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);

        let mut left = 2 * BATCH + 1;
        let mut grant = || {
            left = left.checked_sub(1)?;
            Some(Waker::from(Arc::clone(&woken)))
        };
        let (mut batch, mut batches) = (Batch::default(), 1);
        while batch.fill(&mut grant) {
            batch.wake();
            batches += 1;
        }
        batch.finish();
        assert_eq!((batches, woken.0.load(Ordering::Relaxed)), (3, 1 + 2 * BATCH + 1));
    }

    #[test]
    fn everybody_is_woken_and_the_first_panic_of_all_batches_goes_on() {
        let woken = Arc::new(Woken::default());
        let some = || Waker::from(Arc::clone(&woken));
        let said_at_once = said(|| wake_all([panics("first"), some(), panics("second"), some()]));
        assert_eq!((said_at_once, woken.0.load(Ordering::Relaxed)), (Some("first"), 2));

        let wakers = [panics("earlier batch")].into_iter().chain((0..BATCH).map(|_| some())).chain([panics("later")]);
        let mut wakers = wakers.collect::<Vec<_>>().into_iter();
        let said_at_the_end = said(|| {
            let mut batch = Batch::default();
            while batch.fill(|| wakers.next()) {
                batch.wake();
            }
            batch.finish();
        });
        assert_eq!((said_at_the_end, woken.0.load(Ordering::Relaxed)), (Some("earlier batch"), 2 + BATCH));
    }

    #[test]
    fn a_panic_that_is_under_way_is_not_joined_by_another() {
        let woken = Arc::new(Woken::default());
        let heard = said(|| {
            let _wakes = OnDrop(|| wake_all([panics("of the waker"), Waker::from(Arc::clone(&woken))]));
            std::panic::panic_any("of the task");
        });
        assert_eq!((heard, woken.0.load(Ordering::Relaxed)), (Some("of the task"), 1));
    }
}
