//! The ways in which a round ends, at the same time.

use std::{num::NonZeroUsize, pin::pin, sync::Arc};

use loom::{cell::Cell, future::block_on, thread};

use crate::{
    Barrier,
    loom_tests::{model, poll_once},
};

fn for_two() -> Barrier {
    Barrier::new(NonZeroUsize::MIN.saturating_add(1))
}

#[test]
fn loom_barrier_releases_all_and_publishes() {
    model(|| {
        let shared = loom::sync::Arc::new((for_two(), Cell::new(0), Cell::new(0)));
        let other = {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || {
                shared.1.set(1);
                let turn = block_on(shared.0.wait()).unwrap();
                assert_eq!(shared.2.get(), 2);
                turn.index()
            })
        };
        shared.2.set(2);
        let own = block_on(shared.0.wait()).unwrap().index();
        assert_eq!(shared.1.get(), 1);
        assert_eq!(own + other.join().unwrap(), 1);
        assert_eq!(shared.0.statistics().waiting, 0);
    });
}

/// Whether the party that goes away had been released or not, the other one hears how the round has ended.
#[test]
fn loom_barrier_release_races_a_cancelled_party_and_abort() {
    model(|| {
        let barrier = Arc::new(for_two());
        let canceller = {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || poll_once(pin!(barrier.wait())))
        };
        let waiter = {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || block_on(barrier.wait()).is_ok())
        };
        let led = canceller.join().unwrap();
        barrier.abort();
        let released = waiter.join().unwrap();
        assert!(released || !led, "the leader's round is complete for the other party");
        assert_eq!(barrier.statistics().waiting, 0);
    });
}
