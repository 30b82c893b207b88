//! [`Mutex`]: what it has beyond every lock.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use bowline_sync::{Lock, Mutex, MutexGuard, PoisonCause, Poisoned};
use bowline_testing::assert_cancel_safe;
use tokio::task::yield_now;

use crate::support::{ByHand, on_both_runtimes};

/// Why it is poisoned, as who asks for the lock learns it.
fn cause<T>(mutex: &Mutex<T>) -> Option<PoisonCause> {
    let cause = ByHand::new(mutex.lock_unpoisoned()).finish().err().map(|poisoned| poisoned.cause());
    assert_eq!(cause.is_some(), mutex.is_poisoned());
    cause
}

fn poison<T>(mutex: &Mutex<T>) {
    let panics = || {
        let _guard = mutex.try_lock();
        panic!("inside");
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
}

#[test]
fn the_value_is_reached_in_every_way() {
    let mut mutex = Mutex::new(1);
    *mutex.get_mut() += 1;
    *mutex.try_lock().unwrap() += 1;
    *ByHand::new(mutex.lock()).finish() += 1;
    ByHand::new(mutex.with(async |value| *value += 1)).finish();
    assert_eq!(format!("{0} {0:?}", mutex.try_lock().unwrap()), "5 5");
    assert_eq!(mutex.into_inner(), 5);
    assert_eq!(*Mutex::<u8>::default().get_mut() + *Mutex::from(7).get_mut(), 7);
}

#[test]
fn an_unsized_value_is_locked() {
    let mutex: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2, 3]));
    ByHand::new(mutex.lock()).finish()[0] = 7;
    assert_eq!(ByHand::new(mutex.with(async |value| value.len())).finish(), 3);
    assert_eq!(mutex.try_lock().unwrap()[0], 7);
}

#[test]
fn a_panic_under_the_lock_poisons_and_plain_locks_ignore_it() {
    let mutex = Mutex::new(1);
    assert_eq!(cause(&mutex), None);
    poison(&mutex);
    assert_eq!(cause(&mutex), Some(PoisonCause::Panic));
    assert_eq!(*ByHand::new(mutex.lock()).finish(), 1);
    assert!(mutex.try_lock().is_ok());
    assert_eq!(cause(&mutex), Some(PoisonCause::Panic), "looking at it does not mend it");
    mutex.clear_poison();
    assert_eq!(cause(&mutex), None);
}

#[test]
fn a_panicking_task_poisons_and_the_guard_is_in_the_error() {
    on_both_runtimes(|| async {
        let mutex = Arc::new(Mutex::new(0));
        let task = Arc::clone(&mutex);
        let task = tokio::spawn(async move {
            let mut guard = task.lock().await;
            *guard = 1;
            yield_now().await;
            panic!("half-way");
        });
        assert!(task.await.unwrap_err().is_panic());
        let mut guard = mutex.lock_unpoisoned().await.unwrap_err().into_guard();
        assert!(mutex.try_lock().is_err(), "the lock is held");
        *guard = 2;
        mutex.clear_poison();
        drop(guard);
        assert_eq!(*mutex.lock_unpoisoned().await.unwrap(), 2);
    });
}

#[test]
fn a_guard_of_a_thread_that_panicked_before_does_not_poison() {
    struct LocksInDrop<'a>(&'a Mutex<i32>);
    impl Drop for LocksInDrop<'_> {
        fn drop(&mut self) {
            *self.0.try_lock().unwrap() += 1;
        }
    }
    let mutex = Mutex::new(0);
    let panics = || {
        let _locks = LocksInDrop(&mutex);
        panic!("elsewhere");
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!((cause(&mutex), *mutex.try_lock().unwrap()), (None, 1));
}

#[test]
fn a_with_that_is_dropped_half_way_poisons() {
    let mutex = Mutex::new(0);
    let body = ByHand::new(mutex.with(async |value| {
        *value = 1;
        yield_now().await;
        *value = 2;
    }));
    let body = body.waits();
    drop(body);
    assert_eq!(cause(&mutex), Some(PoisonCause::Cancelled));
    assert_eq!(*mutex.try_lock().unwrap(), 1);
}

#[test]
fn a_with_that_has_not_begun_or_is_done_does_not_poison() {
    let mutex = Mutex::new(0);
    drop(ByHand::new(mutex.with(async |_| yield_now().await)));
    let held = mutex.try_lock();
    let waits = ByHand::new(mutex.with(async |_| yield_now().await)).waits();
    let granted = ByHand::new(mutex.with(async |_| yield_now().await)).waits();
    drop(waits);
    drop(held);
    assert_eq!(granted.wakes(), 1);
    drop(granted);
    ByHand::new(mutex.with(async |value| *value = 1)).finish();
    let guard = mutex.try_lock().unwrap();
    drop(MutexGuard::with(guard, async |value| *value = 2));
    assert_eq!(cause(&mutex), None);
}

#[test]
fn a_with_whose_body_panics_says_panic() {
    let mutex = Mutex::new(());
    let mut with = ByHand::new(mutex.with(async |()| panic!("inside")));
    assert!(catch_unwind(AssertUnwindSafe(|| with.poll())).is_err());
    drop(with);
    assert_eq!(cause(&mutex), Some(PoisonCause::Panic));
}

#[test]
fn a_guard_that_is_only_dropped_half_way_does_not_poison() {
    let mutex = Mutex::new(0);
    let work = async {
        let mut guard = mutex.lock().await;
        *guard = 1;
        yield_now().await;
    };
    drop(ByHand::new(work).waits());
    assert_eq!(cause(&mutex), None);
}

#[test]
fn with_runs_in_a_spawned_task() {
    on_both_runtimes(|| async {
        let mutex = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..10)
            .map(|number| {
                let mutex = Arc::clone(&mutex);
                tokio::spawn(async move {
                    mutex
                        .with(async |numbers| {
                            let length = numbers.len();
                            yield_now().await;
                            numbers.push(number);
                            assert_eq!(numbers.len(), length + 1);
                        })
                        .await;
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(mutex.lock().await.len(), 10);
    });
}

#[test]
fn dropped_at_any_await_point_a_with_is_whole_or_poisoned() {
    assert_cancel_safe(
        async || {
            let mutex = Arc::new(Mutex::new([1, 0]));
            let task = Arc::clone(&mutex);
            let transfer = async move {
                yield_now().await;
                task.with(async |accounts| {
                    accounts[0] -= 1;
                    yield_now().await;
                    accounts[1] += 1;
                })
                .await;
                yield_now().await;
            };
            (transfer, mutex)
        },
        async |mutex| match mutex.lock_unpoisoned().await {
            Ok(accounts) => assert_eq!(accounts[0] + accounts[1], 1),
            Err(poisoned) => assert_eq!(*poisoned.into_guard(), [0, 0]),
        },
    )
    .at_least(3);
}

#[test]
fn a_poisoned_error_leaves_the_function_without_its_guard() {
    fn asks(mutex: &Mutex<i32>) -> Result<i32, Box<dyn std::error::Error>> {
        Ok(*ByHand::new(mutex.lock_unpoisoned()).finish().map_err(Poisoned::without_guard)?)
    }
    let mutex = Mutex::new(1);
    poison(&mutex);
    let error = asks(&mutex).unwrap_err().to_string();
    assert!(error.contains("a panic while it was locked") && error.contains("clear_poison"), "{error}");
    assert!(mutex.try_lock().is_ok(), "the lock came back");
}

#[test]
fn lk_07_a_holder_that_locks_again_panics_at_once() {
    on_both_runtimes(|| async {
        let mutex = Arc::new(Mutex::new(()).checked());
        let task = Arc::clone(&mutex);
        let deadlock = tokio::spawn(async move {
            let _first = task.lock().await;
            let _second = task.lock().await;
        });
        let panic = deadlock.await.unwrap_err().into_panic();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains("holds itself") && message.contains("it/mutex.rs:"), "{message}");
        assert_eq!(mutex.statistics().waiting, 0);
        drop(mutex.lock().await);
    });
}

#[test]
fn lk_07_another_task_waits_as_ever() {
    on_both_runtimes(|| async {
        let mutex = Arc::new(Mutex::new(0).checked());
        let tasks: Vec<_> = (0..3)
            .map(|_| {
                let mutex = Arc::clone(&mutex);
                tokio::spawn(async move {
                    for _ in 0..3 {
                        let mut guard = mutex.lock().await;
                        yield_now().await;
                        *guard += 1;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*mutex.lock().await, 9);
    });
}

#[test]
fn lk_07_without_the_check_a_second_lock_waits() {
    on_both_runtimes(|| async {
        let deadlock = tokio::spawn(async {
            let mutex = Mutex::new(());
            let _first = mutex.lock().await;
            ByHand::new(mutex.lock()).waits().leaves_nothing()
        });
        assert!(deadlock.await.unwrap());
    });
}

#[test]
fn lk_12_statistics_name_the_holder_of_a_checked_mutex() {
    on_both_runtimes(|| async {
        let checked = tokio::spawn(async {
            let mutex = Mutex::new(()).checked();
            assert_eq!(mutex.statistics().holder, None);
            let guard = mutex.lock().await;
            let holder = mutex.statistics().holder.unwrap();
            assert_eq!(holder.task, tokio::task::try_id());
            assert_eq!(holder.location.line(), line!() - 3);
            drop(guard);
            assert_eq!(mutex.statistics().holder, None);
        });
        checked.await.unwrap();
        let unchecked = Mutex::new(());
        let _guard = unchecked.lock().await;
        assert_eq!(unchecked.statistics().holder, None);
    });
}

#[test]
fn debug_shows_no_value() {
    let mutex = Mutex::new("secret");
    let _guard = mutex.try_lock();
    let _waiter = ByHand::new(mutex.lock()).waits();
    assert_eq!(format!("{mutex:?}"), "Mutex { locked: true, waiting: 1, poisoned: false, .. }");
}

#[test]
fn a_waiting_lock_is_small() {
    let mutex = Mutex::new(());
    // And 32 for the entry in the line.
    let size = if cfg!(feature = "inspect") { 32 } else { 24 };
    assert_eq!((size_of_val(&mutex.lock()), size_of_val(&mutex.lock_unpoisoned())), (size, size));
}

#[test]
fn futures_show_their_mutex() {
    let mutex = Mutex::new("secret");
    let shown = "(Mutex { locked: false, waiting: 0, poisoned: false, .. })";
    assert_eq!(format!("{:?}", mutex.lock()), format!("Lock{shown}"));
    assert_eq!(format!("{:?}", mutex.lock_unpoisoned()), format!("LockUnpoisoned{shown}"));
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn a_lock_that_is_polled_after_its_end_panics() {
    let mutex = Mutex::new(());
    let mut lock = ByHand::new(mutex.lock());
    drop(lock.poll());
    let _ = lock.poll();
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn a_lock_that_waited_and_is_polled_after_its_end_panics() {
    let mutex = Mutex::new(());
    let held = mutex.try_lock();
    let mut lock = ByHand::new(mutex.lock()).waits();
    drop(held);
    drop(lock.poll());
    let _ = lock.poll();
}

/// A waker may poll at once: the value is free by then.
#[test]
fn a_waiter_that_enters_while_it_is_woken_finds_the_value() {
    struct Enters(std::sync::Mutex<Option<Lock<'static, u8>>>);
    impl Wake for Enters {
        fn wake(self: Arc<Self>) {
            let mut lock = self.0.lock().unwrap().take().expect("woken once");
            let Poll::Ready(mut value) = pin!(&mut lock).poll(&mut Context::from_waker(Waker::noop())) else {
                panic!("it was granted")
            };
            *value += 1;
        }
    }
    static MUTEX: Mutex<u8> = Mutex::new(0);
    let held = MUTEX.try_lock().unwrap();
    let waiter = Arc::new(Enters(std::sync::Mutex::new(None)));
    let mut lock = MUTEX.lock();
    assert!(pin!(&mut lock).poll(&mut Context::from_waker(&Waker::from(Arc::clone(&waiter)))).is_pending());
    *waiter.0.lock().unwrap() = Some(lock);
    drop(held);
    assert_eq!(*MUTEX.try_lock().unwrap(), 1);
}

/// No `Sync`, and references: neither keeps a mutex from going into tasks.
#[test]
fn values_of_every_kind_are_locked_in_spawned_tasks() {
    on_both_runtimes(|| async {
        let cell = Arc::new(Mutex::new(std::cell::Cell::new(1)));
        let name = Arc::new(Mutex::new("a"));
        let boxed: Arc<Mutex<Box<dyn FnMut() -> i32 + Send>>> = Arc::new(Mutex::new(Box::new(|| 1)));
        let task = {
            let (cell, name, boxed) = (Arc::clone(&cell), Arc::clone(&name), Arc::clone(&boxed));
            tokio::spawn(async move {
                let (mut cell, mut name, mut boxed) = (cell.lock().await, name.lock().await, boxed.lock().await);
                yield_now().await;
                *cell.get_mut() += boxed();
                *name = "b";
            })
        };
        task.await.unwrap();
        assert_eq!((cell.lock().await.get(), *name.lock().await), (2, "b"));
    });
}
