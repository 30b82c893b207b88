//! [`KeyedLock`]: what it has beyond every lock.

use std::{
    hash::{Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bowline_sync::{KeyLocked, KeyedLock};

use crate::support::{ByHand, on_both_runtimes};

/// keys, waiting
fn counts<K>(locks: &KeyedLock<K>) -> (usize, usize) {
    let statistics = locks.statistics();
    (statistics.keys, statistics.waiting)
}

#[test]
fn different_keys_do_not_wait_for_each_other() {
    let locks = KeyedLock::new();
    let guards: Vec<_> = (0..100).map(|key| ByHand::new(locks.lock(key)).finish()).collect();
    assert_eq!(counts(&locks), (100, 0));
    assert!((0..100).all(|key| locks.is_locked(&key)) && !locks.is_locked(&100));
    assert!(guards.iter().enumerate().all(|(key, guard)| *guard.key() == key));
    assert_eq!(locks.try_lock(7).unwrap_err(), KeyLocked);
    drop(guards);
    assert_eq!(counts(&locks), (0, 0));
}

#[test]
fn nothing_is_left_by_the_last_guard_nor_by_the_last_cancelled_waiter() {
    let locks = KeyedLock::new();
    for key in 0..1_000 {
        drop(locks.try_lock(key));

        // The waiter goes first, then the guard.
        let held = locks.try_lock(key);
        assert!(ByHand::new(locks.lock(key)).waits().leaves_nothing());
        assert_eq!(counts(&locks), (1, 0));
        drop(held);
        assert_eq!(counts(&locks), (0, 0));

        // The guard goes first, then the waiter that was granted its key.
        let held = locks.try_lock(key);
        let granted = ByHand::new(locks.lock(key)).waits();
        drop(held);
        assert_eq!(counts(&locks), (1, 0));
        assert!(granted.leaves_nothing());
        assert_eq!(counts(&locks), (0, 0));
        drop(ByHand::new(locks.lock(key)));
    }
    assert_eq!(counts(&locks), (0, 0));
    assert_eq!(format!("{locks:?}"), "KeyedLock { keys: 0, waiting: 0, .. }");
}

#[test]
fn a_key_is_dropped_with_its_last_guard_and_its_last_waiter() {
    let locks = KeyedLock::new();
    let key = Arc::new(());
    let held = locks.try_lock(Arc::clone(&key)).unwrap();
    assert_eq!(Arc::strong_count(&key), 2);
    let waiters: Vec<_> = (0..10).map(|_| ByHand::new(locks.lock(Arc::clone(&key))).waits()).collect();
    assert_eq!(Arc::strong_count(&key), 2, "waiters share the key of the holder");
    drop(held);
    drop(waiters);
    assert_eq!(Arc::strong_count(&key), 1);
}

#[test]
fn a_static_keyed_lock_works_in_several_runtimes() {
    static LOCKS: KeyedLock<String> = KeyedLock::new();
    on_both_runtimes(|| async {
        let tasks: Vec<_> = (0..20)
            .map(|number: i32| {
                tokio::spawn(async move {
                    let guard = LOCKS.lock((number % 3).to_string()).await;
                    tokio::task::yield_now().await;
                    assert_eq!(*guard.key(), (number % 3).to_string());
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(counts(&LOCKS), (0, 0));
    });
}

#[test]
fn an_owned_guard_outlives_the_borrow() {
    let locks = Arc::new(KeyedLock::new());
    let guard = ByHand::new(locks.lock_owned("a")).finish();
    let waiter = ByHand::new(locks.lock_owned("a")).waits();
    assert_eq!(locks.try_lock_owned("a").unwrap_err(), KeyLocked);
    drop(locks);
    drop(guard);
    assert_eq!(format!("{:?}", waiter.finish()), "OwnedKeyedGuard(\"a\")");
}

/// All of one hash; its comparison may panic.
#[derive(Clone, Debug)]
struct Clash(u8, Arc<AtomicBool>);

impl Hash for Clash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(0);
    }
}

impl PartialEq for Clash {
    fn eq(&self, other: &Self) -> bool {
        assert!(!self.1.load(Ordering::Relaxed), "compared");
        self.0 == other.0
    }
}

impl Eq for Clash {}

#[test]
fn keys_of_one_hash_are_told_apart() {
    let panics = Arc::new(AtomicBool::new(false));
    let key = |number| Clash(number, Arc::clone(&panics));
    let locks = KeyedLock::new();
    let first = locks.try_lock(key(1)).unwrap();
    let second = locks.try_lock(key(2)).unwrap();
    assert!(locks.is_locked(&key(1)) && locks.is_locked(&key(2)) && !locks.is_locked(&key(3)));
    assert!(locks.try_lock(key(2)).is_err());
    drop(second);
    assert!(locks.is_locked(&key(1)) && !locks.is_locked(&key(2)));
    drop(first);
    assert_eq!(counts(&locks), (0, 0));
}

#[test]
fn a_panic_of_a_comparison_changes_nothing() {
    let panics = Arc::new(AtomicBool::new(false));
    let key = || Clash(1, Arc::clone(&panics));
    let locks = KeyedLock::new();
    let held = locks.try_lock(key()).unwrap();
    let waiter = ByHand::new(locks.lock(key())).waits();
    panics.store(true, Ordering::Relaxed);
    let mut unlucky = ByHand::new(locks.lock(key()));
    assert!(catch_unwind(AssertUnwindSafe(|| unlucky.poll())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| locks.try_lock(key()).is_ok())).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| locks.is_locked(&key()))).is_err());
    drop(unlucky);
    assert_eq!(counts(&locks), (1, 1));
    // Guards and waiters that are there compare nothing.
    drop(held);
    drop(waiter.finish());
    assert_eq!(counts(&locks), (0, 0));
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn polling_after_completion_panics() {
    let locks = KeyedLock::new();
    let mut waiter = ByHand::new(locks.lock(1));
    drop(waiter.poll());
    let _ = waiter.poll();
}

/// A waker is dropped with the lock free: here it drops a guard of the same lock.
#[test]
fn a_waker_that_drops_a_guard_is_dropped_outside_of_the_lock() {
    use std::task::{Context, Wake, Waker};
    struct Keeps(#[expect(dead_code, reason = "kept to be dropped")] Box<dyn Send + Sync>);
    impl Wake for Keeps {
        fn wake(self: Arc<Self>) {}
    }
    let locks = Arc::new(KeyedLock::new());
    let _held = locks.try_lock(1).unwrap();
    let keeps = || Waker::from(Arc::new(Keeps(Box::new(locks.try_lock_owned(2).unwrap()))));
    let mut waiter = Box::pin(locks.lock(1));
    let first = keeps();
    assert!(waiter.as_mut().poll(&mut Context::from_waker(&first)).is_pending());
    drop(first);
    assert!(locks.is_locked(&2));
    assert!(waiter.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(!locks.is_locked(&2), "the replaced waker is gone");
    let second = keeps();
    assert!(waiter.as_mut().poll(&mut Context::from_waker(&second)).is_pending());
    drop(second);
    drop(waiter);
    assert_eq!(counts(&locks), (1, 0));
}

#[test]
fn many_keys_come_and_go() {
    let locks = KeyedLock::new();
    for _ in 0..3 {
        let guards: Vec<_> = (0..10_000).map(|key| locks.try_lock(key).unwrap()).collect();
        assert_eq!(counts(&locks), (10_000, 0));
        drop(guards);
        assert_eq!(counts(&locks), (0, 0));
    }
}
