//! [`Limiter`]: permits in somebody's name.

use std::{collections::HashSet, sync::Arc};

use bowline_sync::{AtCapacity, Borrower, Limiter, TryAcquireAsError};
use bowline_testing::assert_cancel_safe;

use crate::{
    limiter::counts,
    support::{ByHand, on_both_runtimes},
};

/// Those on the books, and whether they hold.
fn books(limiter: &Limiter) -> Vec<(Borrower, bool)> {
    limiter.borrowers().into_iter().map(|record| (record.borrower, record.holds)).collect()
}

#[test]
fn lk_24_the_same_borrower_twice_is_refused_at_once() {
    let limiter = Arc::new(Limiter::new(2));
    let worker = Borrower::named("worker");
    let permit = ByHand::new(limiter.acquire_as(&worker)).finish().unwrap();
    let refused = ByHand::new(limiter.acquire_as(&worker)).finish().unwrap_err();
    assert_eq!(refused.borrower(), &worker);
    assert!(refused.to_string().starts_with("borrower `worker` #"), "{refused}");
    assert_eq!(ByHand::new(limiter.acquire_owned_as(&worker)).finish().unwrap_err(), refused);
    assert_eq!(limiter.try_acquire_as(&worker).unwrap_err(), TryAcquireAsError::AlreadyHolds(refused.clone()));
    assert_eq!(limiter.try_acquire_owned_as(&worker).unwrap_err(), TryAcquireAsError::AlreadyHolds(refused));
    assert_eq!(counts(&limiter), (1, 0));
    drop(permit);
    assert_eq!(books(&limiter), []);
    drop(limiter.try_acquire_owned_as(&worker).unwrap());
}

#[test]
fn lk_24_one_who_waits_is_refused_too_and_others_are_not() {
    let (limiter, elsewhere) = (Limiter::new(1), Limiter::new(1));
    let (worker, other) = (Borrower::new(), Borrower::new());
    let held = limiter.try_acquire_as(&other).unwrap();
    let waiter = ByHand::new(limiter.acquire_as(&worker)).waits();
    assert!(matches!(limiter.try_acquire_as(&worker), Err(TryAcquireAsError::AlreadyHolds(_))));
    assert!(elsewhere.try_acquire_as(&worker).is_ok(), "another limiter is another matter");
    drop(held);
    let permit = waiter.finish().unwrap();
    let waiter = ByHand::new(limiter.acquire_as(&other)).waits();
    drop(permit);
    drop(waiter.finish().unwrap());
}

#[test]
fn lk_24_a_refused_request_ends_no_record_of_another() {
    let limiter = Limiter::new(1);
    let worker = Borrower::new();
    let _permit = limiter.try_acquire_as(&worker).unwrap();
    drop(ByHand::new(limiter.acquire_as(&worker)).finish());
    assert_eq!(books(&limiter), [(worker, true)]);
}

#[test]
fn lk_24_a_task_is_one_borrower() {
    on_both_runtimes(|| async {
        let limiter = Arc::new(Limiter::new(2));
        let task = |limiter: Arc<Limiter>| async move {
            let me = Borrower::current_task().unwrap();
            let _permit = limiter.acquire_as(&me).await.unwrap();
            tokio::task::yield_now().await;
            assert!(limiter.acquire_as(&Borrower::current_task().unwrap()).await.is_err());
            (me.to_string(), tokio::task::id())
        };
        for _ in 0..2 {
            let (name, id) = tokio::spawn(task(Arc::clone(&limiter))).await.unwrap();
            assert_eq!(name, format!("task {id}"));
        }
    });
    assert!(std::thread::spawn(Borrower::current_task).join().unwrap().is_none());
}

#[test]
fn lk_25_on_behalf_of_another_it_is_accounted_to_that_one() {
    on_both_runtimes(|| async {
        let limiter = Arc::new(Limiter::new(1));
        let thread = Borrower::named("thread");
        let mine = Borrower::new();
        let permit = limiter.acquire_owned_as(&thread).await.unwrap();
        assert_eq!(books(&limiter), [(thread.clone(), true)]);
        let waits = Arc::clone(&limiter);
        let waiter = ByHand::new(waits.acquire_as(&mine)).waits();
        assert_eq!(HashSet::from_iter(books(&limiter)), HashSet::from([(thread, true), (mine.clone(), false)]));
        // Given back where it was used.
        tokio::task::spawn_blocking(move || drop(permit)).await.unwrap();
        assert_eq!(books(&limiter), [(mine.clone(), false)], "granted, and not polled yet");
        let permit = waiter.finish().unwrap();
        assert_eq!(books(&limiter), [(mine, true)]);
        drop(permit);
        assert_eq!((books(&limiter), counts(&limiter)), (vec![], (0, 0)));
    });
}

#[test]
fn lk_29_a_cancelled_waiter_leaves_no_record_and_the_next_is_admitted() {
    let limiter = Limiter::new(1);
    let held = limiter.try_acquire().unwrap();
    let (worker, other) = (Borrower::new(), Borrower::new());
    for _ in 0..1_000 {
        drop(ByHand::new(limiter.acquire_as(&Borrower::new())).waits());
        assert_eq!(limiter.try_acquire_as(&worker).unwrap_err(), TryAcquireAsError::AtCapacity(AtCapacity));
    }
    drop(limiter.acquire_as(&worker));
    assert_eq!(books(&limiter), []);
    let granted = ByHand::new(limiter.acquire_as(&worker)).waits();
    let next = ByHand::new(limiter.acquire_as(&other)).waits();
    drop(held);
    drop(granted);
    assert_eq!(books(&limiter), [(other, false)]);
    drop(next.finish().unwrap());
}

#[test]
fn lk_29_a_borrower_cancelled_anywhere_is_free_to_ask_again() {
    assert_cancel_safe(
        async || {
            let limiter = Arc::new(Limiter::new(1));
            let held = limiter.try_acquire_owned().unwrap();
            let holder = tokio::spawn(async move { drop(held) });
            let worker = Borrower::new();
            let state = (Arc::clone(&limiter), worker.clone(), holder);
            let work = async move {
                for _ in 0..2 {
                    let _permit = limiter.acquire_as(&worker).await.unwrap();
                    tokio::task::yield_now().await;
                }
                let _permit = limiter.acquire_owned_as(&worker).await.unwrap();
                tokio::task::yield_now().await;
            };
            (work, state)
        },
        async |(limiter, worker, holder)| {
            holder.await.unwrap();
            assert_eq!((counts(&limiter), books(&limiter)), ((0, 0), vec![]));
            drop(limiter.try_acquire_as(&worker).unwrap());
        },
    )
    .at_least(4);
}
