//! Arrivals at the same time.

use loom::{cell::Cell, future::block_on, thread};

use crate::{Latch, loom_tests::model};

#[test]
fn loom_latch_publishes_what_all_arrivals_did() {
    model(|| {
        let shared = loom::sync::Arc::new((Latch::new(2), [Cell::new(0), Cell::new(0)]));
        let arrivals = [0, 1].map(|number| {
            let shared = loom::sync::Arc::clone(&shared);
            thread::spawn(move || {
                shared.1[number].set(7);
                shared.0.arrive();
            })
        });
        block_on(shared.0.wait());
        assert_eq!([shared.1[0].get(), shared.1[1].get()], [7, 7]);
        for arrival in arrivals {
            arrival.join().unwrap();
        }
        assert_eq!(shared.0.statistics().remaining, 0);
    });
}
