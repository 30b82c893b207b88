//! One value for many users: who acquires, who releases.

use std::{sync::Arc, thread};

use bowline_concurrency::scope;
use bowline_resources::{Resource, ShareError, Shared};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes, on_current_thread};
use tokio::task::yield_now;

use crate::support::{Act, Door, Log, Stuck, observe, panic_of};

/// A shared door; its acquisitions act as listed, and work when the list is over.
pub(crate) fn doors(log: &Log, acts: &'static [Act]) -> Shared<Door> {
    let (log, mut acts) = (log.clone(), acts.iter());
    Shared::new(move || Door::new("a", &log).acquire(1, acts.next().copied().unwrap_or(Act::Works)))
}

/// A shared door whose releases act like that, after three awaits.
fn released_so(log: &Log, act: Act) -> Shared<Door> {
    let log = log.clone();
    Shared::new(move || Door::new("a", &log).release(3, act))
}

#[test]
fn rs_21_what_nobody_uses_is_not_acquired() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        drop(shared.get()); // Not polled.
        shared.close().await.unwrap();
        drop(shared);
        assert!(log.entries().is_empty());
    });
}

#[test]
fn rs_21_one_acquisition_serves_all() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        let first = shared.get().await.unwrap();
        for _ in 0..10 {
            drop(shared.get().await.unwrap());
        }
        let clone = first.clone();
        drop(first);
        assert_eq!(shared.statistics().users, 1);
        assert_eq!(log.entries(), ["open a"]);
        clone.release().await.unwrap();
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: completed"]);
        log.assert_balanced();
    });
}

#[test]
fn rs_26_concurrent_first_users_share_one_acquisition() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = Arc::new(doors(&log, &[]));
        scope(async |group| {
            for _ in 0..100 {
                let shared = Arc::clone(&shared);
                drop(group.spawn(async move {
                    let share = shared.get().await.unwrap();
                    yield_now().await;
                    drop(share);
                }));
            }
        })
        .await;
        log.assert_balanced();
        assert_eq!(shared.statistics().users, 0);
    });
}

/// The first user leaves before the others have been polled: they still have what they waited for.
#[test]
fn rs_26_a_value_is_kept_for_those_who_wait_for_it() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        let mut gets: Vec<_> = (0..3).map(|_| Polled::new(shared.get())).collect();
        gets.iter_mut().for_each(Polled::assert_pending);
        for get in &mut gets {
            drop(get.assert_ready().unwrap());
        }
        scope(async |_| drop(gets)).await;
        assert_eq!(log.opened(), ["a"]);
        shared.close().await.unwrap();
        log.assert_balanced();
    });
}

#[test]
fn rs_26_a_failed_acquisition_is_its_callers_and_the_next_tries_again_in_order() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[Act::Fails, Act::Fails]);
        let mut gets: Vec<_> = (0..4).map(|_| Polled::new(shared.get())).collect();
        gets.iter_mut().for_each(Polled::assert_pending);
        let mut outcomes = Vec::new();
        while !gets.is_empty() {
            // Whoever is not the first in line is not served, however often it is polled.
            for later in gets.iter_mut().skip(1).rev() {
                if outcomes.len() < 2 {
                    later.assert_pending();
                }
            }
            let mut first = gets.remove(0);
            let outcome = loop {
                if let std::task::Poll::Ready(outcome) = first.poll() {
                    break outcome;
                }
            };
            outcomes.push(outcome);
        }
        let errors: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().cloned()).collect();
        let failed = Some(ShareError::Failed(Stuck("acquire")));
        assert_eq!(errors, [failed.clone(), failed, None, None]);
        assert_eq!(log.opened(), ["a"]);
        drop(outcomes);
        shared.close().await.unwrap();
        log.assert_balanced();
    });
}

#[test]
fn rs_26_a_first_user_that_is_cancelled_leaves_the_value_to_the_next() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        let (mut first, mut second) = (Polled::new(shared.get()), Polled::new(shared.get()));
        first.assert_pending();
        second.assert_pending();
        scope(async |_| drop(first)).await;
        let share = second.assert_ready().unwrap();
        assert_eq!(log.entries(), ["open a"]);
        share.release().await.unwrap();
        log.assert_balanced();
    });
}

#[test]
fn rs_26_a_first_user_that_is_cancelled_half_way_leaves_what_is_still_to_come() {
    on_both_runtimes(async || {
        let log = Log::default();
        let own = log.clone();
        let shared = Shared::new(move || Door::new("a", &own).acquire(9, Act::Works));
        let (mut first, mut second) = (Polled::new(shared.get()), Polled::new(shared.get()));
        first.assert_pending();
        scope(async |_| {
            drop(first);
            second.assert_pending(); // The acquisition of the first goes on.
        })
        .await;
        let share = second.assert_ready().unwrap();
        assert_eq!(log.entries(), ["open a"]);
        share.release().await.unwrap();
        log.assert_balanced();
    });
}

#[test]
fn rs_26_a_first_user_that_is_cancelled_and_whose_acquisition_fails_leaves_its_turn_to_the_next() {
    for act in [Act::Fails, Act::Panics, Act::Hangs] {
        on_current_thread(async || {
            let log = Log::default();
            let shared = match act {
                Act::Fails => doors(&log, &[Act::Fails]),
                Act::Panics => doors(&log, &[Act::Panics]),
                _ => doors(&log, &[Act::Hangs]),
            };
            scope(async |_| {
                observe(&log);
                let (mut first, mut second) = (Polled::new(shared.get()), Polled::new(shared.get()));
                first.assert_pending();
                second.assert_pending();
                scope(async |_| drop(first)).await;
                assert_eq!(log.all("observed ").len(), 1, "{:?}", log.entries());
                second.assert_pending();
                second.assert_ready().unwrap().release().await.unwrap();
            })
            .await;
            log.assert_balanced();
            assert_eq!(log.opened(), ["a"]);
        });
    }
}

#[test]
fn rs_21_a_cancelled_user_who_is_alone_leaks_nothing() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        scope(async |_| Polled::new(shared.get()).assert_pending()).await;
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: dropped"]);
        assert!(!shared.statistics().is_alive);
    });
}

#[test]
fn rs_26_a_newcomer_waits_until_the_release_has_ended() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = released_so(&log, Act::Works);
        let mut ending = Polled::new(shared.get().await.unwrap().release());
        ending.assert_pending();
        let mut newcomer = Polled::new(shared.get());
        newcomer.assert_pending();
        ending.assert_pending();
        newcomer.assert_pending();
        assert_eq!(log.entries(), ["open a", "closing a"]);
        // The rest of the release is handed off: the newcomer waits for that, too.
        scope(async |_| drop(ending)).await;
        while newcomer.poll().map(|share| drop(share.unwrap().release())).is_pending() {
            yield_now().await;
        }
        shared.close().await.unwrap();
        let once = ["open a", "closing a", "closed a: completed"];
        assert_eq!(log.entries(), [once, once].concat());
    });
}

#[test]
fn rs_26_a_release_that_was_given_up_makes_room() {
    on_current_thread(async || {
        let log = Log::default();
        let mut acts = [Act::Hangs, Act::Works].into_iter();
        let doors = log.clone();
        let shared = Shared::new(move || Door::new("a", &doors).release(1, acts.next().unwrap()));
        scope(async |_| {
            observe(&log);
            drop(shared.get().await.unwrap());
            shared.get().await.unwrap().release().await.unwrap();
        })
        .await;
        let entries =
            ["open a", "closing a", "observed overdue of the release", "open a", "closing a", "closed a: completed"];
        assert_eq!(log.entries(), entries);
    });
}

#[test]
fn the_last_user_gets_the_error_of_the_release() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = released_so(&log, Act::Fails);
        let (one, other) = (shared.get().await.unwrap(), shared.get().await.unwrap());
        assert_eq!(one.release().await, Ok(()));
        assert_eq!(other.release().await, Err(Stuck("release")));
        log.assert_balanced();
    });
}

#[test]
fn an_error_of_the_release_that_nobody_can_get_is_observed() {
    for (act, expected) in [(Act::Fails, "error of the release"), (Act::Panics, "panic of the release")] {
        on_both_runtimes(async || {
            let log = Log::default();
            scope(async |_| {
                observe(&log);
                drop(released_so(&log, act).get().await.unwrap());
            })
            .await;
            assert_eq!(log.all("observed "), [expected]);
        });
    }
}

#[test]
fn panics_go_to_their_caller_and_spoil_nothing() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[Act::Panics]);
        assert_eq!(panic_of(shared.get()).await, "acquire panics");
        shared.get().await.unwrap().release().await.unwrap();
        log.assert_balanced();

        let shared = released_so(&log, Act::Panics);
        assert_eq!(panic_of(shared.get().await.unwrap().release()).await, "release panics");
        assert_eq!(shared.statistics().users, 0);
        drop(shared.get().await.unwrap()); // It can be had again.

        let (mut made, mine) = (0, log.clone());
        let shared = Shared::new(move || {
            made += 1;
            assert!(made > 1, "not yet");
            Door::new("b", &mine)
        });
        assert_eq!(panic_of(shared.get()).await, "not yet");
        shared.get().await.unwrap().release().await.unwrap();
    });
}

#[test]
fn a_value_whose_destructor_panics_spoils_nothing() {
    struct Loud(Log);
    impl Resource for Loud {
        type Value = bowline_testing::Probe;
        type Error = Stuck;

        async fn acquire(&mut self) -> Result<Self::Value, Stuck> {
            Ok(self.0.values.probe("loud").panic_on_drop())
        }

        async fn release(&mut self, value: Self::Value, _: bowline_resources::Exit) -> Result<(), Stuck> {
            drop(value);
            Ok(())
        }
    }
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let mine = log.clone();
            let shared = Shared::new(move || Loud(mine.clone()));
            for _ in 0..3 {
                drop(shared.get().await.unwrap());
            }
        })
        .await;
        assert_eq!(log.all("observed "), ["panic of the release"; 3]);
        assert_eq!(log.values.live(), 0);
    });
}

#[test]
fn rs_26_it_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let shared = Arc::new(released_so(&log, Act::Works));
            let used = Arc::clone(&shared);
            let work = async move {
                let share = used.get().await.unwrap();
                let ending = share.release();
                let (_, again) = tokio::join!(ending, used.get()); // Waits for the release.
                again.unwrap().release().await.unwrap();
            };
            (work, (shared, log))
        },
        async |(shared, log)| {
            log.assert_balanced();
            let statistics = shared.statistics();
            assert!(statistics.users == 0 && !statistics.is_alive, "{statistics:?}");
            shared.get().await.unwrap().release().await.unwrap();
        },
    );
    visited.at_least(9);
}

#[test]
fn a_share_may_be_dropped_on_a_plain_thread() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            let share = doors(&log, &[]).get().await.unwrap();
            thread::spawn(move || drop(share)).join().unwrap();
        })
        .await;
        log.assert_balanced();
        assert_eq!(log.closed(), ["a"]);
    });
}

#[test]
fn the_scope_of_the_last_user_waits_for_the_release() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = released_so(&log, Act::Works);
        let share = scope(async |_| shared.get().await.unwrap()).await;
        scope(async move |_| drop(share)).await;
        assert_eq!(log.entries().last().unwrap(), "closed a: dropped");
    });
}
