//! [`Event`].

use std::sync::Arc;

use bowline_sync::Event;

use crate::support::{ByHand, on_both_runtimes};

#[test]
fn ev_01_set_wakes_all_and_later_waits_are_immediate() {
    on_both_runtimes(|| async {
        let event = Arc::new(Event::new());
        let waiters: Vec<_> = (0..10)
            .map(|_| {
                let event = Arc::clone(&event);
                tokio::spawn(async move { event.wait().await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(!event.is_set());
        event.set();
        for waiter in waiters {
            waiter.await.unwrap();
        }
        assert!(event.is_set());
        event.wait().await;
    });
}

#[test]
fn ev_01_a_static_event_works_outside_a_runtime() {
    static EVENT: Event = Event::new();
    let waiter = ByHand::new(EVENT.wait()).waits();
    EVENT.set();
    assert_eq!(waiter.wakes(), 1);
    waiter.finish();
}

#[test]
fn ev_02_set_then_clear_still_wakes_who_waited() {
    let event = Event::new();
    let polled = ByHand::new(event.wait()).waits();
    let unpolled = ByHand::new(event.wait());
    event.set();
    event.clear();
    assert!(!event.is_set());
    polled.finish();
    unpolled.finish();
    let _late = ByHand::new(event.wait()).waits();
}

#[test]
fn ev_02_a_second_generation_does_not_confuse_the_first() {
    let event = Event::new();
    let first = ByHand::new(event.wait()).waits();
    event.set();
    event.clear();
    let second = ByHand::new(event.wait()).waits();
    // The first one's place is void: dropping it may not touch the second one, which has the same index in a new list.
    drop(first);
    event.set();
    assert_eq!(second.wakes(), 1);
    second.finish();
}

#[test]
fn ev_04_set_before_cancel_is_a_return_and_cancel_before_set_is_none() {
    let event = Event::new();
    let cancelled = ByHand::new(event.wait()).waits();
    let other = ByHand::new(event.wait()).waits();
    assert!(cancelled.leaves_nothing());
    event.set();
    assert_eq!(other.wakes(), 1);
    other.finish();
}

#[test]
fn ev_05_a_pulse_wakes_present_waiters_only() {
    let event = Event::new();
    let present: Vec<_> = (0..3).map(|_| ByHand::new(event.wait()).waits()).collect();
    event.set();
    event.clear();
    let late = ByHand::new(event.wait()).waits();
    for waiter in present {
        waiter.finish();
    }
    late.waits();
}

#[test]
fn setting_and_clearing_twice_changes_nothing() {
    let event = Event::default();
    event.clear();
    assert!(!event.is_set());
    event.set();
    event.set();
    assert!(event.is_set());
    event.clear();
    event.clear();
    assert!(!event.is_set());
    assert_eq!(format!("{event:?}"), "Event { is_set: false, .. }");
}

#[test]
fn a_waiter_that_changes_hands_is_woken_by_its_new_waker() {
    let event = Event::new();
    let mut wait = event.wait();
    let _ = ByHand::new(&mut wait).waits();
    let second = ByHand::new(&mut wait).waits();
    event.set();
    assert_eq!(second.wakes(), 1);
}

#[test]
fn pulse_releases_who_waits_and_nobody_else() {
    let event = Event::new();
    let mut waiting = ByHand::new(event.wait()).waits();
    event.pulse();
    assert_eq!((waiting.wakes(), event.is_set()), (1, false));
    assert!(waiting.poll().is_ready());
    let late = ByHand::new(event.wait()).waits();
    assert_eq!(event.statistics().waiting, 1);
    drop(late);
    assert_eq!(event.statistics().waiting, 0);
    event.set();
    event.pulse();
    assert!(event.is_set(), "a set event stays set");
}
