//! Shared values under load.

use std::sync::Arc;

use bowline_concurrency::scope;
use bowline_resources::Shared;
use bowline_testing::{Polled, on_both_runtimes, on_multi_thread};
use tokio::task::yield_now;

use crate::{
    gauge::{Gauge, Gauged},
    shared::doors,
    support::{Log, observe},
};

#[test]
fn rs_26_a_hundred_thousand_uses_on_two_threads_never_have_two_alive() {
    on_multi_thread(async || {
        let gauge = Gauge::default();
        let mine = gauge.clone();
        let shared = Arc::new(Shared::new(move || Gauged { gauge: mine.clone(), awaits: 1 }));
        scope(async |group| {
            observe(&Log::default());
            for number in 0..100 {
                let shared = Arc::clone(&shared);
                drop(group.spawn(async move {
                    for turn in 0..1_000 {
                        if (number + turn) % 7 == 0 {
                            drop(Polled::new(shared.get()).poll()); // Cancelled, unless it is ready.
                        } else if number % 2 == 0 {
                            drop(shared.get().await.unwrap());
                        } else {
                            shared.get().await.unwrap().release().await.unwrap();
                        }
                        if turn % 3 == number % 3 {
                            yield_now().await;
                        }
                    }
                }));
            }
        })
        .await;
        gauge.assert_balanced();
        assert_eq!(shared.statistics().users, 0);
    });
}

#[test]
fn a_hundred_thousand_shares_are_one_value() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        let mut shares = Vec::new();
        for _ in 0..100_000 {
            shares.push(shared.get().await.unwrap());
        }
        assert_eq!(shared.statistics().users, 100_000);
        scope(async |_| drop(shares)).await;
        log.assert_balanced();
        assert_eq!(log.opened(), ["a"]);
    });
}
