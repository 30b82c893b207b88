//! What every lock owes: order, exclusion, and a grant that is never lost. One test for all kinds.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bowline_sync::{KeyedGuard, KeyedLock, Mutex, MutexGuard, OwnedKeyedGuard};
use bowline_testing::assert_cancel_safe;
use tokio::task::yield_now;

use crate::support::{ByHand, on_both_runtimes};

trait Lock: Default + Send + Sync + 'static {
    type Guard<'a>: Send;

    fn lock(&self) -> impl Future<Output = Self::Guard<'_>> + Send;
    fn try_lock(&self) -> Option<Self::Guard<'_>>;
    fn waiting(&self) -> usize;
    fn is_locked(&self) -> bool;
}

impl Lock for Mutex<()> {
    type Guard<'a> = MutexGuard<'a, ()>;

    fn lock(&self) -> impl Future<Output = MutexGuard<'_, ()>> + Send {
        Mutex::lock(self)
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, ()>> {
        Mutex::try_lock(self).ok()
    }

    fn waiting(&self) -> usize {
        self.statistics().waiting
    }

    fn is_locked(&self) -> bool {
        self.statistics().locked
    }
}

impl Lock for KeyedLock<&'static str> {
    type Guard<'a> = KeyedGuard<'a, &'static str>;

    fn lock(&self) -> impl Future<Output = KeyedGuard<'_, &'static str>> + Send {
        KeyedLock::lock(self, "key")
    }

    fn try_lock(&self) -> Option<KeyedGuard<'_, &'static str>> {
        KeyedLock::try_lock(self, "key").ok()
    }

    fn waiting(&self) -> usize {
        self.statistics().waiting
    }

    fn is_locked(&self) -> bool {
        KeyedLock::is_locked(self, &"key")
    }
}

#[derive(Default)]
struct Owned(Arc<KeyedLock<String>>);

impl Lock for Owned {
    type Guard<'a> = OwnedKeyedGuard<String>;

    fn lock(&self) -> impl Future<Output = OwnedKeyedGuard<String>> + Send {
        self.0.lock_owned("key".into())
    }

    fn try_lock(&self) -> Option<OwnedKeyedGuard<String>> {
        self.0.try_lock_owned("key".into()).ok()
    }

    fn waiting(&self) -> usize {
        self.0.statistics().waiting
    }

    fn is_locked(&self) -> bool {
        self.0.is_locked(&"key".into())
    }
}

/// One test for each kind of lock.
macro_rules! of_every_kind {
    ($($case:ident),* $(,)?) => {$(
        #[test]
        fn $case() {
            cases::$case::<Mutex<()>>();
            cases::$case::<KeyedLock<&'static str>>();
            cases::$case::<Owned>();
        }
    )*};
}

of_every_kind! {
    lk_01_waiters_are_granted_in_order_of_arrival,
    lk_02_never_two_inside,
    lk_04_release_and_cancel_of_the_first_waiter_coincide,
    lk_06_a_lock_is_given_back_by_return_error_and_panic,
    lk_09_an_uncontended_lock_does_not_yield,
    lk_10_try_lock_does_not_take_a_lock_that_is_promised,
    lk_11_made_outside_a_runtime_it_works_in_several,
    lk_12_statistics_count_who_waits,
    lk_16_asking_again_goes_to_the_back,
    lk_19_cancelling_a_waiter_wakes_nobody,
    a_waiter_that_changes_hands_is_woken_by_its_new_waker,
    dropped_at_any_await_point_it_leaves_the_lock_free,
    a_cancelled_waiter_leaves_nothing,
    a_hundred_thousand_waiters_take_turns,
}

#[expect(clippy::unwrap_used, reason = "these are tests, although only the macro calls them so")]
mod cases {
    use super::*;

    pub(super) fn lk_01_waiters_are_granted_in_order_of_arrival<L: Lock>() {
        let lock = L::default();
        let held = lock.try_lock().unwrap();
        let [first, second, third] = [(); 3].map(|()| ByHand::new(lock.lock()).waits());
        drop(held);
        let (second, third) = (second.waits(), third.waits());
        assert_eq!([&first, &second, &third].map(ByHand::wakes), [1, 0, 0]);
        drop(first.finish());
        let third = third.waits();
        drop(second.finish());
        drop(third.finish());
    }

    pub(super) fn lk_02_never_two_inside<L: Lock>() {
        on_both_runtimes(|| async {
            let lock = Arc::new(L::default());
            let inside = Arc::new(AtomicUsize::new(0));
            let workers: Vec<_> = (0..5)
                .map(|_| {
                    let (lock, inside) = (Arc::clone(&lock), Arc::clone(&inside));
                    tokio::spawn(async move {
                        for _ in 0..10 {
                            let _guard = lock.lock().await;
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            yield_now().await;
                            inside.fetch_sub(1, Ordering::SeqCst);
                        }
                    })
                })
                .collect();
            for worker in workers {
                worker.await.unwrap();
            }
            assert!(!lock.is_locked());
        });
    }

    pub(super) fn lk_04_release_and_cancel_of_the_first_waiter_coincide<L: Lock>() {
        for cancel_first in [false, true] {
            let lock = L::default();
            let held = lock.try_lock().unwrap();
            let [first, second, third] = [(); 3].map(|()| ByHand::new(lock.lock()).waits());
            if cancel_first {
                drop(first);
                drop(held);
            } else {
                drop(held);
                drop(first);
            }
            assert_eq!((second.wakes(), third.wakes()), (1, 0));
            let _guard = second.finish();
            third.waits();
        }
    }

    pub(super) fn lk_06_a_lock_is_given_back_by_return_error_and_panic<L: Lock>() {
        let lock = L::default();
        let fails = || -> Option<()> {
            let _guard = lock.try_lock()?;
            let _second = lock.try_lock()?;
            Some(())
        };
        assert_eq!(fails(), None);
        let panics = AssertUnwindSafe(|| {
            let _guard = lock.try_lock();
            panic!("inside");
        });
        assert!(catch_unwind(panics).is_err());
        assert!(!lock.is_locked());
        drop(lock.try_lock().unwrap());
    }

    pub(super) fn lk_09_an_uncontended_lock_does_not_yield<L: Lock>() {
        let lock = L::default();
        let guard = ByHand::new(lock.lock()).finish();
        assert!(lock.is_locked() && lock.try_lock().is_none());
        drop(guard);
        drop(ByHand::new(lock.lock()).finish());
    }

    pub(super) fn lk_10_try_lock_does_not_take_a_lock_that_is_promised<L: Lock>() {
        let lock = L::default();
        let held = lock.try_lock().unwrap();
        let waiter = ByHand::new(lock.lock()).waits();
        drop(held);
        assert!(lock.try_lock().is_none() && lock.is_locked());
        let _newcomer = ByHand::new(lock.lock()).waits();
        drop(waiter.finish());
    }

    pub(super) fn lk_11_made_outside_a_runtime_it_works_in_several<L: Lock>() {
        let lock = L::default();
        on_both_runtimes(|| async { drop(lock.lock().await) });
    }

    pub(super) fn lk_12_statistics_count_who_waits<L: Lock>() {
        let lock = L::default();
        assert_eq!((lock.is_locked(), lock.waiting()), (false, 0));
        let held = lock.try_lock();
        let first = ByHand::new(lock.lock()).waits();
        let second = ByHand::new(lock.lock()).waits();
        assert_eq!((lock.is_locked(), lock.waiting()), (true, 2));
        drop(first);
        assert_eq!((lock.is_locked(), lock.waiting()), (true, 1));
        drop(held);
        drop(second.finish());
        assert_eq!((lock.is_locked(), lock.waiting()), (false, 0));
    }

    pub(super) fn lk_16_asking_again_goes_to_the_back<L: Lock>() {
        let lock = L::default();
        let held = lock.try_lock().unwrap();
        let first = ByHand::new(lock.lock()).waits();
        drop(held);
        let again = ByHand::new(lock.lock()).waits();
        drop(first.finish());
        assert_eq!(again.wakes(), 1);
    }

    pub(super) fn lk_19_cancelling_a_waiter_wakes_nobody<L: Lock>() {
        let lock = L::default();
        let _held = lock.try_lock().unwrap();
        let [first, second, third] = [(); 3].map(|()| ByHand::new(lock.lock()).waits());
        drop(second);
        drop(first);
        assert_eq!((third.wakes(), lock.waiting()), (0, 1));
    }

    pub(super) fn a_waiter_that_changes_hands_is_woken_by_its_new_waker<L: Lock>() {
        let lock = L::default();
        let held = lock.try_lock().unwrap();
        let mut waiter = Box::pin(lock.lock());
        let _ = ByHand::new(waiter.as_mut()).waits();
        let second = ByHand::new(waiter.as_mut()).waits();
        drop(held);
        assert_eq!(second.wakes(), 1);
    }

    /// Held by a task that gives it back later, so that the future is dropped in line, after its grant, and with its guard.
    pub(super) fn dropped_at_any_await_point_it_leaves_the_lock_free<L: Lock>() {
        assert_cancel_safe(
            async || {
                let lock = Arc::new(L::default());
                let holder = Arc::clone(&lock);
                let (held, is_held) = tokio::sync::oneshot::channel();
                tokio::spawn(async move {
                    let _guard = holder.lock().await;
                    held.send(()).unwrap();
                    for _ in 0..3 {
                        yield_now().await;
                    }
                });
                is_held.await.unwrap();
                let waiter = Arc::clone(&lock);
                let future = async move {
                    let _guard = waiter.lock().await;
                    yield_now().await;
                };
                (future, lock)
            },
            async |lock| {
                drop(lock.lock().await);
                assert_eq!((lock.is_locked(), lock.waiting()), (false, 0));
            },
        )
        .at_least(2);
    }

    pub(super) fn a_cancelled_waiter_leaves_nothing<L: Lock>() {
        let lock = L::default();
        let held = lock.try_lock();
        assert!(ByHand::new(lock.lock()).waits().leaves_nothing());
        let granted = ByHand::new(lock.lock()).waits();
        drop(held);
        assert!(granted.leaves_nothing());
        assert!(!lock.is_locked());
    }

    pub(super) fn a_hundred_thousand_waiters_take_turns<L: Lock>() {
        let lock = L::default();
        let held = lock.try_lock();
        let waiters: Vec<_> = (0..100_000).map(|_| ByHand::new(lock.lock()).waits()).collect();
        assert_eq!(lock.waiting(), 100_000);
        drop(held);
        for waiter in waiters {
            drop(waiter.finish());
        }
        assert!(!lock.is_locked());
    }
}
