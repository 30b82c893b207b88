//! The end of a shared resource.

use std::{error::Error as _, sync::Arc, time::Duration};

use bowline_concurrency::scope;
use bowline_resources::{Closed, ShareError, Shared};
use bowline_testing::{Polled, assert_cancel_safe, on_both_runtimes};

use crate::{
    shared::doors,
    support::{Act, Door, Log, Stuck, observe, panic_of},
};

const IDLE: Duration = Duration::from_secs(3600);

#[test]
fn closing_releases_an_idle_value_and_refuses_newcomers() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(IDLE);
        drop(shared.get().await.unwrap());
        shared.close().await.unwrap();
        assert_eq!(log.entries(), ["open a", "closing a", "closed a: completed"]);
        assert_eq!(shared.get().await.unwrap_err(), ShareError::Closed);
        shared.close().await.unwrap();
    });
}

#[test]
fn closing_waits_until_the_users_have_left_and_the_value_is_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(IDLE);
        let share = shared.get().await.unwrap();
        let clone = share.clone();
        let mut closing = Polled::new(shared.close());
        closing.assert_pending();
        assert_eq!(shared.get().await.unwrap_err(), ShareError::Closed);
        drop(clone);
        closing.assert_pending();
        let mut ending = Polled::new(share.release()); // No idle time any more.
        ending.assert_pending();
        closing.assert_pending();
        ending.assert_ready().unwrap();
        closing.assert_ready().unwrap();
        log.assert_balanced();
    });
}

#[test]
fn closing_half_way_is_closing() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]).idle_for(IDLE);
        let share = shared.get().await.unwrap();
        Polled::new(shared.close()).assert_pending();
        assert_eq!(shared.get().await.unwrap_err(), ShareError::Closed);
        scope(async |_| drop(share)).await;
        log.assert_balanced();
    });
}

#[test]
fn closing_refuses_those_who_wait_and_spares_the_one_who_acquires() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        let mut gets: Vec<_> = (0..3).map(|_| Polled::new(shared.get())).collect();
        gets.iter_mut().for_each(Polled::assert_pending);
        let mut closing = Polled::new(shared.close());
        closing.assert_pending();
        for waiting in &mut gets[1..] {
            assert!(waiting.is_woken());
            assert_eq!(waiting.assert_ready().unwrap_err(), ShareError::Closed);
        }
        let share = gets[0].assert_ready().unwrap();
        closing.assert_pending();
        share.release().await.unwrap();
        closing.assert_ready().unwrap();
        log.assert_balanced();
    });
}

#[test]
fn closing_refuses_the_one_who_waits_for_a_release() {
    on_both_runtimes(async || {
        let log = Log::default();
        let shared = doors(&log, &[]);
        let mut ending = Polled::new(shared.get().await.unwrap().release());
        ending.assert_pending();
        let mut newcomer = Polled::new(shared.get());
        newcomer.assert_pending();
        let mut closing = Polled::new(shared.close());
        closing.assert_pending();
        ending.assert_ready().unwrap();
        closing.assert_pending(); // The newcomer is before it.
        assert_eq!(newcomer.assert_ready().unwrap_err(), ShareError::Closed);
        closing.assert_ready().unwrap();
        assert_eq!(log.opened(), ["a"]);
    });
}

#[test]
fn closing_returns_what_its_release_does() {
    on_both_runtimes(async || {
        for act in [Act::Fails, Act::Panics] {
            let log = Log::default();
            let doors = log.clone();
            let shared = Shared::new(move || Door::new("a", &doors).release(1, act)).idle_for(IDLE);
            drop(shared.get().await.unwrap());
            match act {
                Act::Fails => assert_eq!(shared.close().await, Err(Stuck("release"))),
                _ => assert_eq!(panic_of(shared.close()).await, "release panics"),
            }
        }
    });
}

#[test]
fn closing_may_be_dropped_at_every_await() {
    let visited = assert_cancel_safe(
        async || {
            let log = Log::default();
            let doors = log.clone();
            let door = move || Door::new("a", &doors).release(3, Act::Works);
            let shared = Arc::new(Shared::new(door).idle_for(IDLE));
            drop(shared.get().await.unwrap());
            let closed = Arc::clone(&shared);
            (async move { closed.close().await.unwrap() }, (shared, log))
        },
        async |(shared, log)| {
            shared.close().await.unwrap(); // Not even polled once.
            log.assert_balanced();
            assert_eq!(log.closed(), ["a"]);
        },
    );
    visited.at_least(3);
}

#[test]
fn an_acquisition_that_ends_after_it_was_dropped_is_released() {
    on_both_runtimes(async || {
        let log = Log::default();
        scope(async |_| {
            observe(&log);
            let shared = doors(&log, &[]).idle_for(IDLE);
            Polled::new(shared.get()).assert_pending();
            drop(shared);
        })
        .await;
        log.assert_balanced();
        assert_eq!(log.closed(), ["a"]);
    });
}

#[test]
fn errors_say_what_to_do() {
    let closed = "the resource has been closed: make a new one, or close it later";
    assert_eq!(ShareError::<Stuck>::from(Closed).to_string(), closed);
    let failed = ShareError::Failed(Stuck("acquire"));
    assert!(failed.to_string().contains("ask again"));
    assert_eq!(failed.source().unwrap().to_string(), "acquire");
}
