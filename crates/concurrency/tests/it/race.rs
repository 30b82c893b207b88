//! Several futures, of whose outputs the first one is wanted.

use std::{
    cell::Cell,
    future::{pending, ready},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use bowline_concurrency::{Reason, Scope, race, scope};
use bowline_testing::{Polled, on_both_runtimes};
use futures_util::FutureExt;
use tokio::{sync::Mutex, task::yield_now};

use crate::{
    support::{on_both, on_drop},
    world::World,
};

#[test]
fn the_first_to_end_wins_be_it_an_error() {
    on_both_runtimes(async || {
        let slow = || async {
            yield_now().await;
            Ok::<u32, &str>(1)
        };
        assert_eq!(race((slow(), async { Err("boom") })).await, Err("boom"));
        assert_eq!(race([pending().left_future(), ready(2).right_future()]).await, 2);
        assert_eq!(race((pending(), pending(), pending(), ready(4))).await, 4);
        assert_eq!(race((ready(1), ready(2))).await, 1, "of two that are ready the first");
    });
}

#[test]
fn the_losers_are_dropped_and_settled_before_the_winner_is_returned() {
    on_both(|| async {
        let world = World::default();
        let (loser, winner) = (world.clone(), world.clone());
        let first = race((
            async {
                scope(async |group| group.spawn(loser.clone().endless()).await).await;
                0
            },
            async {
                let _lease = winner.lease();
                yield_now().await;
                1
            },
        ));
        assert_eq!(first.await, 1);
        world.assert_clean();
    });
}

#[test]
fn the_losers_learn_why_they_are_dropped() {
    on_both_runtimes(async || {
        for polls in 0..3 {
            let reason = Cell::new(None);
            let winner = race((
                async {
                    let _guard = on_drop(|| reason.set(Some(Scope::current().reason_for_drop())));
                    pending::<()>().await
                },
                async {
                    for _ in 0..polls {
                        // Somebody has asked for the node before.
                        assert_eq!(Scope::current().name(), "a race");
                        yield_now().await;
                    }
                },
            ));
            winner.await;
            assert!(matches!(reason.take(), Some(Reason::NotNeeded)));
        }
    });
}

#[test]
fn ga_30_a_race_of_nothing_says_so_at_once() {
    let mut nothing = Polled::new(race(std::iter::empty::<std::future::Ready<u32>>()));
    assert_eq!(nothing.assert_ready(), None);
    assert_eq!(Polled::new(race(vec![ready(1)])).assert_ready(), Some(1));
}

#[test]
fn a_borrowed_loser_goes_on() {
    on_both_runtimes(async || {
        let mut slow = Box::pin(async {
            yield_now().await;
            yield_now().await;
            7
        });
        assert_eq!(race((&mut slow, Box::pin(ready(1)).as_mut())).await, 1);
        assert_eq!(slow.await, 7);
    });
}

#[test]
fn a_panic_ends_the_race_after_the_others_are_gone() {
    on_both(|| async {
        let world = World::default();
        let raced = AssertUnwindSafe(race((world.clone().endless(), async { panic!("boom") }))).catch_unwind().await;
        assert!(raced.is_err());
        world.assert_clean();
    });
}

#[test]
fn a_lock_that_a_loser_waits_for_is_free_afterwards() {
    on_both(|| async {
        let lock = Arc::new(Mutex::new(()));
        let held = lock.lock().await;
        let waiting = || async {
            let _guard = lock.lock().await;
        };
        race((waiting(), waiting(), async {})).await;
        drop(held);
        // The losers stood in the line before us, and are gone from it.
        let _guard = lock.lock().await;
    });
}
