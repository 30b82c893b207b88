//! The hand-over, and the landing, while others come and go.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use loom::{cell::Cell, future::block_on, thread};

use crate::{
    SingleFlight,
    loom_tests::{model, poll_once},
};

fn assert_empty<T>(flights: &SingleFlight<u8, T>) {
    let statistics = flights.statistics();
    assert_eq!((statistics.keys, statistics.waiting), (0, 0));
}

/// A leader goes away while a follower boards, and another one that follows goes away too: whoever stays gets a value.
#[test]
fn loom_single_flight_hands_over() {
    model(|| {
        let flights = Arc::new(SingleFlight::<u8, u8>::new());
        let goes_away = || {
            let flights = Arc::clone(&flights);
            thread::spawn(move || _ = poll_once(pin!(flights.run(1, std::future::pending))))
        };
        let others = [goes_away(), goes_away()];
        assert_eq!(block_on(flights.run(1, async || 2)), 2);
        for other in others {
            other.join().unwrap();
        }
        assert_empty(&flights);
    });
}

/// Two calls never work at once, and each gets the value of a run that it was there for.
#[test]
fn loom_single_flight_is_exclusive_and_loses_no_wake() {
    model(|| {
        let shared = loom::sync::Arc::new((SingleFlight::<u8, i32>::new(), Cell::new(0)));
        let call = |shared: &(SingleFlight<u8, i32>, Cell<i32>)| {
            let work = async || {
                shared.1.set(shared.1.get() + 1);
                shared.1.get()
            };
            block_on(shared.0.run(1, work))
        };
        let other = {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || call(&shared))
        };
        let values = [call(&shared), other.join().unwrap()];
        assert!([[1, 1], [1, 2], [2, 1]].contains(&values), "{values:?}");
        assert_empty(&shared.0);
    });
}

/// A flight that is forgotten while it lands takes nothing of the next one.
#[test]
fn loom_single_flight_forget_races_the_landing() {
    model(|| {
        let flights = Arc::new(SingleFlight::<u8, usize>::new());
        let runs = Arc::new(AtomicUsize::new(0));
        let call = |flights: &SingleFlight<u8, usize>, runs: &AtomicUsize| {
            block_on(flights.run(1, async || runs.fetch_add(1, Ordering::Relaxed)))
        };
        let other = {
            let (flights, runs) = (Arc::clone(&flights), Arc::clone(&runs));
            thread::spawn(move || call(&flights, &runs))
        };
        flights.forget(&1);
        call(&flights, &runs);
        other.join().unwrap();
        assert!([1, 2].contains(&runs.load(Ordering::Relaxed)));
        assert_empty(&flights);
    });
}
