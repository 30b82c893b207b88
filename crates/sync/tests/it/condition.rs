//! [`Condition`].

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bowline_sync::{Condition, Mutex};
use bowline_testing::assert_cancel_safe;
use tokio::task::yield_now;

use crate::support::{ByHand, on_both_runtimes};

/// A value and those who wait for it.
#[derive(Default)]
pub(crate) struct Monitor {
    pub(crate) value: Mutex<i32>,
    pub(crate) changed: Condition,
}

impl Monitor {
    pub(crate) async fn wait(&self) {
        drop(self.changed.wait(self.value.lock().await).await);
    }

    pub(crate) async fn take_when_positive(&self) {
        let mut value = self.changed.wait_while(self.value.lock().await, |value| *value <= 0).await;
        *value -= 1;
    }

    pub(crate) fn add(&self, count: i32) {
        *self.value.try_lock().expect("nobody holds it") += count;
    }

    pub(crate) fn waiting(&self) -> usize {
        self.changed.statistics().waiting
    }
}

#[test]
fn ev_06_a_wait_gives_the_lock_back_and_takes_it_again() {
    let monitor = Monitor::default();
    let guard = monitor.value.try_lock().unwrap();
    let mut waiter = ByHand::new(monitor.changed.wait(guard));
    assert!(monitor.value.try_lock().is_err(), "not before the first poll");
    assert!(waiter.poll().is_pending());
    let held = monitor.value.try_lock().expect("given back");
    monitor.changed.notify_one();
    assert_eq!(waiter.wakes(), 1);
    let waiter = waiter.waits();
    drop(held);
    let guard = waiter.finish();
    assert!(monitor.value.try_lock().is_err(), "taken again");
    drop(guard);
}

#[test]
fn ev_06_n_are_woken_in_order() {
    let monitor = Monitor::default();
    let waiters: Vec<_> = (0..6).map(|_| ByHand::new(monitor.wait()).waits()).collect();
    let woken = || waiters.iter().map(ByHand::wakes).collect::<Vec<_>>();
    monitor.changed.notify_many(0);
    assert_eq!(woken(), [0; 6]);
    monitor.changed.notify_one();
    assert_eq!(woken(), [1, 0, 0, 0, 0, 0]);
    monitor.changed.notify_many(2);
    assert_eq!(woken(), [1, 1, 1, 0, 0, 0]);
    assert_eq!(monitor.waiting(), 3);
    monitor.changed.notify_all();
    assert_eq!(woken(), [1; 6]);
    for waiter in waiters {
        waiter.finish();
    }
    assert_eq!(monitor.waiting(), 0);
}

#[test]
fn ev_06_a_notification_wakes_present_waiters_only() {
    let monitor = Monitor::default();
    monitor.changed.notify_one();
    monitor.changed.notify_many(3);
    monitor.changed.notify_all();
    let waiter = ByHand::new(monitor.wait()).waits();
    monitor.changed.notify_many(usize::MAX);
    waiter.finish();
    ByHand::new(monitor.wait()).waits();
}

#[test]
fn ev_06_wait_while_looks_first_and_after_each_notification() {
    let monitor = Monitor::default();
    monitor.add(1);
    ByHand::new(monitor.take_when_positive()).finish();
    let waiter = ByHand::new(monitor.take_when_positive()).waits();
    monitor.changed.notify_all();
    let waiter = waiter.waits();
    assert_eq!(monitor.waiting(), 1, "it waits again");
    monitor.add(1);
    monitor.changed.notify_all();
    waiter.finish();
    assert_eq!(*monitor.value.try_lock().unwrap(), 0);
}

#[test]
fn ev_06_producers_and_consumers_meet() {
    on_both_runtimes(|| async {
        let monitor = Arc::new(Monitor::default());
        let consumers: Vec<_> = (0..50)
            .map(|_| {
                let monitor = Arc::clone(&monitor);
                tokio::spawn(async move { monitor.take_when_positive().await })
            })
            .collect();
        for _ in 0..50 {
            *monitor.value.lock().await += 1;
            monitor.changed.notify_one();
            yield_now().await;
        }
        for consumer in consumers {
            consumer.await.unwrap();
        }
        assert_eq!((*monitor.value.lock().await, monitor.waiting()), (0, 0));
    });
}

// The peers take the lock again before the error of the cancellation leaves `wait`. Here the guard goes with the future.
#[test]
fn ev_09_a_cancelled_wait_leaves_the_lock_free() {
    let monitor = Monitor::default();
    let guard = monitor.value.try_lock().unwrap();
    drop(monitor.changed.wait(guard));
    assert!(monitor.value.try_lock().is_ok(), "never polled");
    assert!(ByHand::new(monitor.wait()).waits().leaves_nothing());
    let notified = ByHand::new(monitor.wait()).waits();
    monitor.changed.notify_one();
    drop(notified);
    let relocks = ByHand::new(monitor.wait()).waits();
    let held = monitor.value.try_lock();
    monitor.changed.notify_one();
    let relocks = relocks.waits();
    drop(held);
    assert!(relocks.leaves_nothing(), "granted the lock, and not polled");
    assert!(monitor.value.try_lock().is_ok());
    assert_eq!(monitor.waiting(), 0);
}

#[test]
fn ev_10_a_notified_waiter_that_is_cancelled_passes_it_on() {
    let monitor = Monitor::default();
    let [first, second, third] = [(); 3].map(|()| ByHand::new(monitor.wait()).waits());
    monitor.changed.notify_one();
    drop(first);
    assert_eq!((second.wakes(), third.wakes()), (1, 0));
    second.finish();
    third.waits();
}

#[test]
fn ev_10_a_waiter_that_is_cancelled_while_it_locks_again_passes_it_on() {
    for granted in [false, true] {
        let monitor = Monitor::default();
        let first = ByHand::new(monitor.wait()).waits();
        let second = ByHand::new(monitor.wait()).waits();
        let held = monitor.value.try_lock();
        monitor.changed.notify_one();
        let first = first.waits();
        assert_eq!(monitor.value.statistics().waiting, 1, "it is in the line of the mutex");
        if granted {
            drop(held);
            drop(first);
        } else {
            drop(first);
            drop(held);
        }
        assert_eq!(second.wakes(), 1);
        second.finish();
    }
}

#[test]
fn ev_10_a_waiter_that_has_the_lock_passes_nothing_on() {
    let monitor = Monitor::default();
    let first = ByHand::new(monitor.wait()).waits();
    let second = ByHand::new(monitor.wait()).waits();
    monitor.changed.notify_one();
    first.finish();
    assert_eq!(second.wakes(), 0);
    second.waits();
}

#[test]
fn ev_10_cancelling_a_waiter_that_was_not_notified_wakes_nobody() {
    let monitor = Monitor::default();
    let [first, second] = [(); 2].map(|()| ByHand::new(monitor.wait()).waits());
    drop(first);
    assert_eq!(second.wakes(), 0);
}

#[test]
fn ev_10_dropped_at_any_await_point_no_notification_is_lost() {
    assert_cancel_safe(
        async || {
            let monitor = Arc::new(Monitor::default());
            let future = {
                let monitor = Arc::clone(&monitor);
                async move { monitor.take_when_positive().await }
            };
            let notifies = Arc::clone(&monitor);
            tokio::spawn(async move {
                // After the first one waits, and with the lock held for a while after the notification.
                for _ in 0..2 {
                    yield_now().await;
                }
                let mut value = notifies.value.lock().await;
                *value += 1;
                notifies.changed.notify_one();
                yield_now().await;
            });
            (future, monitor)
        },
        async |monitor| {
            // Either the first one took it, and then there is another, or this one gets it.
            let waits = tokio::spawn({
                let monitor = Arc::clone(&monitor);
                async move { monitor.take_when_positive().await }
            });
            for _ in 0..10 {
                yield_now().await;
            }
            if !waits.is_finished() {
                *monitor.value.lock().await += 1;
                monitor.changed.notify_one();
            }
            waits.await.unwrap();
            assert_eq!(monitor.waiting(), 0);
        },
    )
    .at_least(2);
}

#[test]
fn ev_10_consumers_that_are_aborted_lose_no_notification() {
    on_both_runtimes(|| async {
        for round in 0..20 {
            let monitor = Arc::new(Monitor::default());
            let mut consumers: Vec<_> = (0..20)
                .map(|_| {
                    let monitor = Arc::clone(&monitor);
                    tokio::spawn(async move { monitor.take_when_positive().await })
                })
                .collect();
            let aborted = consumers.split_off(10);
            for (number, consumer) in aborted.iter().enumerate() {
                *monitor.value.lock().await += 1;
                monitor.changed.notify_one();
                if (number + round) % 3 == 0 {
                    yield_now().await;
                }
                consumer.abort();
            }
            for consumer in aborted {
                // What it took before it was aborted is missing for the others.
                if consumer.await.is_ok() {
                    *monitor.value.lock().await += 1;
                    monitor.changed.notify_one();
                }
            }
            for consumer in consumers {
                consumer.await.unwrap();
            }
            assert_eq!((*monitor.value.lock().await, monitor.waiting()), (0, 0));
        }
    });
}

#[test]
fn a_panic_of_the_condition_gives_the_lock_back_and_poisons() {
    let monitor = Monitor::default();
    let guard = monitor.value.try_lock().unwrap();
    let mut waits = ByHand::new(monitor.changed.wait_while(guard, |_| panic!("looking")));
    assert!(catch_unwind(AssertUnwindSafe(|| waits.poll())).is_err());
    drop(waits);
    assert!(monitor.value.try_lock().is_ok() && monitor.value.is_poisoned());
}

#[test]
fn one_condition_serves_several_mutexes() {
    let changed = Condition::new();
    let (numbers, names) = (Mutex::new(1), Mutex::new("a"));
    let number = ByHand::new(changed.wait(numbers.try_lock().unwrap())).waits();
    let name = ByHand::new(changed.wait(names.try_lock().unwrap())).waits();
    changed.notify_all();
    assert_eq!((*number.finish(), *name.finish()), (1, "a"));
}

#[test]
fn waiting_in_a_checked_mutex_is_no_deadlock() {
    on_both_runtimes(|| async {
        let waits = tokio::spawn(async {
            let (value, changed) = (Mutex::new(()).checked(), Condition::new());
            let mut waits = ByHand::new(changed.wait(value.lock().await)).waits();
            changed.notify_one();
            let std::task::Poll::Ready(guard) = waits.poll() else { panic!("it was notified") };
            assert!(value.statistics().holder.unwrap().location.file().ends_with("it/condition.rs"));
            drop(guard);
        });
        waits.await.unwrap();
    });
}

#[test]
fn a_waiter_that_changes_hands_is_woken_by_its_new_waker() {
    let monitor = Monitor::default();
    let mut waits = Box::pin(monitor.wait());
    let _ = ByHand::new(waits.as_mut()).waits();
    let second = ByHand::new(waits.as_mut()).waits();
    monitor.changed.notify_one();
    assert_eq!(second.wakes(), 1);
}

#[test]
fn a_hundred_thousand_waiters_are_woken_at_once() {
    let monitor = Monitor::default();
    let waiters: Vec<_> = (0..100_000).map(|_| ByHand::new(monitor.wait()).waits()).collect();
    monitor.changed.notify_all();
    for waiter in waiters {
        waiter.finish();
    }
    assert_eq!(format!("{:?}", monitor.changed), "Condition { waiting: 0, .. }");
}

#[test]
fn a_waiting_future_is_small() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    let guard = || mutex.try_lock().expect("nobody keeps it");
    let wait = size_of_val(&condition.wait(guard()));
    let wait_while = size_of_val(&condition.wait_while(guard(), |_| true));
    // And 32 for the entry in the line.
    let shown = if cfg!(feature = "inspect") { 16 } else { 0 };
    assert!(wait <= 72 + shown && wait_while <= 64 + shown, "{wait} and {wait_while} bytes");
}

#[test]
#[should_panic(expected = "polled after it had completed")]
fn a_wait_that_is_polled_after_its_end_panics() {
    let monitor = Monitor::default();
    let mut waits = ByHand::new(monitor.changed.wait_while(monitor.value.try_lock().unwrap(), |_| false));
    drop(waits.poll());
    let _ = waits.poll();
}
