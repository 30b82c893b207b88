//! A task that finds everything ready must still let its neighbours run.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bowline_sync::{
    Admission, Barrier, Borrower, Condition, Event, KeyedLock, KeyedRateLimiter, Latch, Lifecycle, Limiter, Mutex,
    PartitionedLimiter, Rate, RateLimiter, SingleFlight,
};
use tokio::runtime::Builder;

/// Runs `once` again and again on one thread, and tells whether a neighbour got a turn before that ended by itself.
fn neighbour_runs_beside<F: Future<Output = ()>>(once: impl Fn() -> F) -> bool {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime can be built");
    runtime.block_on(async {
        let ran = Arc::new(AtomicBool::new(false));
        let neighbour = Arc::clone(&ran);
        tokio::spawn(async move { neighbour.store(true, Ordering::Relaxed) });
        for _ in 0..100_000 {
            if ran.load(Ordering::Relaxed) {
                return true;
            }
            once().await;
        }
        false
    })
}

#[test]
fn the_check_sees_a_task_that_never_yields() {
    assert!(!neighbour_runs_beside(|| async {}));
}

#[test]
fn a_set_event_lets_neighbours_run() {
    let event = Event::new();
    event.set();
    assert!(neighbour_runs_beside(|| async { event.wait().await }));
}

#[test]
fn a_free_limiter_lets_neighbours_run() {
    let limiter = Arc::new(Limiter::new(1));
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire().await) }));
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire_owned().await) }));
}

#[test]
fn an_idle_rate_limiter_lets_neighbours_run() {
    let limiter = RateLimiter::with_burst(Rate::per_second(NonZeroU32::MAX), NonZeroU32::MAX);
    assert!(neighbour_runs_beside(|| async { limiter.acquire().await }));
}

#[test]
fn free_locks_let_neighbours_run() {
    let mutex = Mutex::new(0);
    assert!(neighbour_runs_beside(|| async { drop(mutex.lock().await) }));
    assert!(neighbour_runs_beside(|| async { drop(mutex.lock_unpoisoned().await) }));
    assert!(neighbour_runs_beside(|| mutex.with(async |value| *value += 1)));
    let locks = Arc::new(KeyedLock::new());
    assert!(neighbour_runs_beside(|| async { drop(locks.lock(1).await) }));
    assert!(neighbour_runs_beside(|| async { drop(locks.lock_owned(1).await) }));
}

#[test]
fn a_condition_that_is_always_notified_lets_neighbours_run() {
    let (mutex, condition) = (Mutex::new(0), Condition::new());
    assert!(neighbour_runs_beside(|| async {
        let wait = async { drop(condition.wait(mutex.lock().await).await) };
        tokio::join!(biased; wait, async { condition.notify_all() });
    }));
}

#[test]
fn a_lifecycle_that_is_ready_or_ended_lets_neighbours_run() {
    let lifecycle = Lifecycle::new();
    let worker = lifecycle.begin().expect("it is new");
    worker.ready();
    assert!(neighbour_runs_beside(|| async { lifecycle.ready().await.expect("it is ready") }));
    worker.end();
    assert!(neighbour_runs_beside(|| async { lifecycle.stopped().await.expect("it has ended") }));
}

#[test]
fn rates_of_every_kind_let_neighbours_run() {
    let (rate, burst) = (Rate::per_second(NonZeroU32::MAX), NonZeroU32::MAX);
    let owned = Arc::new(RateLimiter::with_burst(rate, burst));
    assert!(neighbour_runs_beside(|| async { owned.acquire_owned().await }));
    let limiter = RateLimiter::with_burst(rate, burst).and(rate, burst);
    assert!(neighbour_runs_beside(|| async { limiter.acquire_many(NonZeroU32::MIN).await.unwrap() }));
    let keyed = KeyedRateLimiter::<u8>::with_burst(NonZeroUsize::MIN, rate, burst);
    assert!(neighbour_runs_beside(|| async { keyed.acquire(&1).await.unwrap() }));
    let admission = Arc::new(Admission::with_burst(1, rate, burst));
    assert!(neighbour_runs_beside(|| async { drop(admission.acquire().await) }));
    assert!(neighbour_runs_beside(|| async { drop(admission.acquire_owned().await) }));
}

#[test]
fn a_barrier_for_one_lets_neighbours_run() {
    let barrier = Barrier::new(NonZeroUsize::MIN);
    assert!(neighbour_runs_beside(|| async { assert!(barrier.wait().await.is_ok()) }));
}

#[test]
fn an_open_latch_lets_neighbours_run() {
    let latch = Latch::new(0);
    assert!(neighbour_runs_beside(|| async { latch.wait().await }));
}

#[test]
fn a_free_partitioned_limiter_lets_neighbours_run() {
    let limiter = Arc::new(PartitionedLimiter::new(1));
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire(1).await) }));
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire_owned(1).await) }));
}

#[test]
fn a_flight_whose_work_is_ready_lets_neighbours_run() {
    let flights = SingleFlight::new();
    assert!(neighbour_runs_beside(|| flights.run(1, async || ())));
}

#[test]
fn a_free_limiter_asked_for_many_or_in_a_name_lets_neighbours_run() {
    let (limiter, many, worker) = (Arc::new(Limiter::new(2)), NonZeroUsize::MIN.saturating_add(1), Borrower::new());
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire_many(many).await) }));
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire_many_owned(many).await) }));
    assert!(neighbour_runs_beside(|| async { assert!(limiter.acquire_many(NonZeroUsize::MAX).await.is_err()) }));
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire_as(&worker).await) }));
    assert!(neighbour_runs_beside(|| async { drop(limiter.acquire_owned_as(&worker).await) }));
}

#[test]
fn a_borrower_that_is_refused_again_and_again_lets_neighbours_run() {
    let (limiter, worker) = (Limiter::new(1), Borrower::new());
    let _held = limiter.try_acquire_as(&worker).unwrap();
    assert!(neighbour_runs_beside(|| async { assert!(limiter.acquire_as(&worker).await.is_err()) }));
}
