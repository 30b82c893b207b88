//! Values that are replaced while they are in use.

use std::{sync::Arc, thread};

use bowline_concurrency::scope;
use bowline_resources::{Closed, Swap, SwapError};
use bowline_testing::{Polled, Probe, assert_cancel_safe, on_both_runtimes, on_multi_thread};
use tokio::task::yield_now;

use crate::support::{Act, Door, Log, Stuck, observe, panic_of};

/// The name of the door.
fn name(value: &Probe) -> String {
    let text = format!("{value:?}");
    text.split('"').nth(1).expect("a probe shows its name").to_owned()
}

fn closed(names: &[&str], log: &Log) {
    assert_eq!(log.closed(), names, "{:?}", log.entries());
    assert_eq!(log.values.live(), 0);
}

#[test]
fn rs_22_the_value_is_released_when_it_is_closed() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        swap.close().await.unwrap();
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: completed"]);
        assert_eq!(swap.get().unwrap_err(), Closed);
        assert_eq!(swap.swap(Door::new("b", &log)).await, Err(SwapError::Closed));
        swap.close().await.unwrap();
        closed(&["a"], &log);
        assert_eq!(log.opened(), ["a"]);
    });
}

#[test]
fn rs_22_the_value_is_released_when_it_is_dropped() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| drop(Swap::new(Door::new("a", &log)).await.unwrap())).await;
        closed(&["a"], &log);
    });
}

#[test]
fn rs_22_the_new_value_is_acquired_before_the_old_one_is_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        swap.swap(Door::new("b", &log)).await.unwrap();
        assert_eq!(log.entries(), ["open a", "open b", "closing a", "closed a: completed"]);
        assert_eq!(name(&swap.get().unwrap()), "b");
        swap.close().await.unwrap();
        closed(&["a", "b"], &log);
    });
}

#[test]
fn rs_22_the_old_value_stays_while_it_is_in_use() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        let old = swap.get().unwrap();
        let clone = old.clone();
        let mut swapping = Polled::new(swap.swap(Door::new("b", &log)));
        swapping.assert_pending();
        swapping.assert_pending();
        assert_eq!([name(&old), name(&swap.get().unwrap())], ["a", "b"]);
        drop(clone);
        swapping.assert_pending();
        assert_eq!(log.entries(), ["open a", "open b"]);
        old.release().await.unwrap();
        swapping.assert_ready().unwrap();
        assert_eq!(log.closed(), ["a"]);
        swap.close().await.unwrap();
        closed(&["a", "b"], &log);
    });
}

#[test]
fn rs_22_the_end_waits_for_the_users() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        let share = swap.get().unwrap();
        let mut closing = Polled::new(swap.close());
        closing.assert_pending();
        assert_eq!(swap.get().unwrap_err(), Closed);
        share.release().await.unwrap();
        closing.assert_ready().unwrap();
        closed(&["a"], &log);
    });
}

#[test]
fn rs_22_users_are_not_blocked_by_a_slow_acquisition() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        let mut swapping = Polled::new(swap.swap(Door::new("b", &log).acquire(3, Act::Works)));
        for _ in 0..3 {
            swapping.assert_pending();
            let (one, other) = (swap.get().unwrap(), swap.get().unwrap());
            assert_eq!([name(&one), name(&other)], ["a", "a"]);
        }
        swapping.assert_pending();
        assert_eq!(name(&swap.get().unwrap()), "b");
        while swapping.poll().is_pending() {
            yield_now().await;
        }
        drop(swapping);
        swap.close().await.unwrap();
    });
}

#[test]
fn rs_22_a_failed_acquisition_leaves_the_old_value_in_place() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        let failed = swap.swap(Door::new("b", &log).acquire(1, Act::Fails)).await;
        assert_eq!(failed, Err(SwapError::Acquire(Stuck("acquire"))));
        assert_eq!(panic_of(swap.swap(Door::new("b", &log).acquire(1, Act::Panics))).await, "acquire panics");
        assert_eq!(name(&swap.get().unwrap()), "a");
        swap.swap(Door::new("c", &log)).await.unwrap();
        assert_eq!(log.closed(), ["a"]);
        swap.close().await.unwrap();
    });
}

#[test]
fn rs_22_a_failed_release_of_the_old_value_is_told_with_the_new_one_in_place() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log).release(1, Act::Fails)).await.unwrap();
        let failed = swap.swap(Door::new("b", &log).release(1, Act::Fails)).await;
        assert_eq!(failed, Err(SwapError::Release(Stuck("release"))));
        assert_eq!(name(&swap.get().unwrap()), "b");
        assert_eq!(swap.close().await, Err(Stuck("release")));
        closed(&["a", "b"], &log);
    });
}

#[test]
fn rs_22_swaps_are_done_in_the_order_of_their_first_polls() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        let swaps = ["b", "c", "d", "e"].map(|name| swap.swap(Door::new(name, &log)));
        let mut swaps: Vec<_> = swaps.into_iter().map(Polled::new).collect();
        swaps.iter_mut().for_each(Polled::assert_pending);
        drop(swaps.remove(2)); // A place in the line is given back.
        for (index, mut swapping) in swaps.into_iter().enumerate() {
            while swapping.poll().is_pending() {
                yield_now().await;
            }
            assert_eq!(log.closed().len(), index + 1);
        }
        assert_eq!(log.opened(), ["a", "b", "c", "e"]);
        swap.close().await.unwrap();
        closed(&["a", "b", "c", "e"], &log);
    });
}

#[test]
fn rs_22_a_swap_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let swap = Arc::new(Swap::new(Door::new("a", &log)).await.unwrap());
            let (swapped, doors) = (Arc::clone(&swap), log.clone());
            let work = async move {
                let new = Door::new("b", &doors).acquire(2, Act::Works);
                swapped.swap(new).await.unwrap();
            };
            (work, (swap, log))
        },
        async |(swap, log)| {
            let current = name(&swap.get().unwrap());
            let other = if current == "a" { "b" } else { "a" };
            assert_eq!(log.closed().len() + 1, log.opened().len(), "{:?}", log.entries());
            assert!(log.closed().iter().all(|name| name == other), "{:?}", log.entries());
            assert_eq!(log.values.live(), 1);
            swap.swap(Door::new("c", &log)).await.unwrap();
            swap.close().await.unwrap();
            assert_eq!(log.values.live(), 0);
        },
    );
    visited.at_least(3);
}

#[test]
fn rs_22_a_swap_that_is_dropped_while_it_waits_for_users_is_done() {
    on_both_runtimes(async || {
        let log = Log::default();
        let swap = Swap::new(Door::new("a", &log)).await.unwrap();
        let old = swap.get().unwrap();
        let mut swapping = Polled::new(swap.swap(Door::new("b", &log).acquire(0, Act::Works)));
        swapping.assert_pending();
        drop(swapping);
        assert_eq!(name(&swap.get().unwrap()), "b");
        swap.swap(Door::new("c", &log)).await.unwrap(); // Does not wait for it.
        scope(async |_| drop(old)).await;
        assert_eq!(log.closed(), ["b", "a"]);
        swap.close().await.unwrap();
    });
}

#[test]
fn a_swap_whose_value_comes_after_the_end_releases_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let swap = Swap::new(Door::new("a", &log)).await.unwrap();
            let mut swapping = Polled::new(swap.swap(Door::new("b", &log).release(0, Act::Fails)));
            swapping.assert_pending();
            let mut closing = Polled::new(swap.close());
            while log.closed().is_empty() {
                closing.assert_pending();
            }
            closing.assert_pending(); // Until the swap has ended.
            assert_eq!(swapping.assert_ready(), Err(SwapError::Closed));
            drop(swapping);
            closing.assert_ready().unwrap();
        })
        .await;
        closed(&["a", "b"], &log);
        assert_eq!(log.all("observed "), ["error of the release"]);
    });
}

#[test]
fn closing_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let swap = Arc::new(Swap::new(Door::new("a", &log).release(3, Act::Works)).await.unwrap());
            let ended = Arc::clone(&swap);
            (async move { ended.close().await.unwrap() }, (swap, log))
        },
        async |(swap, log)| {
            swap.close().await.unwrap(); // Not even polled once.
            closed(&["a"], &log);
        },
    );
    visited.at_least(3);
}

#[test]
fn opening_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let door = Door::new("a", &log).acquire(3, Act::Works);
            let work = async move { Swap::new(door).await.unwrap().close().await.unwrap() };
            (work, log)
        },
        async |log| log.assert_balanced(),
    );
    visited.at_least(4);
}

#[test]
fn rs_22_users_on_other_threads_see_values_that_are_alive() {
    on_multi_thread(async || {
        let log = Log::default();
        let swap = Arc::new(Swap::new(Door::new("v", &log)).await.unwrap());
        let users: Vec<_> = (0..2)
            .map(|_| {
                let swap = Arc::clone(&swap);
                thread::spawn(move || {
                    while let Ok(share) = swap.get() {
                        assert_eq!(name(&share), "v")
                    }
                })
            })
            .collect();
        for _ in 0..1_000 {
            swap.swap(Door::new("v", &log)).await.unwrap();
            assert!(log.values.live() <= 1);
        }
        swap.close().await.unwrap();
        users.into_iter().for_each(|user| user.join().unwrap());
        assert_eq!(log.closed().len(), 1_001);
        assert_eq!(log.values.live(), 0);
    });
}
