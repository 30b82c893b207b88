//! [`Condition::wait_timeout_while`]: waits with a limit, on a paused clock.

use std::{sync::Arc, time::Duration};

use crate::{condition::Monitor, support::ByHand};

#[tokio::test(start_paused = true)]
async fn ev_11_after_the_limit_the_lock_is_held_by_the_guard_in_the_error() {
    let monitor = Monitor::default();
    let begun = tokio::time::Instant::now();
    let guard = monitor.value.lock().await;
    let limit = Duration::from_secs(5);
    let late = monitor.changed.wait_timeout_while(guard, limit, |value| *value == 0).await;
    assert_eq!(begun.elapsed(), limit);
    let error = late.unwrap_err();
    assert!(error.to_string().contains("in time"));
    assert!(monitor.value.try_lock().is_err());
    let mut guard = error.into_guard();
    *guard = 1;
    drop(guard);
    assert_eq!((*monitor.value.try_lock().unwrap(), monitor.waiting()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn ev_11_within_the_limit_it_is_wait_while() {
    let monitor = Arc::new(Monitor::default());
    let limit = Duration::from_secs(5);
    let at_once =
        monitor.changed.wait_timeout_while(monitor.value.lock().await, Duration::ZERO, |value| *value != 0).await;
    assert!(at_once.is_ok());
    drop(at_once);
    let waits = tokio::spawn({
        let monitor = Arc::clone(&monitor);
        async move {
            let guard = monitor.value.lock().await;
            let in_time = monitor.changed.wait_timeout_while(guard, limit, |value| *value < 2).await;
            *in_time.unwrap()
        }
    });
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        *monitor.value.lock().await += 1;
        monitor.changed.notify_one();
    }
    assert_eq!(waits.await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn ev_11_the_limit_is_for_all_rounds_together() {
    let monitor = Arc::new(Monitor::default());
    let begun = tokio::time::Instant::now();
    let waits = tokio::spawn({
        let monitor = Arc::clone(&monitor);
        async move {
            let guard = monitor.value.lock().await;
            monitor.changed.wait_timeout_while(guard, Duration::from_secs(5), |_| true).await.is_err()
        }
    });
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        monitor.changed.notify_all();
    }
    assert!(waits.await.unwrap());
    assert_eq!(begun.elapsed(), Duration::from_secs(8), "the sleeps above; the waiter has gone before");
    assert_eq!(monitor.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn ev_11_a_value_that_came_before_the_lock_is_a_success_and_a_late_notification_is_passed_on() {
    let monitor = Monitor::default();
    let limit = Duration::from_secs(1);
    for value in [0, 1] {
        let late = async {
            let guard = monitor.value.lock().await;
            monitor.changed.wait_timeout_while(guard, limit, |value| *value == 0).await.is_ok()
        };
        let mut late = ByHand::new(late).waits();
        let other = ByHand::new(monitor.wait()).waits();
        let mut held = monitor.value.lock().await;
        tokio::time::sleep(2 * limit).await;
        assert!(late.poll().is_pending(), "it waits for the lock");
        monitor.changed.notify_one();
        *held = value;
        drop(held);
        assert_eq!(late.finish(), value == 1);
        assert_eq!(other.wakes(), usize::from(value == 0));
        drop(other);
    }
}
